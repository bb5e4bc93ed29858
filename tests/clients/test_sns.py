"""SNS as boto3 speaks it, with its errors and its messages to subscribers."""

import json
import re

import pytest
from botocore.exceptions import ClientError
from functions import FORWARD, WITH_BOTO3, arn as function_arn, make, make_role, zipped
from listener import Listener, verify
from road import subscribe
from trailhound import ACCOUNT, REGION, code, status, until

# The functions here need boto3.
SERVER = WITH_BOTO3

NOWHERE = f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere"


@pytest.fixture
def topic(sns, request):
    return sns.create_topic(Name=re.sub("[^a-z]+", "-", request.node.name))["TopicArn"]


def test_a_topic_comes_and_goes(sns):
    arn = sns.create_topic(Name="comes-and-goes")["TopicArn"]
    assert arn == f"arn:aws:sns:{REGION}:{ACCOUNT}:comes-and-goes"
    assert sns.create_topic(Name="comes-and-goes")["TopicArn"] == arn
    topics = sns.get_paginator("list_topics").paginate()
    assert arn in [one["TopicArn"] for page in topics for one in page["Topics"]]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=arn)


def test_attributes_are_kept_and_told(sns, topic):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="Ours")
    told = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (told["TopicArn"], told["Owner"], told["DisplayName"]) == (topic, ACCOUNT, "Ours")
    assert told["SubscriptionsConfirmed"] == "0"


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("create_topic", {"Name": "a b"}, "InvalidParameter"),
        ("create_topic", {"Name": "x" * 257}, "InvalidParameter"),
        ("create_topic", {"Name": "a.fifo", "Attributes": {"FifoTopic": "true"}}, "InvalidParameter"),
        ("get_topic_attributes", {"TopicArn": "nonsense"}, "InvalidParameter"),
        ("get_topic_attributes", {"TopicArn": NOWHERE}, "NotFound"),
        (
            "set_topic_attributes",
            {"TopicArn": NOWHERE, "AttributeName": "DisplayName", "AttributeValue": "a"},
            "NotFound",
        ),
        ("publish", {"TopicArn": NOWHERE, "Message": "a"}, "NotFound"),
        (
            "subscribe",
            {"TopicArn": NOWHERE, "Protocol": "http", "Endpoint": "http://127.0.0.1:9/"},
            "NotFound",
        ),
        ("unsubscribe", {"SubscriptionArn": f"{NOWHERE}:8f14e45f"}, "NotFound"),
        ("list_subscriptions_by_topic", {"TopicArn": NOWHERE}, "NotFound"),
    ],
)
def test_errors_have_the_codes_of_aws(sns, operation, arguments, expected):
    with pytest.raises(ClientError) as error:
        getattr(sns, operation)(**arguments)
    assert code(error) == expected
    assert status(error) == (404 if expected == "NotFound" else 400)
    assert error.value.response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [("http", "https://127.0.0.1:9/"), ("http", "nonsense"), ("pigeon", "me")],
)
def test_an_endpoint_that_cannot_work_is_refused(sns, topic, protocol, endpoint):
    with pytest.raises(ClientError) as error:
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert code(error) == "InvalidParameter"


def test_a_confirmed_subscriber_gets_each_message_once_and_signed(sns, topic):
    with Listener() as listener:
        arn = subscribe(sns, listener, topic)
        sent = sns.publish(
            TopicArn=topic, Message="Grüße\n\"all\"", Subject="Hello",
            MessageAttributes={"who": {"DataType": "String", "StringValue": "me"}},
        )
        until(lambda: listener.messages, "the message")
        last = sns.publish(TopicArn=topic, Message="last")
        until(lambda: len(listener.messages) > 1, "the last message")
        assert listener.wrong == []
        [first, second] = listener.messages
        assert first["MessageId"] == sent["MessageId"]
        assert (first["Message"], first["Subject"]) == ("Grüße\n\"all\"", "Hello")
        assert first["MessageAttributes"] == {"who": {"Type": "String", "Value": "me"}}
        assert second["MessageId"] == last["MessageId"]
        assert "Subject" not in second
        assert listener.headers[0]["x-amz-sns-subscription-arn"] == arn


def test_signatures_of_version_two_verify(sns, topic):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    with Listener() as listener:
        subscribe(sns, listener, topic)
        sns.publish(TopicArn=topic, Message="a")
        until(lambda: listener.messages, "the message")
        assert listener.wrong == []
        assert listener.messages[0]["SignatureVersion"] == "2"


