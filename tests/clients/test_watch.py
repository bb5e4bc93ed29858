"""`trailhound watch` on an SQS queue and S3 buckets of a server that others wrote."""

import contextlib
import gzip
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

import boto3
import botocore.config
import pytest
from trailhound import BINARY, LOG, until, write_rule

ACCOUNT = "123456789012"
REGION = "us-east-2"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}
STOP_SECONDS_MAX = 30
HELD_SECONDS_MAX = 60


# ── the servers ──


class Proxy:
    """Passes requests on to moto, and knows which. Reads of objects are held back while `open` is not
    set, and by `delay`; `down` refuses them."""

    def __init__(self, target):
        self.delay, self.down, self.seen = 0.0, False, []
        self.open = threading.Event()
        self.open.set()
        host, port = target
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                action = self.headers.get("X-Amz-Target", "").partition(".")[2]
                proxy.seen.append(action or f"{self.command} {self.path}")
                if self.command == "GET" and not action:
                    time.sleep(proxy.delay)
                    proxy.open.wait(HELD_SECONDS_MAX)
                    if proxy.down:
                        return self.send(503, [], b"<Error><Code>ServiceUnavailable</Code></Error>")
                connection = http.client.HTTPConnection(host, port, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                found = answer.read()
                kept = [
                    (name, value) for name, value in answer.getheaders()
                    if name.lower() not in ("transfer-encoding", "content-length", "connection")
                ]
                self.send(answer.status, kept, found)
                connection.close()

            def send(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that was killed in mid-request is what these tests are about."""


class Hook:
    """A webhook that notes alerts; `down` answers 503."""

    def __init__(self):
        # Each alert with the id of its header: requests come side by side.
        self.taken, self.down, self.refused = [], False, 0
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.down:
                    hook.refused += 1
                    self.send_response(503)
                else:
                    hook.taken.append((json.loads(body), self.headers["x-trailhound-alert-id"]))
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def alerts(self):
        return [alert for alert, _ in self.taken]

    def names(self):
        return sorted(alert["record"]["requestParameters"]["name"] for alert in self.alerts)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """moto's server in a process of its own, on a port that it chose."""
    program = (
        "import logging, werkzeug.serving as w\n"
        "from moto.server import DomainDispatcherApplication, create_backend_app\n"
        "logging.getLogger('werkzeug').disabled = True\n"
        "app = DomainDispatcherApplication(create_backend_app)\n"
        "server = w.make_server('127.0.0.1', 0, app, threaded=True)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    log = tmp_path_factory.mktemp("moto") / "log.txt"
    with open(log, "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=os.environ | KEYS | {"AWS_DEFAULT_REGION": REGION},
        )
    line = process.stdout.readline()
    assert line, log.read_text()
    yield ("127.0.0.1", int(line))
    process.kill()
    process.wait()
    process.stdout.close()


def client(service, url):
    return boto3.session.Session().client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=botocore.config.Config(retries={"total_max_attempts": 2}),
    )


class Stage:
    """A bucket that notifies a queue, a webhook, and watches of them."""

    def __init__(self, moto, folder, visibility):
        self.folder = folder
        self.proxy, self.hook = Proxy(moto), Hook()
        direct = f"http://{moto[0]}:{moto[1]}"
        self.s3, self.sqs, self.sns = (client(name, direct) for name in ("s3", "sqs", "sns"))
        mark = uuid.uuid4().hex[:8]
        self.bucket, self.queue_name = f"logs-{mark}", f"queue-{mark}"
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.sqs.create_queue(
            QueueName=self.queue_name, Attributes={"VisibilityTimeout": str(visibility)}
        )
        self.queue = f"{direct}/{ACCOUNT}/{self.queue_name}"
        self.queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.queue_name}"
        self.config = folder / "watch.toml"
        self.configure()
        self.watches = []

    def configure(self, more=""):
        url = f"{self.proxy.url}/{ACCOUNT}/{self.queue_name}"
        self.config.write_text(
            f'[queue]\nurl = "{url}"\nwait = "1s"\n\n[bucket]\nendpoint = "{self.proxy.url}"\n'
            f'region = "{REGION}"\n\n[outgoing]\nallow_private = true\n\n{more}'
        )

    def notify(self):
        """The bucket notifies the queue, as moto does it: with a test event first."""
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": self.queue_arn, "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )

    def put(self, *names, key=None, old=False):
        """A log file of calls that make topics of these names; its key."""
        records = [topic_made(name, old) for name in names]
        key = key or (
            f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/23/{ACCOUNT}_CloudTrail_{REGION}_"
            f"20261123T1000Z_{uuid.uuid4().hex[:16]}.json.gz"
        )
        body = gzip.compress(json.dumps({"Records": records}).encode())
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def send(self, body):
        self.sqs.send_message(
            QueueUrl=self.queue, MessageBody=body if isinstance(body, str) else json.dumps(body)
        )

    def tell(self, key, bucket=None):
        """S3's notice of an object, as a message of the queue."""
        self.send(notice(bucket or self.bucket, key))

    def waiting(self):
        """How many messages the queue has, those included that somebody works on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)
        return tuple(int(answer["Attributes"][name]) for name in names)

    def empty(self):
        return self.waiting() == (0, 0)

    def watch(self, *arguments, alert=True, config=True):
        to = ["--alert", f"webhook:{self.hook.url}"] if alert else []
        given = ["--config", self.config] if config else []
        watch = Watch(self, ["--bucket", self.bucket, *given, *to, *arguments])
        self.watches.append(watch)
        return watch

    def ready(self, *arguments):
        """A watch that `status` and `dead` find."""
        watch = self.watch(*arguments)
        until((self.folder / "data" / "server.json").exists, "the watch's server.json")
        return watch

    def run(self, *arguments):
        done = subprocess.run(
            [BINARY, *arguments, "--dir", self.folder / "data"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=environment(self.folder), timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def close(self):
        for watch in self.watches:
            watch.kill()
        self.proxy.close()
        self.hook.close()


class Watch:
    """A `trailhound watch`."""

    def __init__(self, stage, arguments):
        self.log, self.out = stage.folder / "log.txt", stage.folder / "out.txt"
        place = [] if "--dry-run" in arguments else ["--dir", stage.folder / "data"]
        with open(self.log, "ab") as log, open(self.out, "ab") as out:
            self.process = subprocess.Popen(
                [BINARY, "watch", *arguments, *place, "--log", "info" if LOG == "warn" else LOG],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment(stage.folder),
            )

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def ended(self):
        return self.process.wait(STOP_SECONDS_MAX), self.log.read_text()


def environment(folder):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILHOUND_"))}
    return kept | KEYS | {"HOME": str(folder), "NO_COLOR": "1"}


def topic_made(name, old=False):
    return {
        "eventVersion": "1.11", "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{ACCOUNT}:user/a",
            "accountId": ACCOUNT, "userName": "a",
        },
        "eventTime": "2020-01-01T00:00:00Z" if old else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "sns.amazonaws.com", "eventName": "CreateTopic", "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.7", "userAgent": "test", "requestParameters": {"name": name},
        "responseElements": None, "requestID": name, "eventID": str(uuid.uuid4()), "readOnly": False,
        "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def notice(bucket, key):
    s3 = {"bucket": {"name": bucket}, "object": {"key": key}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}


@pytest.fixture
def stage(moto, tmp_path, request):
    stage = Stage(moto, tmp_path, getattr(request, "param", 20))
    with contextlib.closing(stage):
        yield stage


@pytest.fixture(autouse=True)
def shown_log(request, tmp_path):
    yield
    log = tmp_path / "log.txt"
    if log.exists():
        print(f"--- log of trailhound watch ---\n{log.read_text()[-15_000:]}")


# ── what is promised ──


def test_a_notified_object_alerts_and_its_message_is_gone(stage):
    stage.notify()
    stage.watch()
    stage.put("first topic")
    until(lambda: stage.hook.alerts, "the alert")
    [(alert, id)] = stage.hook.taken
    assert alert["rule"]["title"] == "SNS topic created"
    assert alert["record"]["requestParameters"]["name"] == "first topic"
    assert alert["id"] == id
    until(stage.empty, "an empty queue: the test event and the notice are deleted")


def test_a_message_goes_only_once_its_findings_are_kept(stage):
    stage.hook.down = True
    key = stage.put("kept")
    stage.tell(key)
    watch = stage.watch()
    until(stage.empty, "the message is deleted while nobody takes the alert")
    watch.kill()
    assert not stage.hook.alerts
    stage.hook.down = False
    stage.watch()
    until(lambda: stage.hook.names() == ["kept"], "the alert out of the outbox")
    assert stage.empty()


def wrapped(body):
    return {
        "Type": "Notification", "MessageId": str(uuid.uuid4()), "Subject": "Amazon S3 Notification",
        "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:logs", "Message": json.dumps(body),
        "Timestamp": "2026-11-23T10:00:00.000Z", "SignatureVersion": "1", "Signature": "x",
        "SigningCertURL": "https://sns.us-east-2.amazonaws.com/x.pem",
        "UnsubscribeURL": "https://sns.us-east-2.amazonaws.com/",
    }


def test_every_shape_of_a_notice_is_read(stage):
    keys = [stage.put(f"shape {number}") for number in range(5)]
    stage.tell(keys[0])
    stage.send(wrapped(notice(stage.bucket, keys[1])))
    stage.send({"s3Bucket": stage.bucket, "s3ObjectKey": [keys[2]]})
    stage.send(wrapped({"s3Bucket": stage.bucket, "s3ObjectKey": [keys[3]]}))
    bus = {"version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3",
           "account": ACCOUNT, "region": REGION, "resources": []}
    stage.send(bus | {"detail": {"bucket": {"name": stage.bucket}, "object": {"key": keys[4]}}})
    stage.send(bus | {"detail-type": "AWS API Call via CloudTrail", "source": "aws.sns",
                      "detail": topic_made("shape 5")})
    stage.watch()
    until(lambda: len(stage.hook.alerts) >= 6, "an alert of each")
    assert stage.hook.names() == [f"shape {number}" for number in range(6)]
    until(stage.empty, "an empty queue")


def test_a_topic_between_bucket_and_queue(stage):
    """moto's own SNS wraps the notice and hands it to the queue."""
    topic = stage.sns.create_topic(Name=stage.queue_name)["TopicArn"]
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue_arn)
    key = stage.put("by way of a topic")
    stage.sns.publish(TopicArn=topic, Message=json.dumps(notice(stage.bucket, key)))
    stage.watch()
    until(lambda: stage.hook.names() == ["by way of a topic"], "the alert")
    until(stage.empty, "an empty queue")


