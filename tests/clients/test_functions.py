"""A user's own function reads the log, as the tutorials have it."""

import json

import pytest
from functions import WITH_BOTO3, call, let_bucket, make, make_role, wake, zipped
from listener import Listener
from road import ACCOUNT, make_bucket, subscribe
from trailhound import Trailhound, until

# The functions here need boto3.
SERVER = WITH_BOTO3

BUCKET = "tutorial-logs"

# As every tutorial writes it: nothing in here knows where it runs.
HANDLER = '''
import gzip
import json
import os
from urllib.parse import unquote_plus

import boto3


s3 = boto3.client("s3")
sns = boto3.client("sns")


def handler(event, context):
    told = 0
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for entry in json.loads(gzip.decompress(body))["Records"]:
            if entry["eventName"] == "CreateTopic":
                sns.publish(
                    TopicArn=os.environ["TOPIC_ARN"],
                    Subject="A topic was created",
                    Message=json.dumps(entry["requestParameters"]),
                )
                told += 1
    return {"told": told}
'''

# Node.js without an SDK: what it is told, it answers.
NODE_HANDLER = """
export const handler = async (event) => {
  const [{ s3 }] = event.Records;
  console.log(JSON.stringify({ bucket: s3.bucket.name, key: decodeURIComponent(s3.object.key.replaceAll("+", " ")) }));
};
"""


@pytest.fixture(scope="module")
def logs(server):
    """A bucket that a trail of its own writes to."""
    s3, trail = server.client("s3"), server.client("cloudtrail")
    make_bucket(s3, BUCKET)
    trail.create_trail(Name="tutorial", S3BucketName=BUCKET)
    trail.start_logging(Name="tutorial")
    return s3


def test_a_topic_that_is_created_is_told_to_subscribers(server, logs, client):
    sns, functions = client("sns"), client("lambda")
    topic = sns.create_topic(Name="created-topics")["TopicArn"]
    role = make_role(client("iam"), "tutorial", "s3:GetObject", "sns:Publish")
    environment = {"Variables": {"TOPIC_ARN": topic}}
    code = zipped(app__py=HANDLER)
    make(functions, "tutorial", role, code, Environment=environment, Timeout=30, MemorySize=256)
    with pytest.raises(logs.exceptions.ClientError) as refused:
        wake(logs, BUCKET, "tutorial", "AWSLogs/")
    message = "Unable to validate the following destination configurations"
    assert refused.value.response["Error"]["Message"] == message
    let_bucket(functions, "tutorial", BUCKET)
    wake(logs, BUCKET, "tutorial", "AWSLogs/")
    with Listener() as listener:
        subscribe(sns, listener, topic)
        sns.create_topic(Name="dropmeplease")

        def told():
            return [one for one in listener.messages if one.get("Subject") == "A topic was created"
                    and json.loads(one["Message"]).get("name") == "dropmeplease"]

        until(told, f"the function tells of the topic; its log:\n{log_of(server, 'tutorial')}")
        assert len(told()) == 1
        assert listener.wrong == []


def log_of(server, name):
    path = server.dir / "functions" / "logs" / f"{name}.log"
    return path.read_text()[-4000:] if path.exists() else "(none)"


def test_what_a_function_does_is_recorded_under_its_role(server, logs, client):
    functions = client("lambda")
    role = make_role(client("iam"), "asks", "sts:GetCallerIdentity")
    code = zipped(app__py="import boto3\n\ndef handler(event, context):\n"
                          "    return boto3.client('sts').get_caller_identity()['Arn']\n")
    make(functions, "asks", role, code, Timeout=30, MemorySize=256)
    answer, _ = call(functions, "asks")
    assert answer == f"arn:aws:sts::{ACCOUNT}:assumed-role/asks/asks"


def test_a_role_that_may_not_is_told_so(server, client):
    functions = client("lambda")
    role = make_role(client("iam"), "nothing")
    code = zipped(app__py="import boto3\n\ndef handler(event, context):\n"
                          "    boto3.client('sns').create_topic(Name='forbidden')\n")
    make(functions, "nothing", role, code, Timeout=30, MemorySize=256)
    answer, output = call(functions, "nothing")
    assert output["FunctionError"] == "Unhandled"
    assert answer["errorType"] in ("ClientError", "AuthorizationErrorException")
    assert "is not authorized to perform: SNS:CreateTopic" in answer["errorMessage"]


def test_a_node_handler_is_woken_by_an_object(server, client):
    s3, functions = client("s3"), client("lambda")
    make_bucket(s3, "node-objects")
    role = make_role(client("iam"), "node")
    code = zipped(index__mjs=NODE_HANDLER)
    make(functions, "node", role, code, runtime="nodejs22.x", handler="index.handler", MemorySize=512)
    let_bucket(functions, "node", "node-objects")
    wake(s3, "node-objects", "node", prefix="in/")
    s3.put_object(Bucket="node-objects", Key="in/a b+c.txt", Body=b"x")
    expected = json.dumps({"bucket": "node-objects", "key": "in/a b+c.txt"}, separators=(",", ":"))
    until(lambda: json.dumps(expected)[1:-1] in log_of(server, "node"), "the function's log names the object")


def test_a_function_survives_a_restart():
    with Trailhound(WITH_BOTO3) as server:
        functions, iam = server.client("lambda"), server.client("iam")
        role = make_role(iam, "kept")
        make(functions, "kept", role, zipped(app__py="handler = lambda event, context: event"))
        assert call(functions, "kept", {"n": 1})[0] == {"n": 1}
        before = functions.get_function_configuration(FunctionName="kept")
        assert server.stop() == 0
        server.start()
        functions = server.client("lambda")
        after = functions.get_function_configuration(FunctionName="kept")
        assert before["RevisionId"] == after["RevisionId"]
        assert call(functions, "kept", {"n": 2})[0] == {"n": 2}


def test_the_function_of_the_shipped_rules_is_listed_and_kept(client):
    functions = client("lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert "detect" in names
    assert functions.get_function(FunctionName="detect")["Configuration"]["State"] == "Active"
    for change in (
        lambda: functions.update_function_code(FunctionName="detect", ZipFile=zipped(a="")),
        lambda: functions.update_function_configuration(FunctionName="detect", Timeout=5),
        lambda: functions.delete_function(FunctionName="detect"),
    ):
        with pytest.raises(functions.exceptions.InvalidParameterValueException) as refused:
            change()
        assert "detect is shipped with this server" in str(refused.value)
