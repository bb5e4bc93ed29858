"""What becomes of asynchronous invocations: destinations and dead-letter targets, as boto3 sets them."""

import json

import botocore.exceptions
import pytest
from functions import WITH_BOTO3, arn, make, make_role, zipped
from trailhound import ACCOUNT, REGION, code, until

# The functions here need boto3.
SERVER = WITH_BOTO3


CODE = """
def handler(event, context):
    if event.get("do") == "raise":
        raise RuntimeError("on purpose")
    return {"got": event}
"""
MAY = ("sqs:SendMessage", "sns:Publish", "lambda:InvokeFunction")


@pytest.fixture(scope="module")
def role(server):
    return make_role(server.client("iam"), "tells", *MAY)


@pytest.fixture
def queue(sqs, request):
    """A queue of the test's own: its URL and its ARN."""
    name = request.node.name.replace("_", "-")[:70]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def received(sqs, url):
    """The one message that comes."""
    def look():
        got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MessageAttributeNames=["All"])
        return got.get("Messages")

    [message] = until(look, f"a message in {url}")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def tell(functions, name, success=None, failure=None, **more):
    sides = {"OnSuccess": {"Destination": success} if success else {},
             "OnFailure": {"Destination": failure} if failure else {}}
    told = functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig=sides, **more)
    assert told["DestinationConfig"] == sides
    return told


def send(functions, name, event):
    sent = functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    assert sent["StatusCode"] == 202
    return sent["ResponseMetadata"]["RequestId"]


def refused(call, **given):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**given)
    return code(error), error.value.response["Error"]["Message"]