def test_poison_is_a_dead_letter_with_its_reason(stage):
    stage.send("no JSON at all")
    stage.send(notice("somebody-elses", "x.json.gz"))
    stage.tell("AWSLogs/gone.json.gz")
    damaged = f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/23/damaged.json.gz"
    body = gzip.compress(json.dumps({"Records": [topic_made("before the damage")]}).encode())
    stage.s3.put_object(Bucket=stage.bucket, Key=damaged, Body=body[:-8] + b"\0" * 8)
    stage.tell(damaged)
    stage.tell(stage.put("sound"))
    stage.watch()
    until(lambda: "sound" in stage.hook.names(), "the alert of what is sound")
    until(stage.empty, "an empty queue")
    until(lambda: len(dead(stage)) == 4, "four dead letters")
    reasons = {letter["key"]: letter["reason"] for letter in dead(stage)}
    assert "no JSON" in reasons[None]
    assert "somebody-elses" in reasons["x.json.gz"] and "--bucket" in reasons["x.json.gz"]
    assert "not there" in reasons["AWSLogs/gone.json.gz"]
    assert reasons[damaged]
    assert {letter["hop"] for letter in dead(stage)} == {"watch"}
    code, text, _ = stage.run("status")
    assert code == 1 and "watch" in text


def dead(stage):
    code, text, errors = stage.run("dead", "list", "--json")
    assert code == 0, errors
    return [json.loads(line) for line in text.splitlines()]