def test_nothing_goes_to_whom_has_not_confirmed(sns, topic):
    with Listener(confirm=False) as silent, Listener() as listener:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=silent.url)
        until(lambda: silent.confirmations, "the handshake")
        subscribe(sns, listener, topic)
        sns.publish(TopicArn=topic, Message="a")
        until(lambda: listener.messages, "the message")
        assert silent.messages == []
        told = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
        assert (told["SubscriptionsConfirmed"], told["SubscriptionsPending"]) == ("1", "1")
        token = silent.confirmations[0]["Token"]
        made = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
        assert made.startswith(f"{topic}:")
        with pytest.raises(ClientError) as error:
            sns.confirm_subscription(TopicArn=topic, Token="another")
        assert code(error) == "InvalidParameter"


def test_who_unsubscribes_gets_nothing_more(sns, topic):
    with Listener() as gone, Listener() as listener:
        arn = subscribe(sns, gone, topic)
        subscribe(sns, listener, topic)
        assert arn in [one["SubscriptionArn"] for one in sns.list_subscriptions()["Subscriptions"]]
        sns.unsubscribe(SubscriptionArn=arn)
        sns.publish(TopicArn=topic, Message="a")
        until(lambda: listener.messages, "the message")
        assert gone.messages == []


def test_raw_delivery_is_the_message_alone(sns, topic):
    received = []

    class Raw(Listener):
        def take(self, message, headers, confirm):
            if headers.get("x-amz-sns-rawdelivery") == "true":
                received.append(message)
            else:
                super().take(message, headers, confirm)

    with Raw() as listener:
        sns.subscribe(
            TopicArn=topic, Protocol="http", Endpoint=listener.url,
            Attributes={"RawMessageDelivery": "true"},
        )
        until(lambda: listener.confirmations, "the handshake")
        sns.publish(TopicArn=topic, Message=json.dumps({"a": 1}))
        until(lambda: received, "the message")
        assert received == [{"a": 1}]


