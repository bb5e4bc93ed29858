"""S3 without a signature: what a bucket's policy opens to everybody, and nothing else."""

import http.client
import json
import urllib.parse

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from road import make_bucket, record
from trailhound import ACCOUNT, REGION, code, status

OPEN = {
    "BlockPublicAcls": False, "IgnorePublicAcls": False,
    "BlockPublicPolicy": False, "RestrictPublicBuckets": False,
}
LOGS = f"trailhound-logs-{ACCOUNT}-{REGION}"
NOBODY = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}


@pytest.fixture(scope="module")
def nobody(server):
    return server.client("s3", config={"signature_version": UNSIGNED})


@pytest.fixture
def bucket(s3, request):
    """A bucket of the test's own, kept from nobody but by its policy."""
    name = request.node.name.replace("_", "-").split("[")[0][:60].rstrip("-")
    make_bucket(s3, name)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=OPEN)
    s3.put_object(Bucket=name, Key="a", Body=b"hello")
    return name


def allow(s3, bucket, actions, resources=("", "/*"), **statement):
    """Lets everybody do this."""
    statement = {
        "Effect": "Allow", "Principal": "*", "Action": actions,
        "Resource": [f"arn:aws:s3:::{bucket}{end}" for end in resources],
    } | statement
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def denied(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert status(error) == 403
    assert code(error) in ("AccessDenied", "403")
    return error.value.response["Error"]["Message"]


def plain(server, method, path, body=None, headers={}):
    """What a client says that knows nothing of AWS: status, headers and body."""
    endpoint = urllib.parse.urlsplit(server.info["endpoint"])
    connection = http.client.HTTPConnection(endpoint.netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_a_private_bucket_is_closed_to_everybody(s3, nobody, bucket):
    assert denied(nobody.get_object, Bucket=bucket, Key="a") == "Access Denied"
    denied(nobody.head_object, Bucket=bucket, Key="a")
    denied(nobody.head_bucket, Bucket=bucket)
    denied(nobody.list_objects_v2, Bucket=bucket)
    denied(nobody.put_object, Bucket=bucket, Key="b", Body=b"x")
    denied(nobody.delete_object, Bucket=bucket, Key="a")
    denied(nobody.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
    denied(nobody.list_buckets)
    denied(nobody.create_bucket, Bucket="of-nobody")
    denied(nobody.get_object, Bucket="nowhere-at-all", Key="a")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]


def test_a_public_object_is_read_by_everybody(server, s3, nobody, bucket):
    allow(s3, bucket, "s3:GetObject", ["/*"])
    assert nobody.get_object(Bucket=bucket, Key="a")["Body"].read() == b"hello"
    assert nobody.head_object(Bucket=bucket, Key="a")["ContentLength"] == 5
    found, headers, body = plain(server, "GET", f"/{bucket}/a", headers={"Range": "bytes=1-2"})
    assert (found, body, headers["Content-Range"]) == (206, b"el", "bytes 1-2/5")
    assert headers["x-amz-request-id"] and headers["x-amz-id-2"]
    # What a page is taken for is not for strangers to choose.
    with pytest.raises(ClientError) as error:
        nobody.get_object(Bucket=bucket, Key="a", ResponseContentType="text/html")
    assert (code(error), status(error)) == ("InvalidRequest", 400)
    denied(nobody.list_objects_v2, Bucket=bucket)
    denied(nobody.put_object, Bucket=bucket, Key="a", Body=b"other")
    denied(nobody.get_object_tagging, Bucket=bucket, Key="a")


def test_a_key_that_is_missing_is_told_to_those_who_may_list(s3, nobody, bucket):
    allow(s3, bucket, "s3:GetObject", ["/*"])
    denied(nobody.get_object, Bucket=bucket, Key="gone")
    denied(nobody.head_object, Bucket=bucket, Key="gone")
    allow(s3, bucket, ["s3:GetObject", "s3:ListBucket"])
    with pytest.raises(nobody.exceptions.NoSuchKey):
        nobody.get_object(Bucket=bucket, Key="gone")
    assert nobody.head_bucket(Bucket=bucket)


def test_everybody_writes_where_a_policy_lets_them(server, s3, nobody, bucket):
    allow(s3, bucket, ["s3:PutObject", "s3:DeleteObject"], ["/inbox/*"])
    nobody.put_object(Bucket=bucket, Key="inbox/one", Body=b"one", ContentType="application/json")
    assert s3.get_object(Bucket=bucket, Key="inbox/one")["Body"].read() == b"one"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert plain(server, "PUT", f"/{bucket}/inbox/two", b"two", form)[0] == 200
    assert plain(server, "PUT", f"/{bucket}/outbox/two", b"two", form)[0] == 403
    wanted = {"Objects": [{"Key": "inbox/one"}]}
    assert nobody.delete_objects(Bucket=bucket, Delete=wanted)["Deleted"] == wanted["Objects"]
    denied(nobody.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "inbox/two"}, {"Key": "a"}]})
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["a", "inbox/two"]


