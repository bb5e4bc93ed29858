"""S3 as boto3 and the AWS CLI speak it."""

import base64
import hashlib
import io
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from road import DETECT, make_bucket
from trailhound import ACCOUNT, REGION, code, status

MIB = 1024 * 1024
HELLO_MD5 = hashlib.md5(b"hello").hexdigest()


@pytest.fixture
def bucket(s3, request):
    """A bucket of the test's own."""
    name = request.node.name.replace("_", "-").split("[")[0][:60].rstrip("-")
    make_bucket(s3, name)
    return name


def put(s3, bucket, *keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def body(answer):
    return answer["Body"].read()


def fails(call, *, code_is, status_is, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert (code(error), status(error)) == (code_is, status_is)
    return error.value.response


# Buckets


def test_a_bucket_comes_and_goes(s3):
    make_bucket(s3, "comes-and-goes")
    assert "comes-and-goes" in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="comes-and-goes")["BucketRegion"] == REGION
    assert s3.get_bucket_location(Bucket="comes-and-goes")["LocationConstraint"] == REGION
    s3.delete_bucket(Bucket="comes-and-goes")
    fails(s3.head_bucket, Bucket="comes-and-goes", code_is="404", status_is=404)


def test_a_bucket_is_made_once(s3, bucket):
    with pytest.raises(s3.exceptions.BucketAlreadyOwnedByYou):
        make_bucket(s3, bucket)


def test_a_bucket_with_objects_stays(s3, bucket):
    put(s3, bucket, "a")
    fails(s3.delete_bucket, Bucket=bucket, code_is="BucketNotEmpty", status_is=409)


def test_a_bucket_that_is_not_there_is_named(s3):
    answer = fails(
        s3.get_object, Bucket="nowhere-at-all", Key="a", code_is="NoSuchBucket", status_is=404
    )
    assert answer["Error"]["BucketName"] == "nowhere-at-all"


def test_a_bucket_name_keeps_the_rules(s3):
    fails(
        s3.create_bucket, Bucket="ab", code_is="InvalidBucketName", status_is=400,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )


# Objects


def test_an_object_comes_back_as_it_was_put(s3, bucket):
    made = s3.put_object(
        Bucket=bucket, Key="a/b c+d@ü.txt", Body=b"hello", ContentType="text/plain",
        Metadata={"who": "me"}, CacheControl="no-cache",
    )
    assert made["ETag"] == f'"{HELLO_MD5}"'
    assert made["ChecksumCRC32"] == "NhCmhg=="
    got = s3.get_object(Bucket=bucket, Key="a/b c+d@ü.txt")
    assert body(got) == b"hello"
    assert (got["ContentType"], got["CacheControl"]) == ("text/plain", "no-cache")
    assert (got["Metadata"], got["ContentLength"]) == ({"who": "me"}, 5)
    head = s3.head_object(Bucket=bucket, Key="a/b c+d@ü.txt", ChecksumMode="ENABLED")
    assert head["ETag"] == made["ETag"]
    assert head["ChecksumCRC32"] == "NhCmhg=="


def test_an_empty_object_is_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty")
    assert body(s3.get_object(Bucket=bucket, Key="empty")) == b""


def test_a_missing_key_is_named(s3, bucket):
    with pytest.raises(s3.exceptions.NoSuchKey) as error:
        s3.get_object(Bucket=bucket, Key="gone")
    assert error.value.response["Error"]["Key"] == "gone"
    fails(s3.head_object, Bucket=bucket, Key="gone", code_is="404", status_is=404)


@pytest.mark.parametrize(
    ("asked", "expected", "range_is"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
    ],
)
def test_a_range_of_an_object(s3, asked, expected, range_is):
    name = "ranges"
    if name not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        make_bucket(s3, name)
    s3.put_object(Bucket=name, Key="a", Body=b"0123456789")
    got = s3.get_object(Bucket=name, Key="a", Range=asked)
    assert (body(got), got["ContentRange"]) == (expected, range_is)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_beyond_the_object_is_refused(s3, bucket):
    put(s3, bucket, "a")
    fails(
        s3.get_object, Bucket=bucket, Key="a", Range="bytes=5-9",
        code_is="InvalidRange", status_is=416,
    )


def test_a_get_under_conditions(s3, bucket):
    made = s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    assert body(s3.get_object(Bucket=bucket, Key="a", IfMatch=made["ETag"])) == b"hello"
    fails(
        s3.get_object, Bucket=bucket, Key="a", IfMatch='"other"',
        code_is="PreconditionFailed", status_is=412,
    )
    fails(
        s3.get_object, Bucket=bucket, Key="a", IfNoneMatch=made["ETag"],
        code_is="304", status_is=304,
    )
    modified = s3.head_object(Bucket=bucket, Key="a")["LastModified"]
    fails(
        s3.get_object, Bucket=bucket, Key="a", IfModifiedSince=modified,
        code_is="304", status_is=304,
    )


def test_an_object_is_put_only_where_none_is(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"first", IfNoneMatch="*")
    fails(
        s3.put_object, Bucket=bucket, Key="a", Body=b"second", IfNoneMatch="*",
        code_is="PreconditionFailed", status_is=412,
    )
    assert body(s3.get_object(Bucket=bucket, Key="a")) == b"first"


def test_a_body_that_is_not_what_was_sent_is_refused(s3, bucket):
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    fails(
        s3.put_object, Bucket=bucket, Key="a", Body=b"hello", ChecksumSHA256=wrong,
        code_is="BadDigest", status_is=400,
    )
    fails(
        s3.put_object, Bucket=bucket, Key="a", Body=b"hello", ChecksumCRC32="AAAAAA==",
        code_is="BadDigest", status_is=400,
    )
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    fails(
        s3.put_object, Bucket=bucket, Key="a", Body=b"hello", ContentMD5=md5,
        code_is="BadDigest", status_is=400,
    )
    fails(s3.head_object, Bucket=bucket, Key="a", code_is="404", status_is=404)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_is_kept_and_told(s3, algorithm):
    name = f"checksums-{algorithm.lower()}"
    make_bucket(s3, name)
    made = s3.put_object(Bucket=name, Key="a", Body=b"hello", ChecksumAlgorithm=algorithm)
    # boto3 compares the body that it reads with the checksum that comes along.
    got = s3.get_object(Bucket=name, Key="a", ChecksumMode="ENABLED")
    assert got[f"Checksum{algorithm}"] == made[f"Checksum{algorithm}"]
    assert body(got) == b"hello"


def test_a_stream_is_uploaded_in_signed_chunks_or_with_a_trailer(s3, bucket):
    class Stream(io.BytesIO):
        """Bytes that boto3 cannot hash beforehand without reading them twice."""

    s3.put_object(Bucket=bucket, Key="a", Body=Stream(b"x" * MIB), ChecksumAlgorithm="CRC32")
    assert body(s3.get_object(Bucket=bucket, Key="a")) == b"x" * MIB


def test_a_copy_is_as_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello", Metadata={"who": "me"})
    made = s3.copy_object(
        Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b"}
    )
    assert made["CopyObjectResult"]["ETag"] == f'"{HELLO_MD5}"'
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (body(got), got["Metadata"]) == (b"hello", {"who": "me"})
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=f"{bucket}/a b", MetadataDirective="REPLACE",
        Metadata={"who": "you"},
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"who": "you"}
    fails(
        s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/gone",
        code_is="NoSuchKey", status_is=404,
    )