def test_a_dead_letter_is_read_after_all_once_it_is_replayed(stage):
    key = f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/23/later.json.gz"
    stage.tell(key)
    stage.ready()
    until(lambda: len(dead(stage)) == 1, "the dead letter")
    stage.put("came later", key=key)
    assert stage.run("dead", "replay")[0] == 0
    until(lambda: stage.hook.names() == ["came later"], "the alert")
    assert not dead(stage)


def test_what_cannot_be_read_now_comes_again(stage):
    stage.proxy.down = True
    stage.tell(stage.put("in a while"))
    stage.watch()
    until(lambda: "tried again in" in (stage.folder / "log.txt").read_text(), "a try that failed")
    assert sum(stage.waiting()) == 1
    stage.proxy.down = False
    until(lambda: stage.hook.names() == ["in a while"], "the alert")
    until(stage.empty, "an empty queue")
    assert not dead(stage)


@pytest.mark.parametrize("stage", [6], indirect=True)
def test_a_message_stays_hidden_while_it_is_worked_on(stage):
    stage.proxy.open.clear()
    stage.tell(stage.put("slow"))
    stage.watch()
    # Each comes after half of the time for which the one before hid the message.
    until(lambda: stage.proxy.seen.count("ChangeMessageVisibility") >= 3, "word for more than its time")
    stage.proxy.open.set()
    until(lambda: stage.hook.names() == ["slow"], "the alert")
    until(stage.empty, "an empty queue")
    gets = [seen for seen in stage.proxy.seen if seen.startswith("GET /logs-")]
    assert len(gets) == 1, gets


