"""What a bucket tells queues, topics and functions, as boto3 sets it up and receives it."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from functions import FORWARD, WITH_BOTO3, arn as function_arn, let_bucket, make, make_role, zipped
from road import DETECT, make_bucket
from trailhound import ACCOUNT, REGION, code, status, until

# The functions here need boto3.
SERVER = WITH_BOTO3

UNABLE = "Unable to validate the following destination configurations"


@pytest.fixture
def bucket(s3):
    name = f"notifies-{uuid.uuid4().hex}"
    make_bucket(s3, name)
    return name


def policy(resource, action, bucket):
    """Lets S3 do `action` for this bucket, as AWS's documentation has it."""
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": action,
            "Resource": resource,
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            },
        }],
    })


def make_queue(sqs, name, bucket=None):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    if bucket:
        allowed = policy(arn, "sqs:SendMessage", bucket)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": allowed})
    return url, arn


def to_queue(s3, bucket, arn, *events):
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": list(events)}]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )


def receive(sqs, url, what):
    """The bodies of messages, once there are some; they are deleted."""

    def some():
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return until(some, what)


def told(sqs, url, count):
    """The records of the next `count` events, by their names."""
    records = []
    while len(records) < count:
        for body in receive(sqs, url, "an event"):
            records += body["Records"]
    return {record["eventName"]: record for record in records}


def test_a_queue_is_tested_and_then_told_of_each_change(s3, sqs, bucket):
    url, arn = make_queue(sqs, "changes", bucket)
    to_queue(s3, bucket, arn, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    [test] = receive(sqs, url, "the test event")
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    s3.put_object_tagging(Bucket=bucket, Key="a b", Tagging=tags)
    s3.delete_object(Bucket=bucket, Key="a b")
    records = told(sqs, url, 3)
    assert set(records) == {"ObjectCreated:Put", "ObjectTagging:Put", "ObjectRemoved:Delete"}
    created = records["ObjectCreated:Put"]["s3"]
    assert (created["object"]["key"], created["object"]["size"]) == ("a+b", 5)
    assert created["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert "size" not in records["ObjectRemoved:Delete"]["s3"]["object"]
    assert records["ObjectTagging:Put"]["eventVersion"] == "2.3"


def test_a_topic_is_told_with_s3s_subject(s3, sqs, sns, bucket):
    topic = sns.create_topic(Name="told-by-a-bucket")["TopicArn"]
    allowed = policy(topic, "sns:Publish", bucket)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=allowed)
    url, arn = make_queue(sqs, "behind-a-topic")
    forward = json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }],
    })
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": forward})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )
    [test] = receive(sqs, url, "the test event")
    assert test["Subject"] == "Amazon S3 Notification"
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    [message] = receive(sqs, url, "the event")
    [record] = json.loads(message["Message"])["Records"]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "k")


def test_a_function_is_told_once_it_permits_it(server, s3, sqs, bucket):
    functions, url = server.client("lambda"), make_queue(sqs, "from-a-function")[0]
    role = make_role(server.client("iam"), "forwards", "sqs:SendMessage")
    environment = {"Variables": {"QUEUE": url}}
    make(functions, "forward", role, zipped(app__py=FORWARD), Environment=environment)
    given = {
        "LambdaFunctionConfigurations": [
            {"LambdaFunctionArn": function_arn("forward"), "Events": ["s3:ObjectCreated:Put"]}
        ]
    }
    with pytest.raises(ClientError) as error:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
    value = error.value.response["Error"]["ArgumentValue1"]
    assert value == f"Not authorized to invoke function [{function_arn('forward')}]"
    let_bucket(functions, "forward", bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    # No test event comes before it.
    [event] = receive(sqs, url, "what the function forwards")
    assert event["Records"][0]["s3"]["object"]["key"] == "k"


def test_what_was_configured_is_given_back(s3, sqs, bucket):
    _, arn = make_queue(sqs, "given-back", bucket)
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".gz"}]
    given = {
        "QueueConfigurations": [{
            "Id": "to-queue", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": rules}},
        }],
        "LambdaFunctionConfigurations": [
            {"Id": "to-detect", "LambdaFunctionArn": DETECT, "Events": ["s3:ObjectCreated:*"]}
        ],
    }
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
    got = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert got["LambdaFunctionConfigurations"] == given["LambdaFunctionConfigurations"]
    [queue] = got["QueueConfigurations"]
    assert (queue["Id"], queue["QueueArn"]) == ("to-queue", arn)
    names = [rule["Name"] for rule in queue["Filter"]["Key"]["FilterRules"]]
    assert names == ["Prefix", "Suffix"]


