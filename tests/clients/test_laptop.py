"""Tests of somebody's own: the README's job of five lines, and users with keys of theirs."""

import json
import os
import pathlib
import re
import subprocess
import sys

import botocore.exceptions
import pytest
from functions import TRUST, WITH_BOTO3, zipped
from trailhound import ACCOUNT, BINARY, REGION, ROOT, code

JOB_SECONDS_MAX = 180
LOGS = f"trailhound-logs-{ACCOUNT}-{REGION}"

FUNCTION = """
import gzip, json, urllib.parse
import boto3

s3 = boto3.client("s3")

def handler(event, context):
    for one in event["Records"]:
        key = urllib.parse.unquote_plus(one["s3"]["object"]["key"])
        body = s3.get_object(Bucket=one["s3"]["bucket"]["name"], Key=key)["Body"].read()
        for record in json.loads(gzip.decompress(body))["Records"]:
            if record["eventName"] == "CreateAccessKey":
                print("a key for", record["requestParameters"]["userName"])
                s3.put_object(Bucket="seen", Key=record["eventID"], Body=json.dumps(record))
"""
MAY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}],
}
WAKE = {
    "LambdaFunctionConfigurations": [
        {
            "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-function",
            "Events": ["s3:ObjectCreated:*"],
        }
    ]
}
# What somebody has for AWS; only the bucket of the logs has another name there.
DEPLOY = f"""#!/bin/bash
set -euo pipefail
aws s3 mb s3://seen
aws iam create-role --role-name my-function --assume-role-policy-document file://trust.json
aws iam put-role-policy --role-name my-function --policy-name may --policy-document file://may.json
aws lambda create-function --function-name my-function --runtime python3.13 --handler app.handler \
    --role arn:aws:iam::{ACCOUNT}:role/my-function --zip-file fileb://app.zip
aws lambda wait function-active-v2 --function-name my-function
aws lambda add-permission --function-name my-function --statement-id logs --action lambda:InvokeFunction \
    --principal s3.amazonaws.com --source-arn arn:aws:s3:::{LOGS} --source-account {ACCOUNT}
aws s3api put-bucket-notification-configuration --bucket {LOGS} --notification-configuration file://wake.json
"""


def job():
    """The README's five lines."""
    text = (ROOT / "README.md").read_text()
    [lines] = re.findall(r"### In tests and CI\n.*?```bash\n(.*?)```", text, re.DOTALL)
    assert len(lines.splitlines()) == 5, lines
    return lines


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "trailhound").symlink_to(BINARY)
    (tmp_path / "ci.toml").write_text(WITH_BOTO3)
    (tmp_path / "deploy.sh").write_text(DEPLOY)
    (tmp_path / "deploy.sh").chmod(0o755)
    (tmp_path / "app.zip").write_bytes(zipped(app__py=FUNCTION))
    for name, document in [("trust", TRUST), ("may", MAY), ("wake", WAKE)]:
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return tmp_path


def run(folder, script):
    """Runs a job as a build server does; what it wrote, and its exit code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILHOUND_"))}
    path = [folder / "bin", pathlib.Path(sys.executable).parent, os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p); wait' EXIT\n{script}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=folder, timeout=JOB_SECONDS_MAX,
        env=kept | {"HOME": str(folder), "PATH": ":".join(map(str, path)), "AWS_PAGER": ""},
    )
    return done.stdout, done.returncode


def test_the_job_of_the_readme_sees_the_function_react(folder):
    said, ended = run(folder, job() + "trailhound logs my-function\n")
    assert ended == 0, said
    assert "s3:PutObject" in said
    assert "a key for alice" in said


def test_the_job_of_the_readme_fails_where_the_function_does_not_react(folder):
    (folder / "app.zip").write_bytes(zipped(app__py=FUNCTION.replace("CreateAccessKey", "Other")))
    said, ended = run(folder, job().replace("--wait 30s\n", "--wait 3s\n"))
    assert ended == 1, said
    assert "no record of s3:PutObject" in said


def test_a_user_calls_with_the_key_that_is_shown_once(server):
    shown, ended = server.run("users", "add", "ci", "--policy", "AmazonSNSReadOnlyAccess", "--json")
    assert ended == 0
    made = json.loads(shown)

    def client(key):
        return server.client(
            "sns",
            aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
        )

    client(made).list_topics()
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client(made).create_topic(Name="not-for-ci")
    assert code(error) in ("AccessDenied", "AuthorizationError")

    rotated = json.loads(server.run("users", "rotate", "ci", "--json")[0])
    client(rotated).list_topics()
    with pytest.raises(botocore.exceptions.ClientError):
        client(made).list_topics()

    [user] = [json.loads(line) for line in server.run("users", "list", "--json")[0].splitlines()]
    assert user["name"] == "ci"
    assert {key["id"]: key["status"] for key in user["keys"]} == {
        made["access_key_id"]: "Inactive", rotated["access_key_id"]: "Active",
    }
    assert made["secret_access_key"] not in json.dumps(user)

    assert server.run("users", "disable", "ci")[1] == 0
    with pytest.raises(botocore.exceptions.ClientError):
        client(rotated).list_topics()
    assert server.run("users", "rotate", "nobody")[1] == 2
    # Who made the user is in the log.
    seen, ended = server.run("events", "--when", "iam:CreateUser", "--wait", "5s", "--json")
    assert ended == 0 and json.loads(seen)["requestParameters"]["userName"] == "ci"