def test_a_success_and_a_failure_are_told_to_queues(functions, role, sqs, queue):
    url, queue_arn = queue
    make(functions, "both", role, zipped(app__py=CODE))
    tell(functions, "both", queue_arn, queue_arn)
    request_id = send(functions, "both", {"n": 1})
    record = json.loads(received(sqs, url)["Body"])
    assert list(record) == ["version", "timestamp", "requestContext", "requestPayload",
                            "responseContext", "responsePayload"]
    assert record["requestContext"] == {
        "requestId": request_id, "functionArn": arn("both") + ":$LATEST",
        "condition": "Success", "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"got": {"n": 1}}
    send(functions, "both", {"do": "raise"})
    record = json.loads(received(sqs, url)["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "on purpose"
    functions.delete_function_event_invoke_config(FunctionName="both")


def test_a_topic_is_told(functions, role, sqs, sns, queue):
    url, queue_arn = queue
    topic = sns.create_topic(Name="outcomes")["TopicArn"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue_arn},
    ]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    make(functions, "published", role, zipped(app__py=CODE), DeadLetterConfig={"TargetArn": topic})
    tell(functions, "published", topic, None, MaximumRetryAttempts=0)
    send(functions, "published", {"n": 2})
    envelope = json.loads(received(sqs, url)["Body"])
    assert json.loads(envelope["Message"])["requestContext"]["condition"] == "Success"
    assert "MessageAttributes" not in envelope
    # The dead-letter target is the topic too: it receives the event itself.
    request_id = send(functions, "published", {"do": "raise"})
    envelope = json.loads(received(sqs, url)["Body"])
    assert json.loads(envelope["Message"]) == {"do": "raise"}
    assert envelope["MessageAttributes"] == {
        "RequestID": {"Type": "String", "Value": request_id},
        "ErrorCode": {"Type": "Number", "Value": "200"},
        "ErrorMessage": {"Type": "String", "Value": "on purpose"},
    }


def test_another_function_is_told_which_tells_a_queue(functions, role, sqs, queue):
    url, queue_arn = queue
    make(functions, "second", role, zipped(app__py=CODE))
    tell(functions, "second", queue_arn)
    make(functions, "first", role, zipped(app__py=CODE))
    tell(functions, "first", None, arn("second"), MaximumRetryAttempts=0)
    send(functions, "first", {"do": "raise"})
    record = json.loads(received(sqs, url)["Body"])
    inner = record["requestPayload"]
    assert record["requestContext"]["functionArn"] == arn("second") + ":$LATEST"
    assert inner["requestContext"]["functionArn"] == arn("first") + ":$LATEST"
    assert (inner["requestContext"]["condition"], inner["requestContext"]["approximateInvokeCount"]) == ("RetriesExhausted", 1)
    assert record["responsePayload"]["got"] == inner


def test_a_dead_letter_queue_receives_the_event(functions, role, sqs, queue):
    url, queue_arn = queue
    made = make(functions, "buried", role, zipped(app__py=CODE), DeadLetterConfig={"TargetArn": queue_arn})
    assert made["DeadLetterConfig"] == {"TargetArn": queue_arn}
    request_id = send(functions, "buried", {"do": "raise", "ü": [1, 2.50]})
    message = received(sqs, url)
    assert json.loads(message["Body"]) == {"do": "raise", "ü": [1, 2.5]}
    told = {name: (one["DataType"], one["StringValue"]) for name, one in message["MessageAttributes"].items()}
    assert told == {"RequestID": ("String", request_id), "ErrorCode": ("Number", "200"),
                    "ErrorMessage": ("String", "on purpose")}
    changed = functions.update_function_configuration(FunctionName="buried", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in changed


def test_nothing_reserved_is_told_at_once(functions, role, sqs, queue):
    url, queue_arn = queue
    make(functions, "stopped", role, zipped(app__py=CODE))
    tell(functions, "stopped", None, queue_arn)
    functions.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    send(functions, "stopped", {"n": 3})
    record = json.loads(received(sqs, url)["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestPayload"] == {"n": 3} and "responseContext" not in record


def test_what_cannot_be_told_is_refused(functions, role, server, queue, sns):
    _, queue_arn = queue
    make(functions, "asks", role, zipped(app__py=CODE))
    poor = make_role(server.client("iam"), "poor")
    make(functions, "poor", poor, zipped(app__py=CODE))
    invalid = "InvalidParameterValueException"

    def put(name, destination):
        return refused(functions.put_function_event_invoke_config, FunctionName=name,
                       DestinationConfig={"OnFailure": {"Destination": destination}})

    words = f"The function's execution role does not have permissions to call SendMessage on {queue_arn}"
    assert put("poor", queue_arn) == (invalid, words)
    topic = sns.create_topic(Name="unheard")["TopicArn"]
    assert put("poor", topic)[1].endswith(f"to call Publish on {topic}")
    assert put("poor", arn("asks"))[1].endswith(f"to call InvokeFunction on {arn('asks')}")
    assert put("asks", arn("asks")) == (invalid, "You can't specify the function as a destination for itself.")
    for nothing, part in [
        (queue_arn + "-gone", "does not exist"), (topic + "-gone", "does not exist"), (arn("gone"), "does not exist"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default", "Event buses are not offered"),
        ("arn:aws:s3:::bucket", "Buckets are not offered"),
    ]:
        kind, message = put("asks", nothing)
        assert kind == invalid and part in message and "is invalid." in message, message
    for target, service in [(queue_arn, "SendMessage on SQS"), (topic, "Publish on SNS")]:
        words = f"The provided execution role does not have permissions to call {service}"
        assert refused(functions.update_function_configuration, FunctionName="poor",
                       DeadLetterConfig={"TargetArn": target}) == (invalid, words)


def test_a_destination_that_went_away_leaves_a_dead_letter(functions, role, sqs, queue, server):
    url, queue_arn = queue
    make(functions, "lost", role, zipped(app__py=CODE))
    tell(functions, "lost", queue_arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    request_id = send(functions, "lost", {"n": "x" * 1000})

    def dead():
        letters, _ = server.run("dead", "list", "--json")
        return [one for one in map(json.loads, letters.splitlines()) if one["hop"] == "destination"]

    [letter] = until(dead, "a dead letter")
    assert letter["id"].startswith(request_id)
    assert letter["reason"].startswith(f"the outcome of {request_id} was not sent to {queue_arn}: ")
    # Once there is room for it, it is sent afresh.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "262144"})
    assert server.run("dead", "replay", letter["id"])[1] == 0
    assert json.loads(received(sqs, url)["Body"])["requestPayload"] == {"n": "x" * 1000}
    assert dead() == []
