"""Lambda's API, operation by operation and error by error."""

import base64
import concurrent.futures
import io
import json
import re
import urllib.error
import zipfile

import botocore.exceptions
import pytest
from functions import WITH_BOTO3, arn, call, make, make_role, zipped
from listener import fetch
from road import ACCOUNT, REGION, make_bucket
from trailhound import code, status, until

# The functions here need boto3.
SERVER = WITH_BOTO3

ECHO = "import time\n\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n    return event\n"
ERRORS = """
import os, sys, time


def handler(event, context):
    print("about to", event["do"])
    if event["do"] == "raise":
        raise RuntimeError("on purpose")
    if event["do"] == "exit":
        os._exit(1)
    if event["do"] == "sleep":
        time.sleep(60)
    if event["do"] == "eat":
        held = bytearray(400 * 1024 * 1024)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(60)
    if event["do"] == "much":
        return "x" * (7 * 1024 * 1024)
"""


@pytest.fixture(scope="module")
def role(server):
    return make_role(server.client("iam"), "lambda-tests")


@pytest.fixture(scope="module")
def echo(functions, role):
    """A function that answers what it is given, after as many seconds as that says."""
    make(functions, "echo", role, zipped(app__py=ECHO), Timeout=30)
    return "echo"


def refused(call, **given):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**given)
    return code(error), status(error), error.value.response["Error"]["Message"]


