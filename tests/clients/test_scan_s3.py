"""`trailhound scan s3://…` on an archive in an S3 server that others wrote, in all its layouts."""

import gzip
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

import boto3
import botocore.config
import pytest
from trailhound import BINARY, COMMAND_SECONDS_MAX, until

REGION = "us-east-2"
BUCKET = "archive"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}
ACCOUNTS = ["111122223333", "123456789012"]
REGIONS = ["eu-west-1", "us-east-2"]
DAYS = ["2026/10/31", "2026/11/21", "2026/11/22"]
LAYOUTS = [
    "plain/AWSLogs/",
    "org/AWSLogs/o-example/",
    "tower/o-example/AWSLogs/o-example/",
    "deep/er/than/AWSLogs/",
    "moved/",
]


class Gate(http.server.ThreadingHTTPServer):
    """Passes requests on to moto. `refuse` decides which get another answer; `seen` keeps them all."""

    daemon_threads = True

    def __init__(self, target):
        self.target, self.seen, self.refuse, self.delay = target, [], lambda path: None, 0.0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def lists(self):
        return [path for method, path in self.seen if method == "GET" and "list-type=2" in path]

    def gets(self):
        return [path for method, path in self.seen if method == "GET" and "list-type=2" not in path]

    def handle_error(self, *_):
        """A client that was killed in mid-request is what one of these tests is about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.server.seen.append((self.command, self.path))
        refused = self.server.refuse(self.path)
        if refused:
            status, code, message = refused
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
            return self.send(status, [], body)
        time.sleep(self.server.delay)
        connection = http.client.HTTPConnection(*self.server.target, timeout=60)
        connection.request(self.command, self.path, None, dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        kept = [
            (name, value) for name, value in answer.getheaders()
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "content-encoding")
        ]
        self.send(answer.status, kept, body)
        connection.close()

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = answer

    def log_message(self, *_):
        pass


def record(event, account, region, day):
    return {
        "eventVersion": "1.11", "eventTime": f"{day.replace('/', '-')}T10:00:00Z",
        "eventSource": "sns.amazonaws.com", "eventName": "CreateTopic", "awsRegion": region,
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/ada"},
        "eventID": event, "recipientAccountId": account, "eventType": "AwsApiCall",
    }


def objects():
    """Keys with bodies: a log file for each layout, account, region and day, and what lies beside them."""
    for layout in LAYOUTS:
        for account in ACCOUNTS:
            folder = f"{layout}{account}"
            for region in REGIONS:
                for day in DAYS:
                    stamp = day.replace("/", "")
                    key = (
                        f"{folder}/CloudTrail/{region}/{day}/"
                        f"{account}_CloudTrail_{region}_{stamp}T1000Z_abcdefghijklmnop.json.gz"
                    )
                    records = [record(f"{layout}{account}/{region}/{day}", account, region, day)]
                    yield key, gzip.compress(json.dumps({"Records": records}).encode())
                    for other in ["CloudTrail-Digest", "CloudTrail-Insight", "Config"]:
                        yield f"{folder}/{other}/{region}/{day}/x.json.gz", gzip.compress(b"{}")
            yield f"{folder}/CloudTrail/", b""
    for name in ["flat/a.json", "flat/b c+d.json", "flat/ä/é.json"]:
        yield name, json.dumps({"Records": [record(name, *ACCOUNTS[:1], REGION, DAYS[0])]}).encode()


@pytest.fixture(scope="module")
def moto():
    process = subprocess.Popen(
        [sys.executable, "-c",
         "from moto.server import ThreadedMotoServer as S\n"
         "s = S(ip_address='127.0.0.1', port=0, verbose=False); s.start()\n"
         "print(s.get_host_and_port()[1], flush=True); import signal; signal.pause()"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    port = int(process.stdout.readline())
    s3 = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION,
        aws_access_key_id="testing", aws_secret_access_key="testing",
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, body in objects():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    yield ("127.0.0.1", port), s3
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def gate(moto):
    gate = Gate(moto[0])
    yield gate
    gate.shutdown()
    gate.server_close()


def environment(gate):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    return {**kept, **KEYS, **nowhere, "AWS_ENDPOINT_URL_S3": gate.url}


def command(prefix, *options):
    return [BINARY, "scan", f"s3://{BUCKET}/{prefix}", "--when", "sns:CreateTopic", *options]


def scan(gate, prefix, *options):
    """What a scan finds, by events' ids; its errors; its exit code."""
    done = subprocess.run(
        command(prefix, "--format", "ndjson", *options), env=environment(gate),
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    return ids(done.stdout), done.stderr, done.returncode


def ids(lines):
    return sorted(json.loads(line)["record"]["eventID"] for line in lines.splitlines())


def events(layout, accounts=ACCOUNTS, regions=REGIONS, days=DAYS):
    return sorted(
        f"{layout}{account}/{region}/{day}" for account in accounts for region in regions for day in days
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_and_nothing_else(gate, layout):
    top = layout.split("/")[0] + "/"
    found, errors, status = scan(gate, top)
    assert (found, status) == (events(layout), 0), errors
    assert len(gate.gets()) == len(found)
    assert not [path for path in gate.seen if "CloudTrail-Digest" in path[1] or "Config" in path[1]]


def test_the_whole_bucket_is_read(gate):
    found, errors, status = scan(gate, "")
    wanted = sorted(sum((events(layout) for layout in LAYOUTS), ["flat/a.json", "flat/b c+d.json", "flat/ä/é.json"]))
    assert (found, status) == (wanted, 0), errors


@pytest.mark.parametrize(("below", "wanted"), [
    ("", {}),
    ("111122223333", {"accounts": ACCOUNTS[:1]}),
    ("111122223333/CloudTrail/eu-", {"accounts": ACCOUNTS[:1], "regions": REGIONS[:1]}),
    ("111122223333/CloudTrail/eu-west-1/2026/11", {"accounts": ACCOUNTS[:1], "regions": REGIONS[:1], "days": DAYS[1:]}),
    ("111122223333/CloudTrail/eu-west-1/2026/11/22/",
     {"accounts": ACCOUNTS[:1], "regions": REGIONS[:1], "days": DAYS[2:]}),
])
def test_a_prefix_may_point_anywhere_into_an_archive(gate, below, wanted):
    layout = LAYOUTS[1]
    found, errors, status = scan(gate, layout + below)
    assert (found, status) == (events(layout, **wanted), 0), errors


def test_only_what_is_wanted_is_listed_and_read(gate):
    layout = LAYOUTS[0]
    found, errors, status = scan(
        gate, layout, "--from", "2026-11-21", "--to", "2026-11-21", "--account", ACCOUNTS[0], "--region", REGIONS[1],
    )
    assert (found, status) == (events(layout, ACCOUNTS[:1], REGIONS[1:], DAYS[1:2]), 0), errors
    # The file of the day after might hold what was delivered late; the month before cannot.
    assert len(gate.gets()) == 2
    # AWSLogs, the account, its CloudTrail, the region.
    assert len(gate.lists()) == 4
    assert "start-after" in gate.lists()[-1]


def test_a_plan_says_what_it_would_cost_and_reads_nothing(gate):
    done = subprocess.run(
        command(LAYOUTS[0], "--plan"), env=environment(gate), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr
    for wanted in ["objects     12 ", "2 accounts and 2 regions", "9 LIST, 12 GET", "KMS calls   0", "cost        $0.00"]:
        assert wanted in done.stdout, done.stdout
    assert not gate.gets()


def test_slow_down_is_borne(gate):
    refused = set()

    def refuse(path):
        # Every object's first request, and the first listing.
        kind = path if "list-type=2" not in path else "list"
        if kind not in refused:
            refused.add(kind)
            return 503, "SlowDown", "Please reduce your request rate."
        return None

    gate.refuse = refuse
    found, errors, status = scan(gate, LAYOUTS[0])
    assert (found, status) == (events(LAYOUTS[0]), 0), errors


def test_one_object_that_is_refused_is_named_with_the_action_and_the_rest_is_read(gate):
    def refuse(path):
        if f"{ACCOUNTS[0]}_CloudTrail_{REGIONS[0]}_20261122" in urllib.parse.unquote(path) and "list-type" not in path:
            return 403, "AccessDenied", "User: ada is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x"
        return None

    gate.refuse = refuse
    found, errors, status = scan(gate, LAYOUTS[0])
    gone = f"{LAYOUTS[0]}{ACCOUNTS[0]}/{REGIONS[0]}/{DAYS[2]}"
    assert (found, status) == ([event for event in events(LAYOUTS[0]) if event != gone], 2)
    assert "KMS refuses, not S3: kms:Decrypt" in errors, errors


def test_a_refusal_of_everything_ends_at_once_with_one_error(gate):
    gate.refuse = lambda path: None if "list-type" in path else (403, "AccessDenied", "Access Denied")
    found, errors, status = scan(gate, "")
    assert (found, status) == ([], 2)
    assert errors.count("not allowed: s3:GetObject on arn:aws:s3:::archive/") == 1, errors
    assert "none of the first 20 objects may be read" in errors, errors

    gate.refuse = lambda path: (403, "AccessDenied", "Access Denied")
    found, errors, status = scan(gate, LAYOUTS[0])
    assert (found, status) == ([], 2)
    assert "not allowed: s3:ListBucket on arn:aws:s3:::archive" in errors, errors


def test_a_bucket_that_is_not_there_is_named(gate):
    done = subprocess.run(
        [BINARY, "scan", "s3://nowhere-at-all/"], env=environment(gate),
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    assert done.returncode == 2
    assert "s3://nowhere-at-all/" in done.stderr and "there is no such bucket" in done.stderr, done.stderr


def test_no_keys_are_explained(gate, tmp_path):
    without = {name: value for name, value in environment(gate).items() if "ACCESS_KEY" not in name}
    done = subprocess.run(
        command(""), env={**without, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    assert done.returncode == 2
    assert "no credentials" in done.stderr and "AWS_PROFILE" in done.stderr, done.stderr


def test_requests_are_held_to_a_rate(gate):
    started = time.monotonic()
    found, errors, status = scan(gate, LAYOUTS[0], "--requests-per-second", "10")
    assert (found, status) == (events(LAYOUTS[0]), 0), errors
    # 9 LIST and 12 GET, a tenth of a second apart.
    assert time.monotonic() - started >= 2.0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_scan_goes_on_after_an_interruption(gate, tmp_path, how):
    file = tmp_path / "progress.json"
    options = ["--resume", file, "--format", "ndjson", "--requests-at-a-time", "2"]
    gate.delay = 0.3
    out = tmp_path / "first.ndjson"
    with open(out, "w") as first:
        process = subprocess.Popen(
            command("", *options), env=environment(gate), stdout=first, stderr=subprocess.DEVNULL,
        )
        # Something was read, and where it is to survive a kill, also written down.
        until(lambda: out.stat().st_size > 0 and (how == signal.SIGINT or file.exists()), "the first findings")
        process.send_signal(how)
        process.wait(COMMAND_SECONDS_MAX)
    gate.delay = 0.0
    before = ids(out.read_text())
    wanted = sorted(sum((events(layout) for layout in LAYOUTS), ["flat/a.json", "flat/b c+d.json", "flat/ä/é.json"]))
    assert 0 < len(before) < len(wanted)

    done = subprocess.run(
        command("", *options), env=environment(gate), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    after = ids(done.stdout)
    assert done.returncode == 0, done.stderr
    assert sorted(set(before + after)) == wanted
    if how == signal.SIGINT:
        assert not set(before) & set(after)

    # All is done; another scan's arguments are refused.
    done = subprocess.run(
        command("", *options), env=environment(gate), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    done = subprocess.run(
        command("", *options, "--account", ACCOUNTS[0]), env=environment(gate),
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )
    assert done.returncode == 2 and "another --account" in done.stderr, done.stderr


def test_a_key_with_an_empty_part_is_read_and_one_with_dots_is_named(gate, moto):
    _, s3 = moto
    body = lambda event: json.dumps({"Records": [record(event, ACCOUNTS[0], REGION, DAYS[0])]}).encode()
    keys = ["odd//AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/22/x.json", "odd/plain.json", "odd/a/../b.json"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=body(key))
    try:
        found, errors, status = scan(gate, "odd/")
        assert (found, status) == (sorted(keys[:2]), 2), errors
        assert "s3://archive/odd/a/../b.json" in errors and "cannot be asked for" in errors, errors
    finally:
        for key in keys:
            s3.delete_object(Bucket=BUCKET, Key=key)


def test_an_object_in_an_archive_class_is_named_and_not_asked_for(gate, moto):
    _, s3 = moto
    key = "cold/x.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}", StorageClass="DEEP_ARCHIVE")
    try:
        found, errors, status = scan(gate, "cold/")
        assert (found, status) == ([], 2)
        assert "restore it first" in errors, errors
        assert not gate.gets()
    finally:
        s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_large_object_is_read_part_by_part(gate, moto):
    _, s3 = moto
    # Random ids do not compress: some 9 MB as stored.
    records = [record(os.urandom(12).hex(), ACCOUNTS[0], REGION, DAYS[0]) for _ in range(20_000)]
    records += [{"eventName": "Filler", "x": os.urandom(2_000).hex()} for _ in range(4_000)]
    key = "large/x.json.gz"
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(json.dumps({"Records": records}).encode(), 1))
    try:
        found, errors, status = scan(gate, "large/")
        assert (len(found), status) == (20_000, 0), errors
        assert len(gate.gets()) > 3
    finally:
        s3.delete_object(Bucket=BUCKET, Key=key)
