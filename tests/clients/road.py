"""The road as a new user lays it: a log bucket, a trail, a notification, a subscription."""

import gzip
import json

from trailhound import ACCOUNT, REGION, until

PREFIX = f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/"
DETECT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:detect"
ALERTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"


def make_bucket(s3, name):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def subscribe(sns, listener, topic=ALERTS):
    """Subscribes the listener and waits until its answer to the handshake has arrived."""
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    assert answer["SubscriptionArn"] == "pending confirmation"

    def confirmed():
        assert not listener.wrong, listener.wrong
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        mine = [one for one in found if one["Endpoint"] == listener.url]
        return [one for one in mine if one["SubscriptionArn"].startswith("arn:")]

    return until(confirmed, "the subscription is confirmed")[0]["SubscriptionArn"]


def log_objects(s3, bucket):
    """The keys of the log files in a bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def records(s3, bucket):
    """All records of all log files of a bucket, each with its object's key."""
    found = []
    for key in log_objects(s3, bucket):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        found += [(key, record) for record in json.loads(gzip.decompress(body))["Records"]]
    return found


def record(s3, bucket, event_name, **parameters):
    """The one record of an event with these parameters, once it is delivered, and its object's key."""

    def is_meant(record):
        given = record["requestParameters"] or {}
        return record["eventName"] == event_name and parameters.items() <= given.items()

    named = until(
        lambda: [one for one in records(s3, bucket) if is_meant(one[1])],
        f"a record of {event_name} in {bucket}",
    )
    assert len(named) == 1, named
    return named[0]
