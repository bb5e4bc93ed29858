"""SNS as boto3 speaks it, with its errors and its messages to subscribers."""

import json
import re

import pytest
from botocore.exceptions import ClientError
from listener import Listener
from road import subscribe
from trailhound import ACCOUNT, REGION, code, status, until

NOWHERE = f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere"


@pytest.fixture(scope="module")
def sns(server):
    return server.client("sns")


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
