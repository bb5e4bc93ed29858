"""Event source mappings: queues that functions work off, as boto3 sets them."""

import json
import signal
import time

import botocore.exceptions
import pytest
from functions import WITH_BOTO3, arn, make, make_role, zipped
from trailhound import ACCOUNT, REGION, code, until

# The functions here need boto3.
SERVER = WITH_BOTO3

# Tells another queue what it receives; a message that says `fail` fails its batch, and one that says
# `item` is named as failed.
CODE = """
import json, os
import boto3


sqs = boto3.client("sqs")


def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["TOLD"], MessageBody=json.dumps(event))
    bodies = [record["body"] for record in event["Records"]]
    if any(body.startswith("fail") for body in bodies):
        raise RuntimeError("on purpose")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]
                                  if record["body"].startswith("item")]}
"""
MAY = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage")


@pytest.fixture(scope="module")
def role(server):
    return make_role(server.client("iam"), "works", *MAY)


class Place:
    """A queue, a function that works it off, and what that tells of it."""

    def __init__(self, name, functions, sqs, role, logs):
        self.name, self.functions, self.sqs = name, functions, sqs
        self.log = logs / f"{name}.log"
        self.url, self.queue = self.make_queue(name)
        self.told, _ = self.make_queue(name + "-told")
        make(functions, name, role, zipped(app__py=CODE), Timeout=10, MemorySize=256,
             Environment={"Variables": {"TOLD": self.told}})

    def make_queue(self, name, **attributes):
        # A message that fails comes again within seconds, and no function takes as long.
        made = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "10", **attributes})
        return made["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def map(self, **given):
        made = self.functions.create_event_source_mapping(
            EventSourceArn=self.queue, FunctionName=self.name, **given,
        )
        assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
        return made

    def send(self, *bodies, **more):
        entries = [{"Id": str(n), "MessageBody": body, **more} for n, body in enumerate(bodies)]
        sent = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        return [one["MessageId"] for one in sent["Successful"]]

    def state(self, uuid, state):
        def look():
            told = self.functions.get_event_source_mapping(UUID=uuid)
            return told if told["State"] == state else None

        return until(look, f"the mapping is {state}")

    def event(self):
        """The next event that the function tells of."""
        def look():
            return self.sqs.receive_message(QueueUrl=self.told, WaitTimeSeconds=2).get("Messages")

        try:
            [message] = until(look, "an event")
        except AssertionError as error:
            error.add_note(self.log.read_text()[-4000:])
            raise
        self.sqs.delete_message(QueueUrl=self.told, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def left(self, url=None):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)

    def empty(self):
        until(lambda: self.left() == 0, "the queue is empty")


@pytest.fixture
def place(functions, sqs, role, server, request):
    name = request.node.name.replace("_", "-")[5:50]
    return Place(name, functions, sqs, role, server.dir / "functions" / "logs")


def refused(call, **given):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**given)
    return code(error), error.value.response["Error"]["Message"]


def bodies(event):
    return [record["body"] for record in event["Records"]]