def test_a_created_function_is_told_as_lambda_tells_it(functions, role):
    made = functions.create_function(
        FunctionName="whole", Runtime="python3.13", Role=role, Handler="app.handler",
        Code={"ZipFile": zipped(app__py=ECHO)}, Description="echoes", Timeout=9, MemorySize=256,
        Environment={"Variables": {"A_B": "c"}}, Tags={"team": "a"}, EphemeralStorage={"Size": 1024},
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == arn("whole")
    assert (made["Timeout"], made["MemorySize"], made["Description"]) == (9, 256, "echoes")
    assert (made["Version"], made["State"], made["PackageType"]) == ("$LATEST", "Active", "Zip")
    assert made["Environment"] == {"Variables": {"A_B": "c"}}
    assert made["EphemeralStorage"] == {"Size": 1024}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    got = functions.get_function(FunctionName=arn("whole"))
    assert got["Tags"] == {"team": "a"}
    assert fetch(got["Code"]["Location"]) == zipped(app__py=ECHO)
    with pytest.raises(urllib.error.HTTPError):
        fetch(got["Code"]["Location"] + "x")
    plain = {k: v for k, v in made.items() if k != "ResponseMetadata"}
    assert got["Configuration"] == plain
    functions.delete_function(FunctionName="whole")
    missing = f"Function not found: {arn('whole')}"
    assert refused(functions.get_function, FunctionName="whole") == ("ResourceNotFoundException", 404, missing)


def test_what_cannot_be_created_says_why(functions, role, echo, server):
    def attempt(**changes):
        given = {
            "FunctionName": "never", "Runtime": "python3.13", "Role": role, "Handler": "app.handler",
            "Code": {"ZipFile": zipped(app__py=ECHO)},
        }
        return refused(functions.create_function, **{**given, **changes})

    assert attempt(FunctionName="echo") == ("ResourceConflictException", 409, "Function already exist: echo")
    untrusting = server.client("iam").create_role(
        RoleName="untrusting", AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }),
    )["Role"]["Arn"]
    words = "The role defined for the function cannot be assumed by Lambda."
    assert attempt(Role=untrusting) == ("InvalidParameterValueException", 400, words)
    abroad = attempt(Role=role.replace(ACCOUNT, "111122223333"))
    assert abroad == ("AccessDeniedException", 403, "Cross-account pass role is not allowed.")
    assert attempt(Role=role + "-gone") == ("InvalidParameterValueException", 400, words)
    for changes, kind, part in [
        ({"Role": "me"}, "ValidationException", "at 'role'"),
        ({"FunctionName": "a b"}, "ValidationException", "at 'functionName'"),
        ({"Timeout": 901}, "ValidationException", "at 'timeout'"),
        ({"MemorySize": 64 * 1024}, "ValidationException", "at 'memorySize'"),
        ({"Runtime": "java21"}, "InvalidParameterValueException", "java21"),
        ({"Architectures": ["arm64", "x86_64"]}, "InvalidParameterValueException", "Architectures"),
        ({"Layers": ["arn:aws:lambda:us-east-2:123456789012:layer:l:1"]}, "InvalidParameterValueException", "Layers"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "InvalidParameterValueException", "VpcConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "InvalidParameterValueException", "TracingConfig"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "InvalidParameterValueException", "SnapStart"),
        ({"KMSKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"}, "InvalidParameterValueException", "KMSKeyArn"),
        ({"PackageType": "Image", "Code": {"ImageUri": "i"}}, "InvalidParameterValueException", "PackageType Image"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
    ]:
        got, _, message = attempt(**changes)
        assert (got, part in message) == (kind, True), (changes, got, message)


@pytest.mark.parametrize("name, kind, why", [
    ("../up", 0o100644, "leads out of its folder"),
    ("/etc/x", 0o100644, "has an absolute path"),
    ("link", 0o120777, "is a symbolic link"),
    ("pipe", 0o010644, "is no file and no folder"),
])
def test_a_hazard_in_a_zip_is_refused_by_name(functions, echo, name, kind, why):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("app.py", ECHO)
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, kind << 16
        archive.writestr(entry, "target")
    got, _, message = refused(functions.update_function_code, FunctionName=echo, ZipFile=out.getvalue())
    assert got == "InvalidParameterValueException"
    assert f'"{name}" {why}' in message


def test_a_program_for_another_system_is_refused(functions, role):
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(44)
    got, _, message = refused(
        functions.create_function, FunctionName="arm", Runtime="provided.al2023", Role=role,
        Handler="bootstrap", Code={"ZipFile": zipped(bootstrap=head)},
    )
    assert got == "InvalidParameterValueException"
    assert "`bootstrap` is for arm64" in message or "x86_64" in message


def test_a_large_zip_is_taken_and_a_larger_one_is_not(functions, role):
    def stored(size):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("app.py", ECHO)
            archive.writestr("data", bytes(size))
        return out.getvalue()

    made = make(functions, "large", role, stored(20_000_000))
    assert made["CodeSize"] > 20_000_000
    assert call(functions, "large", {})[0] == {}
    got = refused(functions.update_function_code, FunctionName="large", ZipFile=stored(50 * 1024 * 1024 + 1))
    assert got[:2] == ("RequestEntityTooLargeException", 413)
    functions.delete_function(FunctionName="large")


def test_code_and_configuration_change_under_revisions(functions, role):
    first = make(functions, "changing", role, zipped(app__py=ECHO))
    functions.get_waiter("function_updated_v2").wait(FunctionName="changing")
    stale = "RevisionId", "00000000-0000-0000-0000-000000000000"
    for change in (
        lambda **kw: functions.update_function_configuration(FunctionName="changing", Timeout=5, **kw),
        lambda **kw: functions.update_function_code(FunctionName="changing", ZipFile=zipped(app__py=ECHO), **kw),
    ):
        assert refused(change, **dict([stale]))[:2] == ("PreconditionFailedException", 412)
    other = zipped(app__py="def other(event, context):\n    return 'other'\n")
    second = functions.update_function_code(FunctionName="changing", ZipFile=other, RevisionId=first["RevisionId"])
    assert second["CodeSha256"] != first["CodeSha256"] and second["LastUpdateStatus"] == "Successful"
    third = functions.update_function_configuration(
        FunctionName="changing", Handler="app.other", RevisionId=second["RevisionId"],
        Environment={"Variables": {}},
    )
    assert third["Handler"] == "app.other" and "Environment" not in third
    assert call(functions, "changing")[0] == "other"
    dry = functions.update_function_code(FunctionName="changing", ZipFile=zipped(app__py=ECHO), DryRun=True)
    assert dry["CodeSha256"] == first["CodeSha256"]
    assert functions.get_function_configuration(FunctionName="changing")["CodeSha256"] == second["CodeSha256"]


def test_code_comes_from_a_bucket(functions, role, server):
    s3 = server.client("s3")
    make_bucket(s3, "deployments")
    s3.put_object(Bucket="deployments", Key="code/app.zip", Body=zipped(app__py=ECHO))
    given = {"FunctionName": "from-bucket", "Runtime": "python3.13", "Role": role, "Handler": "app.handler"}
    functions.create_function(**given, Code={"S3Bucket": "deployments", "S3Key": "code/app.zip"})
    assert call(functions, "from-bucket", {"n": 1})[0] == {"n": 1}
    missing = refused(functions.update_function_code, FunctionName="from-bucket", S3Bucket="deployments", S3Key="no")
    assert missing[0] == "InvalidParameterValueException" and "NoSuchKey" in missing[2]


def test_functions_are_listed_by_pages(functions, echo, role):
    for n in range(3):
        make(functions, f"page-{n}", role, zipped(app__py=ECHO))
    pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    assert names == sorted(set(names)) and {"detect", "echo", "page-0", "page-2"} <= set(names)
    versions = functions.list_versions_by_function(FunctionName="echo")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST"]
    usage = functions.get_account_settings()["AccountUsage"]
    assert usage["FunctionCount"] == len(names) and usage["TotalCodeSize"] > 0


def test_a_call_is_answered_logged_or_only_asked_for(functions, echo):
    answer, output = call(functions, echo, {"n": "é"}, LogType="Tail")
    assert (answer, output["StatusCode"], output["ExecutedVersion"]) == ({"n": "é"}, 200, "$LATEST")
    log = base64.b64decode(output["LogResult"]).decode()
    assert re.search(r"START RequestId: [0-9a-f-]{36} Version: \$LATEST\n", log), log
    assert "REPORT RequestId" in log and "FunctionError" not in output
    for name in (arn(echo), f"{ACCOUNT}:function:{echo}", f"{echo}:$LATEST"):
        assert call(functions, name, {"n": 1})[0] == {"n": 1}
    assert functions.invoke(FunctionName=echo, InvocationType="DryRun")["StatusCode"] == 204
    later = functions.invoke(FunctionName=echo, InvocationType="Event", Payload=b"{}")
    assert (later["StatusCode"], later["Payload"].read()) == (202, b"")


def test_a_call_that_cannot_be_is_refused(functions, echo):
    got = refused(functions.invoke, FunctionName=echo, Payload=b"not json")
    assert got[:2] == ("InvalidRequestContentException", 400)
    assert got[2].startswith("Could not parse request body into json")
    large = json.dumps("x" * (6 * 1024 * 1024))
    assert refused(functions.invoke, FunctionName=echo, Payload=large)[:2] == ("RequestTooLargeException", 413)
    event = json.dumps("x" * (1024 * 1024))
    assert refused(functions.invoke, FunctionName=echo, InvocationType="Event", Payload=event)[:2] == (
        "RequestTooLargeException", 413)
    assert refused(functions.invoke, FunctionName="none")[:2] == ("ResourceNotFoundException", 404)
    assert refused(functions.invoke, FunctionName=echo, Qualifier="prod") == (
        "ResourceNotFoundException", 404, f"Function not found: {arn(echo)}:prod")


@pytest.mark.parametrize("do, kind, message", [
    ("raise", "RuntimeError", "on purpose"),
    ("exit", "Runtime.ExitError", r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 1"),
    ("sleep", "Sandbox.Timedout", r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds"),
    ("eat", "Runtime.OutOfMemory", r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed"),
    ("much", "Function.ResponseSizeTooLarge", r"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\."),
])
def test_a_failure_is_told_as_lambda_tells_it(functions, role, do, kind, message):
    name = f"fails-{do}"
    timeout = 1 if do == "sleep" else 20
    make(functions, name, role, zipped(app__py=ERRORS), Timeout=timeout)
    answer, output = call(functions, name, {"do": do}, LogType="Tail")
    assert (output["StatusCode"], output["FunctionError"]) == (200, "Unhandled")
    assert answer["errorType"] == kind
    assert re.fullmatch(message, answer["errorMessage"]), answer
    assert f"about to {do}" in base64.b64decode(output["LogResult"]).decode()
    if do == "raise":
        assert re.fullmatch(r"[0-9a-f-]{36}", answer["requestId"]) and len(answer["stackTrace"]) == 1


def test_several_calls_run_at_once_up_to_what_is_reserved(functions, echo):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: call(functions, echo, {"n": n, "sleep": 1})[0]["n"], range(4)))
    assert answers == [0, 1, 2, 3]
    put = functions.put_function_concurrency(FunctionName=echo, ReservedConcurrentExecutions=1)
    assert put["ReservedConcurrentExecutions"] == 1
    assert functions.get_function_concurrency(FunctionName=echo)["ReservedConcurrentExecutions"] == 1
    assert functions.get_function(FunctionName=echo)["Concurrency"] == {"ReservedConcurrentExecutions": 1}

    def attempt(n):
        try:
            return call(functions, echo, {"n": n, "sleep": 2})[0]["n"]
        except functions.exceptions.TooManyRequestsException as error:
            assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
            return "throttled"

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(attempt, range(3)))
    assert answers.count("throttled") == 2, answers
    too_many = refused(functions.put_function_concurrency, FunctionName=echo, ReservedConcurrentExecutions=901)
    assert too_many[0] == "InvalidParameterValueException" and "[100]" in too_many[2]
    functions.delete_function_concurrency(FunctionName=echo)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=echo)


def test_permissions_are_given_told_and_taken(functions, echo):
    assert refused(functions.get_policy, FunctionName=echo)[:2] == ("ResourceNotFoundException", 404)
    given = {"FunctionName": echo, "StatementId": "s3", "Action": "lambda:InvokeFunction",
             "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": ACCOUNT}
    statement = json.loads(functions.add_permission(**given)["Statement"])
    assert statement == {
        "Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": arn(echo),
        "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
    }
    assert refused(functions.add_permission, **given)[:2] == ("ResourceConflictException", 409)
    policy = functions.get_policy(FunctionName=echo)
    assert json.loads(policy["Policy"])["Statement"] == [statement]
    stale = refused(functions.add_permission, **{**given, "StatementId": "x", "RevisionId": "old"})
    assert stale[:2] == ("PreconditionFailedException", 412)
    wrong = refused(functions.add_permission, **{**given, "StatementId": "x", "Principal": "nobody"})
    assert wrong[0] == "InvalidParameterValueException"
    functions.remove_permission(FunctionName=echo, StatementId="s3", RevisionId=policy["RevisionId"])
    assert refused(functions.remove_permission, FunctionName=echo, StatementId="s3")[0] == "ResourceNotFoundException"


def test_settings_of_events_are_kept(functions, echo, server):
    assert refused(functions.get_function_event_invoke_config, FunctionName=echo)[0] == "ResourceNotFoundException"
    put = functions.put_function_event_invoke_config(FunctionName=echo, MaximumRetryAttempts=0)
    assert (put["FunctionArn"], put["MaximumRetryAttempts"]) == (f"{arn(echo)}:$LATEST", 0)
    functions.update_function_event_invoke_config(FunctionName=echo, MaximumEventAgeInSeconds=60)
    got = functions.get_function_event_invoke_config(FunctionName=echo)
    assert (got["MaximumRetryAttempts"], got["MaximumEventAgeInSeconds"]) == (0, 60)
    listed = functions.list_function_event_invoke_configs(FunctionName=echo)["FunctionEventInvokeConfigs"]
    assert len(listed) == 1
    functions.delete_function_event_invoke_config(FunctionName=echo)
    assert refused(functions.delete_function_event_invoke_config, FunctionName=echo)[0] == "ResourceNotFoundException"


def test_an_event_that_fails_is_tried_again_and_then_dead(functions, role, server):
    make(functions, "failing", role, zipped(app__py=ERRORS))
    functions.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"do": "raise"}')

    def dead():
        out, _ = server.run("dead", "list", "--json")
        return [one for one in map(json.loads, out.splitlines()) if one["reason"] == "RuntimeError: on purpose"]

    until(dead, "the event is a dead letter")
    assert dead()[0]["attempts"] == 3


