"""SQS as boto3 and the AWS CLI speak it, and as clients spoke it before it learned JSON."""

import concurrent.futures
import json
import re
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib.parse
import urllib.request
from botocore.exceptions import ClientError
from trailhound import ACCOUNT, REGION, code

FORM = "{http://queue.amazonaws.com/doc/2012-11-05/}"


@pytest.fixture
def queue(sqs, request):
    return sqs.create_queue(QueueName=re.sub("[^a-z]+", "-", request.node.name)[:80])["QueueUrl"]


def test_a_message_is_sent_received_and_deleted(sqs, queue):
    sent = sqs.send_message(
        QueueUrl=queue, MessageBody="Grüße", MessageAttributes={
            "who": {"DataType": "String", "StringValue": "me"},
            "image": {"DataType": "Binary.png", "BinaryValue": b"\0\xff"},
        },
    )
    [message] = sqs.receive_message(
        QueueUrl=queue, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"],
    )["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "Grüße")
    assert message["MessageAttributes"]["image"]["BinaryValue"] == b"\0\xff"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert told["QueueArn"].startswith(f"arn:aws:sqs:{REGION}:{ACCOUNT}:")
    assert told["ApproximateNumberOfMessages"] == told["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_batches_answer_each_entry(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": one["Body"], "ReceiptHandle": one["ReceiptHandle"]} for one in got]
    assert len(handles) == 10
    hidden = [one | {"VisibilityTimeout": 60} for one in handles]
    done = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=hidden)
    assert len(done["Successful"]) == 10
    assert "Failed" not in sqs.delete_message_batch(QueueUrl=queue, Entries=handles)


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("get_queue_url", {"QueueName": "nowhere"}, "AWS.SimpleQueueService.NonExistentQueue"),
        ("create_queue", {"QueueName": "a b"}, "InvalidParameterValue"),
        ("create_queue", {"QueueName": "a", "Attributes": {"DelaySeconds": "901"}}, "InvalidAttributeValue"),
        (
            "create_queue", {"QueueName": "a.fifo", "Attributes": {"FifoQueue": "true"}},
            "AWS.SimpleQueueService.UnsupportedOperation",
        ),
        ("list_message_move_tasks", {"SourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:no"}, "ResourceNotFoundException"),
    ],
)
def test_errors_have_the_codes_of_aws(sqs, operation, arguments, expected):
    with pytest.raises(ClientError) as error:
        getattr(sqs, operation)(**arguments)
    assert code(error) == expected


def test_a_missing_queue_is_its_own_exception(sqs):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="nowhere")


def test_a_policy_that_cannot_be_honoured_is_refused_with_its_place(sqs, queue):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    for change, place in [({"Effect": "Perhaps"}, "Effect"), ({"Actoin": "sqs:*"}, "Actoin")]:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement | change]})
        with pytest.raises(ClientError) as error:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        assert code(error) == "InvalidAttributeValue"
        assert f"Statement[0].{place}" in error.value.response["Error"]["Message"]
    sqs.add_permission(QueueUrl=queue, Label="others", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert json.loads(told["Policy"])["Statement"][0]["Action"] == "SQS:SendMessage"


def test_a_policy_may_leave_out_the_queue(sqs, queue):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]
    assert json.loads(told["Policy"]) == policy


def test_an_older_receipt_handle_deletes_as_well(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="twice")
    first, second = (
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0] for _ in range(2)
    )
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"])


def test_a_message_that_is_received_too_often_becomes_a_dead_letter(sqs, queue):
    dead = sqs.create_queue(QueueName="too-often-received")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {"deadLetterTargetArn": asked["Attributes"]["QueueArn"], "maxReceiveCount": 1}
    sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "0"},
    )
    sent = sqs.send_message(QueueUrl=queue, MessageBody="again and again")
    assert len(sqs.receive_message(QueueUrl=queue)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    [message] = sqs.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(queue.rsplit("/", 1)[1])


def test_whoever_waits_gets_the_message_as_it_is_sent(server, sqs, queue):
    with concurrent.futures.ThreadPoolExecutor(1) as others:
        waiting = others.submit(
            server.client("sqs").receive_message, QueueUrl=queue, WaitTimeSeconds=20,
        )
        sqs.send_message(QueueUrl=queue, MessageBody="at last")
        # A wait that nobody ends has nothing to tell.
        assert waiting.result()["Messages"][0]["Body"] == "at last"


def test_the_aws_cli_works(server):
    # Version 1, which PyPI has, puts an old host name of AWS in the place of the environment's
    # endpoint, unless there is one on the line.
    out = server.shell(
        'sqs() { aws --endpoint-url "$AWS_ENDPOINT_URL" sqs "$@"; }\n'
        'url=$(sqs create-queue --queue-name by-cli --output text)\n'
        'sqs send-message --queue-url "$url" --message-body hello >/dev/null\n'
        'sqs receive-message --queue-url "$url" --wait-time-seconds 5'
    )
    assert json.loads(out)["Messages"][0]["Body"] == "hello"


def query(server, path="/", **parameters):
    """A signed call in the query protocol, as SDKs made it before 2023."""
    info = server.info
    body = urllib.parse.urlencode(parameters | {"Version": "2012-11-05"})
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    url = info["endpoint"] + path
    request = botocore.awsrequest.AWSRequest("POST", url, headers=headers, data=body)
    keys = botocore.credentials.Credentials(info["access_key_id"], info["secret_access_key"])
    botocore.auth.SigV4Auth(keys, "sqs", info["region"]).add_auth(request)
    sent = urllib.request.Request(url, body.encode(), dict(request.headers))
    try:
        with urllib.request.urlopen(sent) as answer:
            return answer.status, xml.etree.ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, xml.etree.ElementTree.fromstring(error.read())


def test_clients_of_the_query_protocol_are_understood(server, sqs, queue):
    path = urllib.parse.urlparse(queue).path
    status, sent = query(
        server, path, Action="SendMessage", MessageBody="old", **{
            "MessageAttribute.1.Name": "who", "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "me",
        },
    )
    assert status == 200, sent
    status, got = query(
        server, Action="ReceiveMessage", QueueUrl=queue,
        **{"MessageAttributeName.1": "All", "AttributeName.1": "All"},
    )
    message = got.find(f"{FORM}ReceiveMessageResult/{FORM}Message")
    assert message.find(f"{FORM}Body").text == "old"
    assert message.find(f"{FORM}MessageId").text == sent.find(f".//{FORM}MessageId").text
    assert message.find(f"{FORM}MessageAttribute/{FORM}Value/{FORM}StringValue").text == "me"
    status, failed = query(server, Action="GetQueueUrl", QueueName="nowhere")
    assert status == 400
    assert failed.find(f".//{FORM}Code").text == "AWS.SimpleQueueService.NonExistentQueue"