def test_messages_are_worked_off(place, functions):
    attributes = {"n": {"DataType": "Number", "StringValue": "7"},
                  "b": {"DataType": "Binary", "BinaryValue": b"\0\xff"}}
    [sent] = place.send("first", MessageAttributes=attributes)
    made = place.map()
    assert made["State"] == "Creating" and made["StateTransitionReason"] == "USER_INITIATED"
    assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"], made["FunctionResponseTypes"]) == (10, 0, [])
    uuid = made["UUID"]
    assert made["EventSourceMappingArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}"
    [record] = place.event()["Records"]
    assert list(record) == ["messageId", "receiptHandle", "body", "attributes", "messageAttributes",
                            "md5OfMessageAttributes", "md5OfBody", "eventSource", "eventSourceARN", "awsRegion"]
    assert (record["messageId"], record["body"], record["awsRegion"]) == (sent, "first", REGION)
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:sqs", place.queue)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} < set(record["attributes"])
    assert record["messageAttributes"] == {
        "n": {"stringValue": "7", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
        "b": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
    }
    place.empty()
    told = place.state(uuid, "Enabled")
    until(lambda: functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK", "it is told so")
    assert told["FunctionArn"] == arn(place.name)
    # What comes later is there at once, not when a wait is over.
    began = time.monotonic()
    place.send(*[str(n) for n in range(10)])
    got = []
    while len(got) < 10:
        got += bodies(place.event())
    assert sorted(got) == sorted(str(n) for n in range(10))
    assert time.monotonic() - began < 10
    place.empty()


def test_named_failures_come_again_and_no_others(place):
    place.send("a", "item", "b")
    place.map(FunctionResponseTypes=["ReportBatchItemFailures"])
    got = []
    while not [event for event in got if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"]:
        got.append(place.event())
    again = got[-1]
    assert bodies(again) == ["item"]
    assert place.left() == 1


def test_a_failing_function_leaves_messages_to_the_dead_letter_queue(place, sqs, functions):
    url, queue = place.make_queue(place.name[:60] + "-dead")
    redrive = json.dumps({"deadLetterTargetArn": queue, "maxReceiveCount": 2})
    functions.update_function_configuration(FunctionName=place.name, Timeout=1)
    sqs.set_queue_attributes(QueueUrl=place.url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "2"})
    uuid = place.map()["UUID"]
    place.send("fail 1")
    until(lambda: place.left(url) == 1, "the message is in the dead-letter queue")
    told = [place.event() for _ in range(2)]
    assert [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in told] == ["1", "2"]
    assert functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "PROBLEM: Function call failed"
    place.empty()


def test_batches_are_gathered_within_their_window(place):
    place.send(*[str(n) for n in range(10)])
    place.send(*[str(n) for n in range(10, 15)])
    place.map(BatchSize=15, MaximumBatchingWindowInSeconds=20)
    assert sorted(map(int, bodies(place.event()))) == list(range(15))
    place.empty()


def test_filters_choose(place):
    pattern = {"body": {"kind": ["wanted"], "n": [{"numeric": [">", 3]}]}}
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    made = place.map(FilterCriteria=criteria)
    assert made["FilterCriteria"] == criteria
    place.send("text", json.dumps({"kind": "wanted", "n": 3}), json.dumps({"kind": "wanted", "n": 4}))
    assert bodies(place.event()) == [json.dumps({"kind": "wanted", "n": 4})]
    place.empty()


def test_a_mapping_is_disabled_enabled_and_deleted(place, functions):
    uuid = place.map(Enabled=False)["UUID"]
    place.state(uuid, "Disabled")
    place.send("a")
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    assert bodies(place.event()) == ["a"]
    place.state(uuid, "Enabled")
    changed = functions.update_event_source_mapping(
        UUID=uuid, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2},
    )
    assert (changed["State"], changed["BatchSize"], changed["ScalingConfig"]) == ("Updating", 1, {"MaximumConcurrency": 2})
    place.state(uuid, "Enabled")
    place.send("b", "c")
    assert sorted(bodies(place.event()) + bodies(place.event())) == ["b", "c"]
    place.empty()
    assert functions.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    place.state(uuid, "Disabled")
    [listed] = functions.list_event_source_mappings(FunctionName=place.name)["EventSourceMappings"]
    assert listed["UUID"] == uuid
    [listed] = functions.list_event_source_mappings(EventSourceArn=place.queue)["EventSourceMappings"]
    assert listed["State"] == "Disabled"
    tagged = listed["EventSourceMappingArn"]
    functions.tag_resource(Resource=tagged, Tags={"team": "a"})
    assert functions.list_tags(Resource=tagged)["Tags"] == {"team": "a"}
    assert functions.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"

    def gone():
        try:
            functions.get_event_source_mapping(UUID=uuid)
        except functions.exceptions.ResourceNotFoundException as error:
            return error.response["Error"]["Message"]

    assert until(gone, "the mapping is gone") == "The resource you requested does not exist."


def test_mappings_are_listed_page_by_page(place, functions):
    made = {place.map(Enabled=False)["UUID"]}
    for n in range(2):
        _, queue = place.make_queue(f"{place.name}-{n}")
        made.add(functions.create_event_source_mapping(
            EventSourceArn=queue, FunctionName=arn(place.name), Enabled=False)["UUID"])
    pages = functions.get_paginator("list_event_source_mappings").paginate(
        FunctionName=place.name, PaginationConfig={"PageSize": 2})
    pages = [[one["UUID"] for one in page["EventSourceMappings"]] for page in pages]
    assert [len(page) for page in pages] == [2, 1]
    assert set(sum(pages, [])) == made


def test_what_cannot_be_mapped_is_refused(place, functions, server, sqs):
    uuid = place.map(Enabled=False)["UUID"]
    invalid = "InvalidParameterValueException"

    def attempt(**changes):
        given = {"EventSourceArn": place.queue, "FunctionName": place.name}
        return refused(functions.create_event_source_mapping, **{**given, **changes})

    words = (f'An event source mapping with SQS arn (" {place.queue} ") and function (" {place.name} ") already '
             f"exists. Please update or delete the existing mapping with UUID {uuid}")
    assert attempt() == ("ResourceConflictException", words)
    assert "NonExistentQueue" in attempt(EventSourceArn=place.queue + "-gone")[1]
    assert attempt(FunctionName="gone") == (invalid, "Function does not exist")
    words = "Queue visibility timeout: 5 seconds is less than Function timeout: 10 seconds"
    _, short = place.make_queue("short", VisibilityTimeout="5")
    assert attempt(EventSourceArn=short) == (invalid, words)
    poor = make_role(server.client("iam"), "poor", "sqs:DeleteMessage")
    make(functions, "poor", poor, zipped(app__py=CODE))
    words = "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    assert attempt(FunctionName="poor") == (invalid, words)
    assert attempt(FunctionName="detect") == (invalid, words), "its role reads objects alone"
    words = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    assert attempt(BatchSize=11) == (invalid, words)
    for changes, part in [
        ({"EventSourceArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", "StartingPosition": "LATEST"}, "StartingPosition"),
        ({"EventSourceArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"}, "the service kinesis are not offered"),
        ({"EventSourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/1"}, "the service dynamodb are not offered"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"ParallelizationFactor": 2}, "ParallelizationFactor"),
    ]:
        kind, message = attempt(**changes)
        assert kind == invalid and part in message, message
    words = "Queue visibility timeout: 10 seconds is less than Function timeout: 11 seconds"
    assert refused(functions.update_function_configuration, FunctionName=place.name, Timeout=11) == (invalid, words)
    missing = "00000000-0000-4000-8000-000000000000"
    assert refused(functions.update_event_source_mapping, UUID=missing)[0] == "ResourceNotFoundException"
    assert refused(functions.delete_event_source_mapping, UUID=missing)[0] == "ResourceNotFoundException"


def test_detect_reads_what_a_bucket_tells_a_queue(server, functions, sqs, place):
    iam, s3 = server.client("iam"), server.client("s3")
    _, queue = place.make_queue("log-files", VisibilityTimeout="120")
    url = sqs.get_queue_url(QueueName="log-files")["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    statement = {"Effect": "Allow", "Action": list(MAY[:3]), "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="trailhound-detect", PolicyName="queue", PolicyDocument=policy)
    s3.create_bucket(Bucket="queued-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_notification_configuration(Bucket="queued-logs", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]})
    # The test event that S3 sent when it was told of the queue is no log file: it is dealt with too.
    made = functions.create_event_source_mapping(
        EventSourceArn=queue, FunctionName="detect", FunctionResponseTypes=["ReportBatchItemFailures"])
    event = {"eventVersion": "1.11", "eventSource": "sns.amazonaws.com", "eventName": "CreateTopic",
             "eventTime": "2026-01-02T03:04:05Z", "eventID": "11111111-2222-4333-8444-555555555555",
             "awsRegion": REGION, "recipientAccountId": ACCOUNT, "sourceIPAddress": "192.0.2.1",
             "userAgent": "test", "eventType": "AwsApiCall",
             "userIdentity": {"type": "Root", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
             "requestParameters": {"name": "queued"}, "responseElements": None}
    alerts = server.client("sns").create_topic(Name="alerts")["TopicArn"]
    told, told_arn = place.make_queue("alerted")
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": told_arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=told, Attributes={"Policy": policy})
    server.client("sns").subscribe(TopicArn=alerts, Protocol="sqs", Endpoint=told_arn)
    s3.put_object(Bucket="queued-logs", Key="AWSLogs/x.json", Body=json.dumps({"Records": [event]}).encode())

    def alerted():
        got = sqs.receive_message(QueueUrl=told, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        return [one for one in got.get("Messages", []) if event["eventID"] in one["Body"]]

    assert until(alerted, "an alert")
    until(lambda: place.left(url) == 0, "the queue is empty")
    assert functions.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "OK"


def test_no_message_is_lost_when_the_server_is_stopped_or_killed(place, server):
    # Last: the server and its clients are new afterwards.
    uuid = place.map(BatchSize=3)["UUID"]
    place.state(uuid, "Enabled")
    sent, seen = set(), set()
    for end in ["kill", "stop", "kill"]:
        bodies_sent = [f"{end} {len(sent)} {n}" for n in range(10)]
        for body in bodies_sent:
            place.send(body)
        sent |= set(bodies_sent)
        seen |= set(bodies(place.event()))
        if end == "kill":
            server._process.kill()
        assert server.stop() == (-signal.SIGKILL if end == "kill" else 0)
        server.start()
        place.functions, place.sqs = server.client("lambda"), server.client("sqs")
        place.state(uuid, "Enabled")
    while sent - seen:
        seen |= set(bodies(place.event()))
    assert seen == sent
    place.empty()