def queue_for(sqs, topic, name):
    """A queue to which the topic may send."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    statement = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def received(sqs, url, count):
    """The next messages of a queue; they are deleted."""
    found = []

    def enough():
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
            MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"],
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
        return len(found) >= count

    until(enough, f"{count} messages")
    assert len(found) == count
    return found


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_queue_gets_signed_envelopes(sns, sqs, topic, version):
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version
    )
    url, arn = queue_for(sqs, topic, f"signed-{version}")
    made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    assert made.startswith(f"{topic}:")
    sent = sns.publish(TopicArn=topic, Message="text", Subject="Hello")
    [message] = received(sqs, url, 1)
    envelope = json.loads(message["Body"])
    assert (envelope["MessageId"], envelope["Subject"]) == (sent["MessageId"], "Hello")
    assert envelope["SignatureVersion"] == version
    verify(envelope)


def test_a_raw_message_keeps_its_attributes(sns, sqs, topic):
    url, arn = queue_for(sqs, topic, "raw")
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    attributes = {
        "who": {"DataType": "String", "StringValue": "me"},
        "how": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(
        TopicArn=topic, Message="plain", MessageAttributes=attributes, MessageGroupId="tenant-1"
    )
    [message] = received(sqs, url, 1)
    assert message["Body"] == "plain"
    assert message["Attributes"]["MessageGroupId"] == "tenant-1"
    assert message["MessageAttributes"]["who"]["StringValue"] == "me"
    assert message["MessageAttributes"]["how"]["BinaryValue"] == b"\x00\xff"


def test_a_filter_says_which_messages_are_wanted(sns, sqs, topic):
    url, arn = queue_for(sqs, topic, "filtered")
    policy = {"kind": [{"prefix": "or"}], "price": [{"numeric": [">=", 100]}]}
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps(policy)},
    )["SubscriptionArn"]

    def publish(text, kind, price):
        sns.publish(TopicArn=topic, Message=text, MessageAttributes={
            "kind": {"DataType": "String", "StringValue": kind},
            "price": {"DataType": "Number", "StringValue": price},
        })

    publish("cheap", "order", "99.5")
    publish("other", "return", "100")
    publish("wanted", "order", "100")
    [message] = received(sqs, url, 1)
    assert json.loads(message["Body"])["Message"] == "wanted"

    def change(name, value):
        sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName=name, AttributeValue=value
        )

    change("FilterPolicyScope", "MessageBody")
    change("FilterPolicy", json.dumps({"event": {"name": ["CreateTopic"]}}))
    sns.publish(TopicArn=topic, Message=json.dumps({"event": {"name": "DeleteTopic"}}))
    sns.publish(TopicArn=topic, Message=json.dumps({"event": {"name": "CreateTopic"}}))
    [message] = received(sqs, url, 1)
    assert "CreateTopic" in message["Body"]
    told = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert told["FilterPolicyScope"] == "MessageBody"
    with pytest.raises(ClientError) as error:
        change("FilterPolicy", '{"a": [{"like": "x"}]}')
    assert code(error) == "InvalidParameter"
    assert "Unrecognized match type like" in str(error.value)


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(sns, sqs, topic):
    url, dead = queue_for(sqs, topic, "dead-letters")
    nowhere = f"arn:aws:sqs:{REGION}:{ACCOUNT}:no-such-queue"
    redrive = json.dumps({"deadLetterTargetArn": dead})
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=nowhere, Attributes={"RedrivePolicy": redrive}
    )
    sns.publish(TopicArn=topic, Message="lost")
    [message] = received(sqs, url, 1)
    assert json.loads(message["Body"])["Message"] == "lost"


def test_each_entry_of_a_batch_is_judged_for_itself(sns, sqs, topic):
    url, arn = queue_for(sqs, topic, "batched")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    entries = [{"Id": "a", "Message": "one"}, {"Id": "b", "Message": "two", "Subject": "\n"}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["a"]
    assert [(one["Id"], one["SenderFault"]) for one in answer["Failed"]] == [("b", True)]
    received(sqs, url, 1)
    with pytest.raises(sns.exceptions.EmptyBatchRequestException):
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[])


def test_permissions_and_tags_come_and_go(sns, topic):
    sns.add_permission(
        TopicArn=topic, Label="others", AWSAccountId=["111122223333"], ActionName=["Publish"]
    )

    def labels():
        policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
        return [one["Sid"] for one in json.loads(policy)["Statement"]]

    assert labels() == ["__default_statement_ID", "others"]
    sns.remove_permission(TopicArn=topic, Label="others")
    assert labels() == ["__default_statement_ID"]
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "team", "Value": "road"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "team", "Value": "road"}]
    sns.untag_resource(ResourceArn=topic, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == []


def test_a_function_gets_lambdas_event(server, sns, sqs, topic):
    functions = server.client("lambda")
    url = sqs.create_queue(QueueName="from-a-function")["QueueUrl"]
    role = make_role(server.client("iam"), "forwards", "sqs:SendMessage")
    environment = {"Variables": {"QUEUE": url}}
    make(functions, "forward", role, zipped(app__py=FORWARD), Environment=environment)
    functions.add_permission(
        FunctionName="forward", StatementId="topic", Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com", SourceArn=topic,
    )
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=function_arn("forward")
    )["SubscriptionArn"]
    sent = sns.publish(TopicArn=topic, Message="text")
    [message] = received(sqs, url, 1)
    [record] = json.loads(message["Body"])["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    assert record["Sns"]["MessageId"] == sent["MessageId"]
    assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("text", None)


def test_the_command_line_client_publishes(server, sns, sqs, topic):
    url, arn = queue_for(sqs, topic, "from-the-command-line")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    said = server.shell(f"aws sns publish --topic-arn {topic} --message 'from a shell'")
    [message] = received(sqs, url, 1)
    envelope = json.loads(message["Body"])
    assert envelope["Message"] == "from a shell"
    assert envelope["MessageId"] in said


@pytest.mark.parametrize(
    ("protocol", "endpoint", "reason"),
    [
        ("sms", "+15551234567", "sms is not offered"),
        ("email", "me@example.com", "smtp.host"),
        ("sqs", "nonsense", "SQS endpoint ARN"),
        ("lambda", "arn:aws:sqs:us-east-2:123456789012:q", "Lambda endpoint ARN"),
    ],
)
def test_a_subscription_that_cannot_be_honoured_says_why(sns, topic, protocol, endpoint, reason):
    with pytest.raises(ClientError) as error:
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert code(error) == "InvalidParameter"
    assert reason in str(error.value)