def test_s3_wants_to_know_who_copies_uploads_in_parts_or_sets_up(s3, nobody, bucket):
    allow(s3, bucket, "s3:*")
    message = denied(nobody.copy_object, Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    assert message.startswith("Anonymous users cannot copy objects.")
    message = denied(nobody.create_multipart_upload, Bucket=bucket, Key="b")
    assert message.startswith("Anonymous users cannot initiate multipart uploads.")
    denied(nobody.get_bucket_policy, Bucket=bucket)
    denied(nobody.delete_bucket_policy, Bucket=bucket)
    denied(nobody.delete_public_access_block, Bucket=bucket)
    denied(nobody.delete_bucket, Bucket=bucket)
    assert nobody.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_public_access_block_keeps_everybody_out_in_spite_of_a_policy(s3, nobody, bucket):
    allow(s3, bucket, "s3:GetObject")
    assert nobody.get_object(Bucket=bucket, Key="a")
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=OPEN | {"RestrictPublicBuckets": True}
    )
    denied(nobody.get_object, Bucket=bucket, Key="a")
    assert s3.get_object(Bucket=bucket, Key="a")
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=OPEN | {"BlockPublicPolicy": True}
    )
    # It keeps further policies out; the one that is there goes on.
    assert nobody.get_object(Bucket=bucket, Key="a")
    with pytest.raises(ClientError) as error:
        allow(s3, bucket, "s3:*")
    assert code(error) == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)
    denied(nobody.get_object, Bucket=bucket, Key="a")


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"StringLike": {"aws:UserAgent": "*Boto3*"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "Anonymous"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, False),
        ({"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}, True),
        ({"Null": {"aws:userid": "true"}}, True),
        ({"StringLike": {"aws:username": "*"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ],
)
def test_conditions_are_judged_for_everybody(s3, nobody, condition, fits):
    name = "conditions-of-everybody"
    if name not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        make_bucket(s3, name)
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=OPEN)
        s3.put_object(Bucket=name, Key="a", Body=b"hello")
    allow(s3, name, "s3:GetObject", Condition=condition)
    if fits:
        assert nobody.get_object(Bucket=name, Key="a")["Body"].read() == b"hello"
    else:
        denied(nobody.get_object, Bucket=name, Key="a")


def test_a_listing_is_open_as_far_as_its_prefix(s3, nobody, bucket):
    s3.put_object(Bucket=bucket, Key="open/b")
    allow(s3, bucket, "s3:ListBucket", Condition={"StringLike": {"s3:prefix": "open/*"}})
    listed = nobody.list_objects_v2(Bucket=bucket, Prefix="open/")
    assert [one["Key"] for one in listed["Contents"]] == ["open/b"]
    denied(nobody.list_objects_v2, Bucket=bucket)
    denied(nobody.list_objects_v2, Bucket=bucket, Prefix="a")


def test_an_explicit_deny_keeps_everybody_out(s3, nobody, bucket):
    statement = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            statement | {"Effect": "Allow"},
            statement | {"Effect": "Deny", "Resource": f"arn:aws:s3:::{bucket}/secret/*"},
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.put_object(Bucket=bucket, Key="secret/a")
    assert nobody.get_object(Bucket=bucket, Key="a")
    # Why, is not for strangers to know.
    assert denied(nobody.get_object, Bucket=bucket, Key="secret/a") == "Access Denied"


def test_what_everybody_does_is_in_the_log_as_nobody_s(s3, nobody, bucket):
    allow(s3, bucket, "s3:GetObject", ["/open/*"])
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"hello")
    nobody.get_object(Bucket=bucket, Key="open/a")
    denied(nobody.get_object, Bucket=bucket, Key="closed/a")
    _, read = record(s3, LOGS, "GetObject", bucketName=bucket, key="open/a")
    assert read["userIdentity"] == NOBODY
    assert read["resources"][1]["accountId"] == read["recipientAccountId"]
    _, refused = record(s3, LOGS, "GetObject", bucketName=bucket, key="closed/a")
    assert refused["userIdentity"] == NOBODY
    assert (refused["errorCode"], refused["errorMessage"]) == ("AccessDenied", "Access Denied")


def test_a_denied_upload_leaves_nothing_behind(server, bucket):
    content = b"x" * (8 * 1024 * 1024)
    found, _, body = plain(server, "PUT", f"/{bucket}/b", content)
    assert (found, b"<Code>AccessDenied</Code>" in body) == (403, True)
    files = [one for one in (server.dir / "bucket").rglob("*") if one.is_file()]
    assert all(one.stat().st_size < len(content) for one in files if one.name != "bucket.db-wal")


def test_the_aws_cli_reads_a_public_bucket_without_a_signature(server, s3, bucket):
    allow(s3, bucket, ["s3:GetObject", "s3:ListBucket"])
    assert server.shell(f"aws s3 cp s3://{bucket}/a - --no-sign-request") == "hello"
    assert " a\n" in server.shell(f"aws s3 ls s3://{bucket} --no-sign-request")
