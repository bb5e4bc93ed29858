"""Versions and aliases of functions, as boto3, SAM and Terraform ask for them."""

import json

import botocore.exceptions
import pytest
from functions import FORWARD, WITH_BOTO3, arn, call, make, make_role, zipped
from road import make_bucket, record
from trailhound import ACCOUNT, REGION, code, status, until

# The functions here need boto3.
SERVER = WITH_BOTO3

DEFAULT_BUCKET = f"trailhound-logs-{ACCOUNT}-{REGION}"
WHICH = "def handler(event, context):\n    return ['{}', context.function_version, context.invoked_function_arn]\n"


def which(mark):
    return zipped(app__py=WHICH.format(mark))


@pytest.fixture(scope="module")
def role(server):
    return make_role(server.client("iam"), "versions", "sqs:*")


def refused(call, **given):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**given)
    return code(error), status(error), error.value.response["Error"]["Message"]


def versions(functions, name):
    pages = functions.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1},
    )
    return [version["Version"] for page in pages for version in page["Versions"]]


def test_code_is_published_as_it_is_created_and_changed(functions, role):
    first = make(functions, "published", role, which("one"), Publish=True)
    assert (first["Version"], first["FunctionArn"]) == ("1", arn("published"))
    second = functions.update_function_code(FunctionName="published", ZipFile=which("two"), Publish=True)
    assert (second["Version"], second["FunctionArn"]) == ("2", arn("published") + ":2")
    assert functions.get_function_configuration(FunctionName="published")["Version"] == "$LATEST"
    assert versions(functions, "published") == ["$LATEST", "1", "2"]
    got = functions.get_function(FunctionName="published", Qualifier="1")
    assert got["Configuration"]["FunctionArn"] == arn("published") + ":1"
    assert got["Configuration"]["CodeSha256"] == first["CodeSha256"] != second["CodeSha256"]
    for name in ("published:1", arn("published") + ":1"):
        payload, output = call(functions, name)
        assert payload == ["one", "1", arn("published") + ":1"] and output["ExecutedVersion"] == "1"
    everything = functions.list_functions(FunctionVersion="ALL")["Functions"]
    mine = [one["FunctionArn"] for one in everything if one["FunctionName"] == "published"]
    assert mine == [arn("published") + qualifier for qualifier in (":$LATEST", ":1", ":2")]


def test_a_version_is_published_where_something_changed(functions, role):
    made = make(functions, "stepwise", role, which("one"), Description="of the function")
    first = functions.publish_version(FunctionName="stepwise", CodeSha256=made["CodeSha256"], Description="of the version")
    assert (first["Version"], first["Description"]) == ("1", "of the version")
    assert functions.publish_version(FunctionName="stepwise")["Version"] == "1"
    functions.update_function_configuration(FunctionName="stepwise", Timeout=7)
    second = functions.publish_version(FunctionName="stepwise")
    assert (second["Version"], second["Timeout"], second["Description"]) == ("2", 7, "of the function")
    functions.get_waiter("published_version_active").wait(FunctionName="stepwise", Qualifier="2")
    wrong = refused(functions.publish_version, FunctionName="stepwise", CodeSha256="other")
    assert wrong[:2] == ("InvalidParameterValueException", 400) and "is different from current CodeSHA256" in wrong[2]
    stale = refused(functions.publish_version, FunctionName="stepwise", RevisionId="old")
    assert stale[:2] == ("PreconditionFailedException", 412)
    missing = refused(functions.invoke, FunctionName="stepwise", Qualifier="3")
    assert missing == ("ResourceNotFoundException", 404, f"Function not found: {arn('stepwise')}:3")
    shipped = refused(functions.publish_version, FunctionName="detect")
    assert shipped[0] == "InvalidParameterValueException" and "shipped with this server" in shipped[2]