def test_tags_are_kept(functions, echo):
    functions.tag_resource(Resource=arn(echo), Tags={"a": "1", "b": "2"})
    functions.untag_resource(Resource=arn(echo), TagKeys=["a"])
    assert functions.list_tags(Resource=arn(echo))["Tags"] == {"b": "2"}
    assert refused(functions.tag_resource, Resource=arn(echo), Tags={"aws:x": "1"})[0] == "InvalidParameterValueException"


def test_what_is_not_offered_says_so(functions, echo):
    got = refused(functions.list_function_url_configs, FunctionName=echo)
    assert got[0] == "UnknownOperationException" and "not offered by this server's Lambda" in got[2]
    assert functions.get_function_code_signing_config(FunctionName=echo)["FunctionName"] == echo


def test_the_aws_cli_creates_calls_and_deletes(server, role):
    (server.folder / "app.py").write_text(ECHO)
    (server.folder / "cli.zip").write_bytes(zipped(app__py=ECHO))
    server.shell(
        f"aws lambda create-function --function-name cli --runtime python3.13 --role {role} "
        "--handler app.handler --zip-file fileb://cli.zip >/dev/null\n"
        "aws lambda wait function-active-v2 --function-name cli"
    )
    out = server.shell(
        "aws lambda invoke --function-name cli "
        "--payload '{\"n\": 1}' --log-type Tail out.json --query StatusCode; cat out.json"
    )
    assert out.split() == ["200", '{"n":', "1}"]
    server.shell("aws lambda delete-function --function-name cli")