def test_a_copy_onto_itself_changes_something(s3, bucket):
    put(s3, bucket, "a")
    onto = {"Bucket": bucket, "Key": "a", "CopySource": f"{bucket}/a"}
    fails(s3.copy_object, **onto, code_is="InvalidRequest", status_is=400)
    s3.copy_object(**onto, ServerSideEncryption="AES256")
    s3.copy_object(**onto, StorageClass="STANDARD")
    s3.copy_object(**onto, MetadataDirective="REPLACE", Metadata={"who": "me"})
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_a_public_access_block_says_something(s3, bucket):
    fails(
        s3.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration={},
        code_is="InvalidRequest", status_is=400,
    )


def test_objects_are_deleted_one_by_one_and_together(s3, bucket):
    put(s3, bucket, "a", "b", "c")
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a")
    wanted = {"Objects": [{"Key": "b"}, {"Key": "c"}, {"Key": "never there"}]}
    answer = s3.delete_objects(Bucket=bucket, Delete=wanted)
    assert [one["Key"] for one in answer["Deleted"]] == ["b", "c", "never there"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_encryption_by_s3_s_own_keys_is_what_every_object_has(s3, bucket):
    aes = {"ServerSideEncryption": "AES256"}
    plain = s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    asked = s3.put_object(Bucket=bucket, Key="b", Body=b"hello", **aes)
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/a", **aes)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="d", **aes)
    part = s3.upload_part(
        Bucket=bucket, Key="d", UploadId=upload["UploadId"], PartNumber=1, Body=b"hello"
    )
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="d", UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    read = [s3.head_object(Bucket=bucket, Key=key) for key in "abcd"]
    for answer in (plain, asked, copied, upload, part, done, s3.get_object(Bucket=bucket, Key="a"), *read):
        assert answer["ServerSideEncryption"] == "AES256"
    answer = fails(
        s3.put_object, Bucket=bucket, Key="e", Body=b"hello", ServerSideEncryption="aws:kms",
        code_is="NotImplemented", status_is=501,
    )
    assert "aws:kms" in answer["Error"]["Message"]


ALL_ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_the_attributes_of_an_object_are_those_that_are_asked_for(s3, bucket):
    made = s3.put_object(Bucket=bucket, Key="a", Body=b"hello", ChecksumAlgorithm="SHA256")
    found = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=ALL_ATTRIBUTES)
    assert found["ETag"] == HELLO_MD5
    assert found["Checksum"] == {
        "ChecksumSHA256": made["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"
    }
    assert (found["ObjectSize"], found["StorageClass"]) == (5, "STANDARD")
    assert found["LastModified"] and "ObjectParts" not in found
    found = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in found and found["ObjectSize"] == 5
    fails(
        s3.get_object_attributes, Bucket=bucket, Key="a", ObjectAttributes=["Colour"],
        code_is="InvalidArgument", status_is=400,
    )
    fails(
        s3.get_object_attributes, Bucket=bucket, Key="gone", ObjectAttributes=["ETag"],
        code_is="NoSuchKey", status_is=404,
    )


def test_the_attributes_of_an_object_of_parts_page_through_them(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", ChecksumAlgorithm="SHA256")["UploadId"]
    parts = []
    for number in (1, 2, 3):
        made = s3.upload_part(
            Bucket=bucket, Key="a", UploadId=upload, PartNumber=number, Body=b"x" * (5 * MIB),
            ChecksumAlgorithm="SHA256",
        )
        parts.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumSHA256": made["ChecksumSHA256"]})
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="a", UploadId=upload, MultipartUpload={"Parts": parts}
    )

    def page(**arguments):
        answer = s3.get_object_attributes(
            Bucket=bucket, Key="a", ObjectAttributes=ALL_ATTRIBUTES, **arguments
        )
        assert answer["Checksum"]["ChecksumSHA256"] == done["ChecksumSHA256"]
        assert answer["ETag"] == done["ETag"].strip('"')
        return answer["ObjectParts"]

    whole = page()
    assert (whole["TotalPartsCount"], whole["IsTruncated"]) == (3, False)
    shown = [(one["PartNumber"], one["Size"], one["ChecksumSHA256"]) for one in whole["Parts"]]
    assert shown == [(part["PartNumber"], 5 * MIB, part["ChecksumSHA256"]) for part in parts]
    first = page(MaxParts=2)
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 2)
    rest = page(MaxParts=2, PartNumberMarker=2)
    assert [one["PartNumber"] for one in rest["Parts"]] == [3]
    assert rest["IsTruncated"] is False