def test_an_alias_is_made_moved_listed_and_deleted(functions, role):
    make(functions, "aliased", role, which("one"), Publish=True)
    functions.update_function_code(FunctionName="aliased", ZipFile=which("two"), Publish=True)
    made = functions.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1", Description="in use")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {"AliasArn": arn("aliased") + ":live", "Name": "live", "FunctionVersion": "1", "Description": "in use"}
    assert expected.items() <= made.items()
    payload, output = call(functions, "aliased", Qualifier="live")
    assert output["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    assert payload == ["one", "1", arn("aliased") + ":live"] and output["ExecutedVersion"] == "1"
    moved = functions.update_alias(FunctionName="aliased", Name="live", FunctionVersion="2", RevisionId=made["RevisionId"])
    assert moved["RevisionId"] != made["RevisionId"] and moved["Description"] == "in use"
    assert call(functions, "aliased:live")[0][0] == "two"
    got = functions.get_function_configuration(FunctionName="aliased", Qualifier="live")
    assert (got["Version"], got["FunctionArn"]) == ("2", arn("aliased") + ":live")
    functions.create_alias(FunctionName="aliased", Name="old", FunctionVersion="1")
    listed = functions.list_aliases(FunctionName="aliased", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["old"]
    assert len(functions.list_aliases(FunctionName="aliased")["Aliases"]) == 2
    taken = refused(functions.create_alias, FunctionName="aliased", Name="live", FunctionVersion="1")
    assert taken == ("ResourceConflictException", 409, f"Alias already exists: {arn('aliased')}:live")
    for given, expected in [
        ({"FunctionVersion": "9"}, ("ResourceNotFoundException", 404)),
        ({"FunctionVersion": "nine"}, ("ValidationException", 400)),
        ({"FunctionVersion": "1", "Name": "12"}, ("ValidationException", 400)),
        ({"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}},
         ("InvalidParameterValueException", 400)),
    ]:
        given = {"FunctionName": "aliased", "Name": "new", **given}
        assert refused(functions.create_alias, **given)[:2] == expected, given
    stale = refused(functions.update_alias, FunctionName="aliased", Name="live", RevisionId=made["RevisionId"])
    assert stale[:2] == ("PreconditionFailedException", 412)
    kept = refused(functions.delete_function, FunctionName="aliased", Qualifier="1")
    assert kept[:2] == ("ResourceConflictException", 409) and "[old]" in kept[2]
    functions.delete_alias(FunctionName="aliased", Name="old")
    functions.delete_alias(FunctionName="aliased", Name="old")
    functions.delete_function(FunctionName="aliased", Qualifier="1")
    assert versions(functions, "aliased") == ["$LATEST", "2"]
    missing = refused(functions.get_alias, FunctionName="aliased", Name="old")
    assert missing == ("ResourceNotFoundException", 404, f"Cannot find alias arn: {arn('aliased')}:old")
    latest = refused(functions.delete_function, FunctionName="aliased", Qualifier="$LATEST")
    assert latest[0] == "InvalidParameterValueException"


def test_permissions_and_settings_are_a_versions_or_an_aliass_own(functions, role):
    make(functions, "guarded", role, which("one"), Publish=True)
    functions.create_alias(FunctionName="guarded", Name="live", FunctionVersion="1")
    given = {"FunctionName": "guarded", "StatementId": "s3", "Action": "lambda:InvokeFunction",
             "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b"}
    for qualifier in ("1", "live"):
        statement = functions.add_permission(**given, Qualifier=qualifier)["Statement"]
        assert json.loads(statement)["Resource"] == f"{arn('guarded')}:{qualifier}"
        policy = json.loads(functions.get_policy(FunctionName="guarded", Qualifier=qualifier)["Policy"])
        assert len(policy["Statement"]) == 1
    assert refused(functions.get_policy, FunctionName="guarded")[0] == "ResourceNotFoundException"
    assert refused(functions.add_permission, **given, Qualifier="$LATEST")[0] == "InvalidParameterValueException"
    functions.remove_permission(FunctionName="guarded", StatementId="s3", Qualifier="1")
    assert refused(functions.get_policy, FunctionName="guarded", Qualifier="1")[0] == "ResourceNotFoundException"
    put = functions.put_function_event_invoke_config(FunctionName="guarded", Qualifier="live", MaximumRetryAttempts=0)
    assert put["FunctionArn"] == arn("guarded") + ":live"
    assert refused(functions.get_function_event_invoke_config, FunctionName="guarded")[0] == "ResourceNotFoundException"
    nothing = refused(functions.remove_permission, FunctionName="guarded", StatementId="s3")
    assert nothing[2] == "No policy is associated with the given resource."
    bounds = refused(functions.put_function_event_invoke_config, FunctionName="guarded", MaximumRetryAttempts=3)
    assert bounds[0] == "ValidationException" and "at 'maximumRetryAttempts'" in bounds[2]
    tags = refused(functions.list_tags, Resource=arn("guarded") + ":1")
    assert tags[0] == "InvalidParameterValueException"


def test_buckets_topics_and_queues_wake_an_alias(functions, role, s3, sns, sqs, server):
    told = sqs.create_queue(QueueName="woken")["QueueUrl"]
    make(functions, "woken", role, zipped(app__py=FORWARD), Timeout=10, MemorySize=256, Publish=True,
         Environment={"Variables": {"QUEUE": told}})
    functions.create_alias(FunctionName="woken", Name="live", FunctionVersion="1")
    # Only what the alias leads to works.
    functions.update_function_code(FunctionName="woken", ZipFile=zipped(app__py="def handler(event, context):\n    1 / 0\n"))
    live = arn("woken") + ":live"
    make_bucket(s3, "wakes-an-alias")
    topic = sns.create_topic(Name="wakes-an-alias")["TopicArn"]
    for principal, source in [("s3", "arn:aws:s3:::wakes-an-alias"), ("sns", topic)]:
        functions.add_permission(
            FunctionName="woken", Qualifier="live", StatementId=principal, Action="lambda:InvokeFunction",
            Principal=f"{principal}.amazonaws.com", SourceArn=source,
        )
    s3.put_bucket_notification_configuration(
        Bucket="wakes-an-alias",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": live, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="wakes-an-alias", Key="k", Body=b"x")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=live)
    sns.publish(TopicArn=topic, Message="m")
    source = sqs.create_queue(QueueName="wakes-an-alias", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    mapping = functions.create_event_source_mapping(
        FunctionName=live, EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:wakes-an-alias",
    )
    assert mapping["FunctionArn"] == live
    assert len(functions.list_event_source_mappings(FunctionName=live)["EventSourceMappings"]) == 1
    assert not functions.list_event_source_mappings(FunctionName="woken")["EventSourceMappings"]
    sqs.send_message(QueueUrl=source, MessageBody="q")
    functions.invoke(FunctionName=live, InvocationType="Event", Payload=json.dumps({"Records": [{"eventSource": "me"}]}))
    seen = set()

    def all_four():
        got = sqs.receive_message(QueueUrl=told, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in got.get("Messages", []):
            first = json.loads(message["Body"])["Records"][0]
            seen.add(first.get("eventSource") or first.get("EventSource"))
        return seen == {"aws:s3", "aws:sns", "aws:sqs", "me"}

    until(all_four, "all four have woken the alias")
    functions.delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_policy_decides_on_versions_and_aliases(functions, role, server):
    make(functions, "decided", role, which("one"), Publish=True)
    functions.create_alias(FunctionName="decided", Name="live", FunctionVersion="1")
    iam = server.client("iam")
    iam.create_user(UserName="caller")
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn("decided") + ":live"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="caller", PolicyName="may", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    caller = server.client(
        "lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
    )
    assert call(caller, "decided", Qualifier="live")[0][0] == "one"
    assert call(caller, arn("decided") + ":live")[0][0] == "one"
    for given in ({}, {"Qualifier": "1"}):
        assert refused(caller.invoke, FunctionName="decided", **given)[:2] == ("AccessDeniedException", 403)


def test_the_log_names_these_calls_as_aws_does(functions, role, s3, server):
    make(functions, "logged", role, which("one"))
    functions.publish_version(FunctionName="logged")
    functions.create_alias(FunctionName="logged", Name="live", FunctionVersion="1")
    functions.update_alias(FunctionName="logged", Name="live", Description="d")
    functions.get_alias(FunctionName="logged", Name="live")
    functions.list_aliases(FunctionName="logged")
    functions.list_versions_by_function(FunctionName="logged")
    functions.delete_alias(FunctionName="logged", Name="live")
    given = {"functionName": "logged"}
    for name, answered in [
        ("PublishVersion20150331", {"version": "1", "functionArn": arn("logged") + ":1"}),
        ("CreateAlias20150331", {"name": "live", "functionVersion": "1"}),
        ("UpdateAlias20150331", {"description": "d"}),
        ("GetAlias20150331", None),
        ("ListAliases20150331", None),
        ("ListVersionsByFunction20150331", None),
        ("DeleteAlias20150331", None),
    ]:
        _, told = record(s3, DEFAULT_BUCKET, name, **given)
        assert told["eventSource"] == "lambda.amazonaws.com" and told["readOnly"] == name.startswith(("Get", "List"))
        if answered:
            assert answered.items() <= told["responseElements"].items(), told


def test_the_aws_cli_publishes_and_names_versions(server, role):
    (server.folder / "versions.zip").write_bytes(which("one"))
    out = server.shell(
        f"aws lambda create-function --function-name cli-versions --runtime python3.13 --role {role} "
        "--handler app.handler --zip-file fileb://versions.zip --publish --query Version --output text\n"
        "aws lambda create-alias --function-name cli-versions --name live --function-version 1 --query Name --output text\n"
        "aws lambda invoke --function-name cli-versions --qualifier live out.json --query ExecutedVersion --output text\n"
        "aws lambda delete-alias --function-name cli-versions --name live\n"
        "aws lambda delete-function --function-name cli-versions --qualifier 1 >/dev/null\n"
        "aws lambda list-versions-by-function --function-name cli-versions --query 'Versions[].Version' --output text"
    )
    assert out.split() == ["1", "live", "1", "$LATEST"]
