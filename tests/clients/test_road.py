"""One signed API call becomes one alert, set up with boto3 as a new user would."""

import re

import pytest
from listener import Listener
from functions import wake
from road import ACCOUNT, ALERTS, REGION, make_bucket, record, subscribe
from trailhound import until

BUCKET = "my-logs"
TOPIC = "dropmeplease"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:{TOPIC}"


@pytest.fixture(scope="module")
def road(server):
    """The road with both calls of the example made, and one call after them that alerts too."""
    s3, sns, trail = (server.client(name) for name in ("s3", "sns", "cloudtrail"))
    make_bucket(s3, BUCKET)
    created = trail.create_trail(Name="mine", S3BucketName=BUCKET)
    assert created["TrailARN"] == f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/mine"
    trail.start_logging(Name="mine")
    wake(s3, BUCKET, "detect", "AWSLogs/")
    with Listener() as listener:
        subscribe(sns, listener)
        assert sns.create_topic(Name=TOPIC)["TopicArn"] == TOPIC_ARN
        sns.get_topic_attributes(TopicArn=TOPIC_ARN)
        until(lambda: alerts_of(listener, TOPIC), "the alert of CreateTopic")
        # A later alert has arrived: what was to come of the earlier calls has had its time.
        sns.create_topic(Name="later")
        until(lambda: alerts_of(listener, "later"), "the alert of the later call")
        yield s3, listener


def alerts_of(listener, topic):
    return [
        alert for alert in listener.alerts()
        if alert["record"]["eventSource"] == "sns.amazonaws.com"
        and (alert["record"]["requestParameters"] or {}).get("name") == topic
    ]


def test_create_topic_alerts_once(road):
    _, listener = road
    alerts = alerts_of(listener, TOPIC)
    assert len(alerts) == 1, alerts
    [alert] = alerts
    assert alert["rule"]["title"] == "SNS topic created"
    assert alert["what"] == "sns.amazonaws.com:CreateTopic"
    assert alert["who"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert (alert["account"], alert["region"]) == (ACCOUNT, REGION)
    assert alert["outcome"] == "success"


def test_get_topic_attributes_does_not_alert(road):
    _, listener = road
    assert not [one for one in listener.alerts() if one["record"]["eventName"] == "GetTopicAttributes"]


def test_alerts_are_signed_notifications_of_their_topic(road):
    _, listener = road
    assert listener.wrong == []
    assert {message["TopicArn"] for message in listener.messages} == {ALERTS}


def test_the_call_that_changes_is_recorded_whole(road):
    s3, _ = road
    key, made = record(s3, BUCKET, "CreateTopic", name=TOPIC)
    assert re.fullmatch(
        rf"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/\d{{4}}/\d\d/\d\d/"
        rf"{ACCOUNT}_CloudTrail_{REGION}_\d{{8}}T\d{{4}}Z_[A-Za-z0-9]{{16}}\.json\.gz",
        key,
    ), key
    assert made["requestParameters"] == {"name": TOPIC}
    assert made["responseElements"] == {"topicArn": TOPIC_ARN}
    assert made["readOnly"] is False
    assert made["eventCategory"] == "Management"
    assert made["recipientAccountId"] == ACCOUNT
    assert made["userIdentity"]["type"] == "Root"
    assert made["userAgent"].startswith("Boto3/")


def test_the_call_that_reads_is_recorded_without_an_answer(road):
    s3, _ = road
    _, read = record(s3, BUCKET, "GetTopicAttributes")
    assert read["requestParameters"] == {"topicArn": TOPIC_ARN}
    assert read["responseElements"] is None
    assert read["readOnly"] is True


def test_status_is_healthy_after_the_road(server, road):
    until(lambda: server.run("status")[1] == 0, "`trailhound status` ends with 0")