def test_sigterm_finishes_what_is_in_hand(stage):
    stage.proxy.delay = 2
    stage.tell(stage.put("in hand"))
    watch = stage.watch()
    until(lambda: [seen for seen in stage.proxy.seen if seen.startswith("GET /logs-")], "a read")
    assert watch.stop() == 0
    assert stage.hook.names() == ["in hand"], "the outbox is flushed before the end"
    assert stage.empty()


def test_sigterm_shows_what_it_cannot_finish_again(stage):
    stage.proxy.delay = 60
    stage.tell(stage.put("not in time"))
    watch = stage.watch()
    until(lambda: [seen for seen in stage.proxy.seen if seen.startswith("GET /logs-")], "a read")
    assert watch.stop() == 0
    assert stage.waiting() == (1, 0), "visible again at once"
    stage.proxy.delay = 0
    stage.watch()
    until(lambda: stage.hook.names() == ["not in time"], "the alert")


@pytest.mark.parametrize("stage", [2], indirect=True)
def test_kill_9_loses_nothing_and_repeats_carry_the_same_id(stage):
    names = [f"call {number:02}" for number in range(40)]
    for name in names:
        stage.tell(stage.put(name))
    for moment in (0.3, 0.5, 0.8):
        watch = stage.watch()
        time.sleep(moment)
        watch.kill()
    stage.watch()
    until(lambda: set(stage.hook.names()) == set(names), "an alert of each call")
    until(stage.empty, "an empty queue")
    ids = {}
    for alert, id in stage.hook.taken:
        ids.setdefault(alert["record"]["requestParameters"]["name"], set()).add(id)
    assert all(len(of_one) == 1 for of_one in ids.values()), ids
    assert len(set.union(*ids.values())) == len(names)


def test_the_same_object_told_again_alerts_once(stage):
    key = stage.put("once")
    stage.tell(key)
    stage.watch()
    until(lambda: stage.hook.names() == ["once"], "the alert")
    stage.tell(key)
    stage.tell(stage.put("after it"))
    until(lambda: "after it" in stage.hook.names(), "the later alert")
    until(stage.empty, "an empty queue")
    assert stage.hook.names() == ["after it", "once"]


def test_a_dry_run_shows_findings_and_consumes_nothing(stage):
    stage.tell(stage.put("only shown"))
    stage.send("no JSON at all")
    watch = stage.watch("--dry-run", alert=False)
    until(lambda: watch.out.read_text().endswith("\n"), "a finding")
    until(lambda: "cannot be read" in watch.log.read_text(), "a word on the poison")
    assert watch.stop() == 0
    [line] = watch.out.read_text().splitlines()
    finding = json.loads(line)
    assert finding["rule"]["title"] == "SNS topic created"
    assert finding["object"].startswith(f"s3://{stage.bucket}/AWSLogs/")
    assert "no message is deleted" in watch.log.read_text()
    assert sum(stage.waiting()) == 2
    assert "DeleteMessage" not in stage.proxy.seen
    assert not (stage.folder / "data").exists() and not stage.hook.alerts


def test_it_refuses_to_begin_without_a_destination(stage):
    code, log = stage.watch(alert=False).ended()
    assert code == 2 and "--alert" in log and "--dry-run" in log
    stage.send("still there")
    assert stage.waiting() == (1, 0)


def test_a_queue_that_is_not_there_is_named(stage):
    url = f"{stage.proxy.url}/{ACCOUNT}/nowhere"
    code, log = stage.watch("--queue", url).ended()
    assert code == 2 and url in log and "NonExistentQueue" in log