@pytest.mark.parametrize(
    ("kind", "element", "service", "resource", "reason"),
    [
        ("QueueConfigurations", "QueueArn", "sqs", "nowhere", "The destination queue does not exist"),
        ("TopicConfigurations", "TopicArn", "sns", "nowhere", "The destination topic does not exist"),
        (
            "LambdaFunctionConfigurations", "LambdaFunctionArn", "lambda", "function:nowhere",
            "Not authorized to invoke function",
        ),
    ],
)
def test_a_destination_that_is_missing_is_named(s3, bucket, kind, element, service, resource, reason):
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
    given = {kind: [{element: arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError) as error:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
    assert (code(error), status(error)) == ("InvalidArgument", 400)
    told = error.value.response["Error"]
    assert told["Message"] == UNABLE
    assert told["ArgumentName1"].startswith(arn)
    assert told["ArgumentValue1"].startswith(reason)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=given, SkipDestinationValidation=True
    )


def test_a_queue_whose_policy_is_silent_is_refused(s3, sqs, bucket):
    _, arn = make_queue(sqs, "silent")
    with pytest.raises(ClientError) as error:
        to_queue(s3, bucket, arn, "s3:ObjectCreated:*")
    value = error.value.response["Error"]["ArgumentValue1"]
    assert value.startswith("Permissions on the destination queue do not allow S3")


@pytest.mark.parametrize("event", ["s3:ObjectRestore:*", "s3:Replication:*", "s3:ObjectAcl:Put"])
def test_an_event_that_is_never_raised_is_refused(s3, sqs, bucket, event):
    _, arn = make_queue(sqs, "never", bucket)
    with pytest.raises(ClientError) as error:
        to_queue(s3, bucket, arn, event)
    assert code(error) == "InvalidArgument"
    assert event in str(error.value)


def test_two_that_would_be_told_of_the_same_overlap(s3, sqs, bucket):
    _, first = make_queue(sqs, "overlap-a", bucket)
    _, second = make_queue(sqs, "overlap-b", bucket)
    one = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]} for arn in (first, second)]
    with pytest.raises(ClientError) as error:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": one}
        )
    assert code(error) == "InvalidArgument"
    assert "overlap" in str(error.value)


def test_a_bucket_has_the_settings_that_set_ups_read(s3, bucket):
    for name, expected in [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_tagging", "NoSuchTagSet"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ]:
        with pytest.raises(ClientError) as error:
            getattr(s3, name)(Bucket=bucket)
        assert (code(error), status(error)) == (expected, 404), name
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(blocked.values()) and len(blocked) == 4
    owned = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owned == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_a_bucket_keeps_its_policy_and_tags(s3, bucket):
    text = json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}",
        }],
    })
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    with pytest.raises(ClientError) as error:
        s3.put_bucket_policy(Bucket=bucket, Policy='{"Statement": "nonsense"}')
    assert code(error) == "MalformedPolicy"
    everybody = text.replace('{"Service": "cloudtrail.amazonaws.com"}', '"*"')
    with pytest.raises(ClientError) as error:
        s3.put_bucket_policy(Bucket=bucket, Policy=everybody)
    assert (code(error), status(error)) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=bucket)
    tags = [{"Key": "team", "Value": "road"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1")
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 1
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
