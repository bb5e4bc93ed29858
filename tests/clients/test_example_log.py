"""Log files from elsewhere, put into a trail's bucket: they alert once, whatever happens again."""

import copy
import gzip
import json
import uuid

import pytest
from listener import Listener
from functions import wake
from road import ALERTS, PREFIX, make_bucket, subscribe
from trailhound import ACCOUNT, REGION, ROOT, Trailhound, until

BUCKET = "example-logs"
RULE = "SNS topic created"
EXAMPLES = ROOT.parent / "shared" / "data"

# Two records of our own making, as CloudTrail writes them: the first alerts, the second does not.
IDENTITY = {
    "type": "Root",
    "principalId": ACCOUNT,
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIATESTROOT00000001",
}
CREATED = {
    "eventVersion": "1.11",
    "userIdentity": IDENTITY,
    "eventTime": "2026-11-22T10:01:36Z",
    "eventSource": "sns.amazonaws.com",
    "eventName": "CreateTopic",
    "awsRegion": REGION,
    "sourceIPAddress": "198.51.100.130",
    "userAgent": "aws-cli/2.31.4",
    "requestParameters": {"name": "made-up"},
    "responseElements": {"topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:made-up"},
    "requestID": "ab13dfae-6276-45da-a05f-11193ceaaf30",
    "eventID": "",
    "readOnly": False,
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": ACCOUNT,
    "eventCategory": "Management",
}
READ = CREATED | {
    "eventName": "GetTopicAttributes",
    "requestParameters": {"topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:made-up"},
    "responseElements": None,
    "readOnly": True,
}


@pytest.fixture(scope="module")
def server():
    """A server with all shipped rules."""
    with Trailhound(rules=()) as server:
        yield server


@pytest.fixture(scope="module")
def inbox(server):
    """A bucket that wakes the function, and whoever is told of alerts."""
    s3 = server.client("s3")
    make_bucket(s3, BUCKET)
    wake(s3, BUCKET, "detect", "AWSLogs/")
    with Listener() as listener:
        subscribe(server.client("sns"), listener)
        yield s3, listener


def key(unique):
    day = f"{PREFIX}2026/11/22/{ACCOUNT}_CloudTrail_{REGION}_20261122T1005Z_"
    return f"{day}{unique:0>16}.json.gz"


def made_up():
    """Both records under new ids, and the id that alerts."""
    records = copy.deepcopy([CREATED, READ])
    for record in records:
        record["eventID"] = str(uuid.uuid4())
    return {"Records": records}, records[0]["eventID"]


def put(s3, unique, text):
    s3.put_object(Bucket=BUCKET, Key=key(unique), Body=gzip.compress(text.encode(), mtime=0))


def alerts_of(listener, event_id):
    """The alerts of the rule that these logs are about. No rule alerts twice of one event."""
    alerts = [one for one in listener.alerts() if one["record"]["eventID"] == event_id]
    assert len({one["id"] for one in alerts}) == len(alerts), alerts
    return [one for one in alerts if one["rule"]["title"] == RULE]


def pass_by(s3, listener, unique):
    """Puts one more log and waits for its alert: what was put before has had its time."""
    log, event_id = made_up()
    put(s3, unique, json.dumps(log))
    until(lambda: alerts_of(listener, event_id), f"the alert of {unique}")


def test_a_log_alerts_once_also_when_put_again(inbox):
    s3, listener = inbox
    log, event_id = made_up()
    put(s3, "first", json.dumps(log))
    until(lambda: alerts_of(listener, event_id), "the alert")
    put(s3, "first", json.dumps(log))
    put(s3, "second", json.dumps(log))
    pass_by(s3, listener, "afterwards")
    [alert] = alerts_of(listener, event_id)
    assert alert["record"] == log["Records"][0]
    assert alert["object"] == f"s3://{BUCKET}/{key('first')}"
    assert not alerts_of(listener, log["Records"][1]["eventID"])


def dead(server, unique):
    listed, exit_code = server.run("dead", "list", "--json")
    assert exit_code == 0
    letters = [json.loads(line) for line in listed.splitlines()]
    return [one for one in letters if one["key"] == key(unique)]


@pytest.mark.parametrize(
    ("unique", "break_", "place_of"),
    [
        ("comma", lambda text: text.replace(', "awsRegion"', ' "awsRegion"', 1), '"awsRegion"'),
        ("end", lambda text: text[:-2], ""),
        ("quote", lambda text: text.replace('"CreateTopic"', "“CreateTopic”", 1), "“CreateTopic”"),
    ],
    ids=["comma", "end", "quote"],
)
def test_a_malformed_log_is_a_dead_letter_and_others_go_on(server, inbox, unique, break_, place_of):
    s3, listener = inbox
    log, event_id = made_up()
    text = break_(json.dumps(log, ensure_ascii=False))
    put(s3, unique, text)
    letters = until(lambda: dead(server, unique), "the dead letter")
    assert len(letters) == 1, letters
    [letter] = letters
    assert letter["hop"] == "function"
    assert letter["bucket"] == BUCKET
    place = len(text[: text.index(place_of)].encode()) if place_of else len(text.encode())
    assert letter["offset"] == place
    assert letter["reason"].startswith(f"s3://{BUCKET}/{letter['key']}: expected ")
    assert letter["reason"].endswith(f" at byte {place}")
    assert set(letter) == {"hop", "id", "bucket", "key", "offset", "reason", "attempts", "since"}
    pass_by(s3, listener, f"after{unique}")
    # What was whole before the fault alerts.
    assert len(alerts_of(listener, event_id)) == (1 if unique == "end" else 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"AWSLogs/{ACCOUNT}/CloudTrail/", b""),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/11/22/a.json.gz", gzip.compress(b"{}")),
        ("AWSLogs/notes.txt", b"not a log"),
    ],
    ids=["marker", "digest", "note"],
)
def test_an_object_that_is_no_log_is_no_error(server, inbox, name, content):
    s3, listener = inbox
    s3.put_object(Bucket=BUCKET, Key=name, Body=content)
    pass_by(s3, listener, f"other{len(name)}")
    listed, _ = server.run("dead", "list", "--json")
    assert name not in [json.loads(line)["key"] for line in listed.splitlines()]


def published(name):
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path.read_text()


def test_the_published_example_alerts_once_also_when_put_again(inbox):
    s3, listener = inbox
    text = published("example_log.json")
    created, read = (
        next(one for one in json.loads(text)["Records"] if one["eventName"] == name)
        for name in ("CreateTopic", "GetTopicAttributes")
    )
    put(s3, "published", text)
    until(lambda: alerts_of(listener, created["eventID"]), "the alert")
    put(s3, "published", text)
    pass_by(s3, listener, "afterpublished")
    assert len(alerts_of(listener, created["eventID"])) == 1
    assert not alerts_of(listener, read["eventID"])


def test_the_published_example_as_printed_is_a_dead_letter(server, inbox):
    s3, listener = inbox
    text = published("example_log_as_printed.txt")
    put(s3, "printed", text)
    [letter] = until(lambda: dead(server, "printed"), "the dead letter")
    assert letter["bucket"] == BUCKET
    assert 0 < letter["offset"] < len(text.encode())
    assert letter["reason"].startswith(f"s3://{BUCKET}/{letter['key']}: expected ")
    assert letter["reason"].endswith(f" at byte {letter['offset']}")
    pass_by(s3, listener, "afterprinted")
