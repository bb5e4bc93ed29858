"""Writes down each access key that somebody made, as an object of a bucket."""

import gzip
import json
import os
import urllib.parse

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    """Reads each log file that the trail's bucket tells of."""
    for notice in event["Records"]:
        bucket = notice["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(notice["s3"]["object"]["key"])
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for record in json.loads(gzip.decompress(body))["Records"]:
            if record["eventName"] == "CreateAccessKey":
                react(record)


def react(record):
    print("a key for", (record.get("requestParameters") or {}).get("userName"))
    s3.put_object(
        Bucket=os.environ["REACTIONS"], Key=record["eventID"], Body=json.dumps(record).encode()
    )
