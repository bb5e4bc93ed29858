"""CloudTrail as boto3 speaks it, and what is recorded of calls that nobody serves."""

import pytest
from botocore.exceptions import ClientError
from road import make_bucket, record
from trailhound import ACCOUNT, REGION, code, status, until

DEFAULT_BUCKET = f"trailhound-logs-{ACCOUNT}-{REGION}"


@pytest.fixture(scope="module")
def trails(server):
    make_bucket(server.client("s3"), "logs")
    return server.client("cloudtrail")


@pytest.fixture
def trail(trails, request):
    name = request.node.name.replace("_", "-")
    trails.create_trail(Name=name, S3BucketName="logs")
    yield name
    trails.delete_trail(Name=name)


def test_a_trail_comes_and_goes(trails):
    made = trails.create_trail(Name="mine", S3BucketName="logs", S3KeyPrefix="deep/er")
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/mine"
    assert (made["TrailARN"], made["S3KeyPrefix"]) == (arn, "deep/er")
    for name in ("mine", arn):
        told = trails.get_trail(Name=name)["Trail"]
        assert (told["Name"], told["S3BucketName"], told["HomeRegion"]) == ("mine", "logs", REGION)
    listed = trails.describe_trails(trailNameList=["mine", "nobody"])["trailList"]
    assert [one["TrailARN"] for one in listed] == [arn]
    assert arn in [one["TrailARN"] for one in trails.describe_trails()["trailList"]]
    assert arn in [one["TrailARN"] for one in trails.list_trails()["Trails"]]
    trails.delete_trail(Name=arn)
    with pytest.raises(trails.exceptions.TrailNotFoundException):
        trails.get_trail(Name="mine")


def test_logging_starts_and_stops(trails, trail):
    assert trails.get_trail_status(Name=trail)["IsLogging"] is False
    trails.start_logging(Name=trail)
    told = trails.get_trail_status(Name=trail)
    assert told["IsLogging"] is True
    assert told["StartLoggingTime"]
    until(
        lambda: trails.get_trail_status(Name=trail).get("LatestDeliveryTime"), "a delivery"
    )
    trails.stop_logging(Name=trail)
    told = trails.get_trail_status(Name=trail)
    assert told["IsLogging"] is False
    assert told["StopLoggingTime"]


def test_a_trail_is_made_once(trails, trail):
    with pytest.raises(trails.exceptions.TrailAlreadyExistsException):
        trails.create_trail(Name=trail, S3BucketName="logs")


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("get_trail", {"Name": "nobody"}, "TrailNotFoundException"),
        ("get_trail_status", {"Name": "nobody"}, "TrailNotFoundException"),
        ("start_logging", {"Name": "nobody"}, "TrailNotFoundException"),
        ("stop_logging", {"Name": "nobody"}, "TrailNotFoundException"),
        ("delete_trail", {"Name": "nobody"}, "TrailNotFoundException"),
        ("get_trail", {"Name": "arn:aws:nonsense"}, "CloudTrailARNInvalidException"),
        ("create_trail", {"Name": "a", "S3BucketName": "logs"}, "InvalidTrailNameException"),
        ("create_trail", {"Name": "a b c", "S3BucketName": "logs"}, "InvalidTrailNameException"),
        ("create_trail", {"Name": "new", "S3BucketName": "x"}, "InvalidS3BucketNameException"),
        ("create_trail", {"Name": "new", "S3BucketName": "nowhere"}, "S3BucketDoesNotExistException"),
        (
            "create_trail",
            {
                "Name": "new", "S3BucketName": "logs", "IsMultiRegionTrail": True,
                "IncludeGlobalServiceEvents": False,
            },
            "InvalidParameterCombinationException",
        ),
    ],
)
def test_errors_have_the_codes_of_aws(trails, operation, arguments, expected):
    with pytest.raises(ClientError) as error:
        getattr(trails, operation)(**arguments)
    assert (code(error), status(error)) == (expected, 400)
    assert error.value.response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"KmsKeyId": "alias/mine"},
        {"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-2:123456789012:log-group:a:*"},
        {"IsOrganizationTrail": True},
        {"SnsTopicName": "mine"},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_a_parameter_without_effect_is_refused(trails, arguments):
    with pytest.raises(ClientError) as error:
        trails.create_trail(Name="new", S3BucketName="logs", **arguments)
    assert status(error) == 400
    with pytest.raises(trails.exceptions.TrailNotFoundException):
        trails.get_trail(Name="new")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "event"),
    [
        ("dynamodb", "list_tables", {}, "ListTables"),
        ("rds", "describe_db_instances", {}, "DescribeDBInstances"),
        ("ec2", "describe_vpcs", {}, "DescribeVpcs"),
        ("apigateway", "get_rest_apis", {}, "GetRestApis"),
        ("kms", "list_aliases", {}, "ListAliases"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.islower() else "",
)
def test_a_call_that_nobody_serves_is_an_error_and_recorded(
    server, service, operation, arguments, event
):
    with pytest.raises(ClientError) as error:
        getattr(server.client(service), operation)(**arguments)
    told = code(error)
    # A code of its protocol, not a number or a parser's complaint.
    assert told and not told.isdigit() and told != "Unknown", error.value.response
    assert error.value.response["ResponseMetadata"]["RequestId"]
    _, made = record(server.client("s3"), DEFAULT_BUCKET, event)
    assert made["errorCode"]
    assert made["eventSource"] == f"{service}.amazonaws.com"
    assert made["requestID"] == error.value.response["ResponseMetadata"]["RequestId"]
    assert made["responseElements"] is None


def test_a_denied_call_is_recorded_with_its_error(server, trails):
    with pytest.raises(ClientError):
        trails.delete_trail(Name="never-there")
    _, made = record(server.client("s3"), DEFAULT_BUCKET, "DeleteTrail", name="never-there")
    assert made["errorCode"] == "TrailNotFoundException"


def test_the_first_upload_of_a_new_user_is_seen(server):
    s3 = server.client("s3")
    make_bucket(s3, "photos")
    s3.put_object(Bucket="photos", Key="cat.jpg", Body=b"meow")
    _, made = record(s3, DEFAULT_BUCKET, "PutObject", bucketName="photos")
    assert (made["eventCategory"], made["managementEvent"]) == ("Data", False)
    assert made["requestParameters"]["key"] == "cat.jpg"