# Multipart


def test_a_large_file_goes_up_in_parts(s3, bucket):
    from boto3.s3.transfer import TransferConfig

    content = bytes(range(256)) * (13 * MIB // 256)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), bucket, "large", Config=config)
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ContentLength"] == len(content)
    assert head["ETag"].endswith('-3"')
    back = io.BytesIO()
    s3.download_fileobj(bucket, "large", back, Config=config)
    assert back.getvalue() == content


def test_parts_become_an_object_in_their_order(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    pieces = {1: b"1" * 5 * MIB, 2: b"2" * 10}
    parts = []
    for number, piece in reversed(pieces.items()):
        made = s3.upload_part(
            Bucket=bucket, Key="a", UploadId=upload, PartNumber=number, Body=piece
        )
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    parts.reverse()
    listed = s3.list_parts(Bucket=bucket, Key="a", UploadId=upload)["Parts"]
    assert [(one["PartNumber"], one["Size"]) for one in listed] == [(1, 5 * MIB), (2, 10)]
    assert [one["UploadId"] for one in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [
        upload
    ]
    fails(
        s3.complete_multipart_upload, Bucket=bucket, Key="a", UploadId=upload,
        MultipartUpload={"Parts": parts[::-1]}, code_is="InvalidPartOrder", status_is=400,
    )
    wrong = [parts[0], {"PartNumber": 2, "ETag": '"wrong"'}]
    fails(
        s3.complete_multipart_upload, Bucket=bucket, Key="a", UploadId=upload,
        MultipartUpload={"Parts": wrong}, code_is="InvalidPart", status_is=400,
    )
    s3.complete_multipart_upload(
        Bucket=bucket, Key="a", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    got = s3.get_object(Bucket=bucket, Key="a", Range=f"bytes={5 * MIB - 1}-{5 * MIB}")
    assert body(got) == b"12"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_part_too_small_is_refused(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    parts = []
    for number in (1, 2):
        made = s3.upload_part(
            Bucket=bucket, Key="a", UploadId=upload, PartNumber=number, Body=b"small"
        )
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    fails(
        s3.complete_multipart_upload, Bucket=bucket, Key="a", UploadId=upload,
        MultipartUpload={"Parts": parts}, code_is="EntityTooSmall", status_is=400,
    )


def test_an_upload_that_was_aborted_is_gone(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=upload)
    fails(
        s3.upload_part, Bucket=bucket, Key="a", UploadId=upload, PartNumber=1, Body=b"a",
        code_is="NoSuchUpload", status_is=404,
    )


# Listings

KEYS = ["a", "b/1", "b/2", "c/d/1", "e f", "z+ü"]


def test_a_listing_is_in_the_order_of_keys(s3, bucket):
    put(s3, bucket, *reversed(KEYS))
    for call in (s3.list_objects, s3.list_objects_v2):
        answer = call(Bucket=bucket)
        assert [one["Key"] for one in answer["Contents"]] == KEYS
        assert answer["IsTruncated"] is False
        assert answer["Contents"][0]["Size"] == 1
        assert answer["Contents"][0]["ETag"] == f'"{hashlib.md5(b"a").hexdigest()}"'
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == len(KEYS)
    assert [
        one["Key"] for one in s3.list_objects_v2(Bucket=bucket, StartAfter="b/1")["Contents"]
    ] == KEYS[2:]


def test_a_delimiter_folds_folders(s3, bucket):
    put(s3, bucket, *KEYS)
    for call in (s3.list_objects, s3.list_objects_v2):
        answer = call(Bucket=bucket, Delimiter="/")
        assert [one["Key"] for one in answer["Contents"]] == ["a", "e f", "z+ü"]
        assert [one["Prefix"] for one in answer["CommonPrefixes"]] == ["b/", "c/"]
        answer = call(Bucket=bucket, Delimiter="/", Prefix="c/")
        assert [one["Prefix"] for one in answer["CommonPrefixes"]] == ["c/d/"]
        assert "Contents" not in answer


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_pages_hold_everything_once(s3, operation):
    name = operation.replace("_", "-")
    make_bucket(s3, name)
    put(s3, name, *KEYS)
    for arguments, expected in (
        ({}, KEYS),
        ({"Delimiter": "/"}, ["a", "b/", "c/", "e f", "z+ü"]),
    ):
        pages = s3.get_paginator(operation).paginate(
            Bucket=name, PaginationConfig={"PageSize": 2}, **arguments
        )
        found = []
        for page in pages:
            entries = [one["Key"] for one in page.get("Contents", [])]
            entries += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            assert len(entries) <= 2
            found += entries
        assert sorted(found) == sorted(expected)


# Notification configurations


def configuration(**changes):
    one = {"Id": "mine", "LambdaFunctionArn": DETECT, "Events": ["s3:ObjectCreated:*"]} | changes
    return {"LambdaFunctionConfigurations": [one]}


def test_a_notification_configuration_comes_back(s3, bucket):
    rules = [{"Name": "prefix", "Value": "logs/"}, {"Name": "suffix", "Value": ".gz"}]
    given = configuration(Filter={"Key": {"FilterRules": rules}})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(
        Bucket=bucket
    )
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    [one] = kept
    assert (one["Id"], one["LambdaFunctionArn"]) == ("mine", DETECT)
    assert one["Events"] == ["s3:ObjectCreated:*"]
    assert one["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "logs/"},
        {"Name": "Suffix", "Value": ".gz"},
    ]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(
        Bucket=bucket
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (configuration(LambdaFunctionArn="detect"), "The ARN could not be parsed"),
        (
            configuration(LambdaFunctionArn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"),
            "Unable to validate the following destination configurations",
        ),
        (
            {
                "LambdaFunctionConfigurations": [
                    {"LambdaFunctionArn": DETECT, "Events": ["s3:ObjectCreated:*"]},
                    {"LambdaFunctionArn": DETECT, "Events": ["s3:ObjectCreated:Put"]},
                ]
            },
            None,
        ),
    ],
    ids=["arn", "target", "overlap"],
)
def test_a_notification_configuration_that_cannot_work_is_refused(s3, given, message):
    name = "refused-notifications"
    if name not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        make_bucket(s3, name)
    answer = fails(
        s3.put_bucket_notification_configuration, Bucket=name, NotificationConfiguration=given,
        code_is="InvalidArgument", status_is=400,
    )
    if message is not None:
        assert answer["Error"]["Message"] == message


# Presigned URLs


def http(method, url, data=None):
    request = urllib.request.Request(url, data=data, method=method)
    # What urllib adds by itself would be a header that nobody signed.
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def presign(server, operation, **arguments):
    s3 = server.client("s3", config={"signature_version": "s3v4"})
    return s3.generate_presigned_url(operation, Params=arguments, ExpiresIn=60)


def test_a_presigned_url_gets_and_puts(server, s3, bucket):
    http("PUT", presign(server, "put_object", Bucket=bucket, Key="a b"), b"hello")
    assert body(s3.get_object(Bucket=bucket, Key="a b")) == b"hello"
    assert http("GET", presign(server, "get_object", Bucket=bucket, Key="a b")) == b"hello"


def test_a_presigned_url_is_good_for_nothing_else(server, s3, bucket):
    put(s3, bucket, "a", "b")
    url = presign(server, "get_object", Bucket=bucket, Key="a")
    for method, wrong, code_is in (
        ("GET", url.replace("/a?", "/b?"), b"SignatureDoesNotMatch"),
        ("DELETE", url, b"SignatureDoesNotMatch"),
        ("GET", f"{url}&versionId=1", b"SignatureDoesNotMatch"),
    ):
        with pytest.raises(urllib.error.HTTPError) as error:
            http(method, wrong)
        assert error.value.code == 403
        assert code_is in error.value.read()


def test_a_url_presigned_by_the_old_signature_is_told_the_remedy(server, bucket):
    # What boto3 does by itself for a region as old as the server's default one.
    s3 = server.client("s3", region_name="us-east-1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    assert "AWSAccessKeyId=" in url
    with pytest.raises(urllib.error.HTTPError) as error:
        http("GET", url)
    assert error.value.code == 400
    assert b'signature_version="s3v4"' in error.value.read()


def test_the_remedy_for_presigned_urls_works_as_a_setting_too(server, s3, bucket):
    put(s3, bucket, "a")
    script = (
        "import boto3, urllib.request\n"
        f"url = boto3.client('s3').generate_presigned_url('get_object', Params={{'Bucket': '{bucket}', 'Key': 'a'}})\n"
        "print(urllib.request.urlopen(url, timeout=30).read().decode())"
    )
    command = f'aws configure set default.s3.signature_version s3v4\npython -c "{script}"'
    assert server.shell(command) == "a\n"


# The AWS CLI


def test_the_aws_cli_copies_and_lists(server, s3, bucket):
    (server.folder / "hello.txt").write_text("hello")
    (server.folder / "large.bin").write_bytes(b"0123456789abcdef" * (MIB * 9 // 16))
    server.shell(f"aws s3 cp hello.txt s3://{bucket}/a/hello.txt")
    server.shell(f"aws s3 cp large.bin s3://{bucket}/large.bin")
    listed = server.shell(f"aws s3 ls s3://{bucket}/")
    assert "PRE a/" in listed and "large.bin" in listed
    assert "hello.txt" in server.shell(f"aws s3 ls s3://{bucket} --recursive")
    server.shell(f"aws s3 cp s3://{bucket}/large.bin back.bin && cmp large.bin back.bin")
    assert server.shell(f"aws s3 cp s3://{bucket}/a/hello.txt -") == "hello"
    server.shell(f"aws s3 rm s3://{bucket} --recursive")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_the_aws_cli_speaks_with_every_embedded_service(server):
    assert ACCOUNT in server.shell("aws sts get-caller-identity")
    made = server.shell("aws sns create-topic --name from-the-cli --query TopicArn --output text")
    assert made == f"arn:aws:sns:{REGION}:{ACCOUNT}:from-the-cli\n"
    assert "default" in server.shell("aws cloudtrail describe-trails")
