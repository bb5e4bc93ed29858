"""Tells a queue of each object and message that it is woken for, with nothing but what Python has."""

import datetime
import hashlib
import hmac
import json
import os
import urllib.parse
import urllib.request

QUEUE = "http://queues/123456789012/done"
TARGET = "AmazonSQS.SendMessage"


def signed(headers, body):
    """The header that proves who calls (Signature Version 4)."""
    date, region = headers["x-amz-date"], os.environ["AWS_REGION"]
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    request = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{date[:8]}/{region}/sqs/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in [*scope.split("/"), "\n".join(["AWS4-HMAC-SHA256", date, scope, hashed])]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"


def send(text):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    body = json.dumps({"QueueUrl": QUEUE, "MessageBody": text}).encode()
    now = datetime.datetime.now(datetime.timezone.utc)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": urllib.parse.urlsplit(endpoint).netloc,
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        "x-amz-target": TARGET,
    }
    headers["authorization"] = signed(headers, body)
    with urllib.request.urlopen(urllib.request.Request(endpoint + "/", body, headers)) as answer:
        answer.read()


def handler(event, context):
    for record in event["Records"]:
        send(record["body"] if "body" in record else record["s3"]["object"]["key"])
    return event