def test_low_levels_and_old_events_alert_nobody(stage):
    stage.tell(stage.put("old one", old=True))
    stage.tell(stage.put("new one"))
    watch = stage.watch("--max-age", "2d")
    until(lambda: stage.hook.names() == ["new one"], "the alert")
    until(stage.empty, "an empty queue")
    [late] = (stage.folder / "data" / "late").iterdir()
    [line] = late.read_text().splitlines()
    assert json.loads(line)["record"]["requestParameters"]["name"] == "old one"
    assert watch.stop() == 0
    stage.watch("--min-level", "high")
    stage.tell(stage.put("too low"))
    until(stage.empty, "an empty queue")
    assert stage.hook.names() == ["new one"]


def test_one_question_on_the_command_line(stage):
    stage.tell(stage.put("asked for"))
    stage.watch("--when", "sns:CreateTopic and requestParameters.name=asked*")
    stage.tell(stage.put("not asked for"))
    until(lambda: stage.hook.names() == ["asked for"], "the alert")
    until(stage.empty, "an empty queue")
    assert stage.hook.names() == ["asked for"]


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def metrics_port(watch):
    line = re.compile(r"metrics   http://127\.0\.0\.1:(\d+)/")
    return int(until(lambda: line.search(watch.out.read_text()), "the port")[1])


def test_rules_are_read_again_while_it_runs(stage):
    rules = stage.folder / "rules"
    rules.mkdir()
    write_rule(rules, "a", "Another call", "DeleteTopic")
    watch = stage.watch("--rules", rules, "--metrics", "0")
    port = metrics_port(watch)
    stage.tell(stage.put("before"))
    until(stage.empty, "an empty queue")
    write_rule(rules, "b", "A topic was made", "CreateTopic")
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: metrics(port)["trailhound_rules"] == "2", "the new rules")
    stage.tell(stage.put("after"))
    until(lambda: stage.hook.names() == ["after"], "the alert of the new rule")
    (rules / "c.yml").write_text("title: [")
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: metrics(port)["trailhound_rules_stale"] == "1", "the broken set is refused")
    assert "c.yml" in stage.run("status")[1]
    stage.tell(stage.put("still"))
    until(lambda: "still" in stage.hook.names(), "the alert of the rules from before")
    (rules / "c.yml").unlink()
    until(lambda: metrics(port)["trailhound_rules_stale"] == "0", "the mended set, without a signal")


def test_metrics_say_what_was_done(stage):
    stage.tell(stage.put("one", "two"))
    stage.send("poison")
    watch = stage.watch("--metrics", "0")
    port = metrics_port(watch)
    until(lambda: len(stage.hook.alerts) == 2, "the alerts")
    until(stage.empty, "an empty queue")
    until(lambda: metrics(port)['trailhound_hop_dead{hop="watch"}'] == "1", "the dead letter")
    found = metrics(port)
    assert found['trailhound_watch_messages_total{outcome="received"}'] == "2"
    assert found['trailhound_watch_messages_total{outcome="dead"}'] == "1"
    assert found['trailhound_watch_objects_total{outcome="read"}'] == "1"
    assert found["trailhound_watch_records_total"] == "2"
    assert found['trailhound_watch_findings_total{kind="taken"}'] == "2"
    assert 0 <= float(found["trailhound_watch_lag_seconds"]) < 60
    assert found["trailhound_watch_queue_down"] == "0"


def test_a_second_watch_of_one_directory_is_refused(stage):
    stage.tell(stage.put("x"))
    stage.watch()
    until(lambda: stage.hook.alerts, "the alert")
    code, log = stage.watch().ended()
    assert code == 2 and "is in use by another trailhound" in log


def test_an_alert_goes_to_a_topic_of_the_account(stage):
    """SNS of moto, with keys of the environment and an endpoint of the destination's own."""
    topic = stage.sns.create_topic(Name=f"alerts-{stage.queue_name}")["TopicArn"]
    inbox = stage.sqs.create_queue(QueueName=f"inbox-{stage.queue_name}")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox-{stage.queue_name}"
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    stage.configure(f'[[destination]]\nto = "sns:{topic}"\nendpoint = "{stage.proxy.url}"\n')
    stage.tell(stage.put("to a topic"))
    stage.watch(alert=False)
    inbox = f"{stage.queue.rpartition('/')[0]}/inbox-{stage.queue_name}"
    received = lambda: stage.sqs.receive_message(QueueUrl=inbox).get("Messages")
    [message] = until(received, "the alert in the topic")
    alert = json.loads(json.loads(message["Body"])["Message"])
    assert alert["record"]["requestParameters"]["name"] == "to a topic"
