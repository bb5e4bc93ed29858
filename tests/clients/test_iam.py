"""Users, keys, roles and policies as boto3 and the AWS CLI speak of them, and what policies decide."""

import json

import pytest
from botocore.exceptions import ClientError
from road import make_bucket, records
from trailhound import ACCOUNT, REGION, code, status, until

LAMBDA_TRUST = {"Service": "lambda.amazonaws.com"}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


LOGS = f"trailhound-logs-{ACCOUNT}-{REGION}"


def is_of(record, event, key):
    return record["eventName"] == event and record["userIdentity"].get("accessKeyId") == key


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal, **more):
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


@pytest.fixture
def user(server, iam, request):
    """A user, and clients that call as that user."""
    return User(server, iam, request.node.name[:64].strip("[]"))


class User:
    def __init__(self, server, iam, name):
        self.server, self.iam, self.name = server, iam, "".join(c for c in name if c.isalnum())
        self.arn = iam.create_user(UserName=self.name)["User"]["Arn"]
        self.key = iam.create_access_key(UserName=self.name)["AccessKey"]

    def may(self, *statements):
        self.iam.put_user_policy(
            UserName=self.name, PolicyName="may", PolicyDocument=document(*statements)
        )

    def client(self, service):
        return self.server.client(
            service, aws_access_key_id=self.key["AccessKeyId"],
            aws_secret_access_key=self.key["SecretAccessKey"],
        )


def of_session(server, service, keys):
    return server.client(
        service, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )


def refused(call, expected, words="", at=None):
    with pytest.raises(ClientError) as error:
        call()
    assert code(error) == expected, error.value
    assert words in str(error.value), error.value
    if at:
        assert status(error) == at


def test_a_user_comes_and_goes(iam):
    made = iam.create_user(UserName="bob", Path="/dev/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/dev/bob"
    assert made["UserId"].startswith("AIDA")
    told = iam.get_user(UserName="bob")["User"]
    assert (told["UserId"], told["Tags"]) == (made["UserId"], [{"Key": "a", "Value": "1"}])
    assert "bob" in [one["UserName"] for one in iam.list_users(PathPrefix="/dev/")["Users"]]
    refused(lambda: iam.create_user(UserName="Bob"), "EntityAlreadyExists", "already exists", 409)
    refused(lambda: iam.create_user(UserName="b b"), "ValidationError", "userName", 400)
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    refused(lambda: iam.delete_user(UserName="bob"), "DeleteConflict", "access keys", 409)
    iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    assert iam.list_groups_for_user(UserName="bob")["Groups"] == []
    iam.delete_user(UserName="bob")
    refused(lambda: iam.get_user(UserName="bob"), "NoSuchEntity", "name bob cannot be found", 404)


def test_a_group_gives_its_users_what_its_policies_allow(server, iam, user):
    made = iam.create_group(GroupName="readers", Path="/team/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/team/readers"
    assert made["GroupId"].startswith("AGPA")
    refused(lambda: iam.create_group(GroupName="Readers"), "EntityAlreadyExists", "Group with name", 409)
    iam.put_group_policy(
        GroupName="readers", PolicyName="list", PolicyDocument=document(allow("sns:ListTopics"))
    )
    own = iam.create_policy(PolicyName="queues", PolicyDocument=document(allow("sqs:ListQueues")))
    arn = own["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    refused(user.client("sns").list_topics, "AuthorizationError", at=403)
    iam.add_user_to_group(GroupName="readers", UserName=user.name)
    user.client("sns").list_topics()
    user.client("sqs").list_queues()
    refused(user.client("sns").list_subscriptions, "AuthorizationError", at=403)

    told = iam.get_group(GroupName="readers")
    assert told["Group"]["GroupId"] == made["GroupId"]
    assert [one["UserName"] for one in told["Users"]] == [user.name]
    assert [one["GroupName"] for one in iam.list_groups(PathPrefix="/team/")["Groups"]] == ["readers"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName=user.name)["Groups"]] == ["readers"]
    assert iam.list_group_policies(GroupName="readers")["PolicyNames"] == ["list"]
    inline = iam.get_group_policy(GroupName="readers", PolicyName="list")
    assert inline["PolicyDocument"]["Statement"][0]["Action"] == "sns:ListTopics"
    attached = iam.list_attached_group_policies(GroupName="readers")["AttachedPolicies"]
    assert attached == [{"PolicyName": "queues", "PolicyArn": arn}]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["GroupName"] for one in entities["PolicyGroups"]] == ["readers"]
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="User")["PolicyGroups"] == []

    refused(lambda: iam.delete_group(GroupName="readers"), "DeleteConflict", "remove users", 409)
    iam.remove_user_from_group(GroupName="readers", UserName=user.name)
    refused(user.client("sns").list_topics, "AuthorizationError", at=403)
    iam.detach_group_policy(GroupName="readers", PolicyArn=arn)
    iam.delete_group_policy(GroupName="readers", PolicyName="list")
    iam.update_group(GroupName="readers", NewPath="/")
    iam.delete_group(GroupName="readers")
    refused(lambda: iam.get_group(GroupName="readers"), "NoSuchEntity", "group with name readers", 404)


def test_who_may_change_a_group_is_asked_of_the_group(iam, user):
    for name in ("open", "closed"):
        iam.create_group(GroupName=name, Path="/p/")
    user.may(allow("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/p/open"))
    mine = user.client("iam")
    mine.add_user_to_group(GroupName="open", UserName=user.name)
    refused(
        lambda: mine.add_user_to_group(GroupName="closed", UserName=user.name),
        "AccessDenied", f"arn:aws:iam::{ACCOUNT}:group/p/closed", 403,
    )


def test_keys_open_until_they_are_disabled(iam, user):
    sts = user.client("sts")
    assert sts.get_caller_identity()["Arn"] == user.arn
    second = iam.create_access_key(UserName=user.name)["AccessKey"]
    refused(lambda: iam.create_access_key(UserName=user.name), "LimitExceeded", "AccessKeysPerUser: 2")
    listed = iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"]
    assert {key["AccessKeyId"] for key in listed} == {user.key["AccessKeyId"], second["AccessKeyId"]}
    name, key = user.name, user.key["AccessKeyId"]
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    refused(sts.get_caller_identity, "InvalidClientTokenId")
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
    assert sts.get_caller_identity()["UserId"].startswith("AIDA")
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    refused(sts.get_caller_identity, "InvalidClientTokenId")


def test_lists_come_in_pages(iam):
    for at in range(5):
        iam.create_user(UserName=f"paged{at}", Path="/paged/")
    pages = iam.get_paginator("list_users").paginate(
        PathPrefix="/paged/", PaginationConfig={"PageSize": 2}
    )
    names = [[user["UserName"] for user in page["Users"]] for page in pages]
    assert names == [["paged0", "paged1"], ["paged2", "paged3"], ["paged4"]]


def test_a_role_comes_and_goes_as_terraform_has_it(iam):
    made = iam.create_role(
        RoleName="worker", AssumeRolePolicyDocument=trust(LAMBDA_TRUST), Description="works",
        MaxSessionDuration=7200, Tags=[{"Key": "team", "Value": "a"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/worker"
    told = iam.get_role(RoleName="worker")["Role"]
    # boto3 decodes what the answer holds encoded.
    assert told["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == LAMBDA_TRUST
    assert (told["MaxSessionDuration"], told["Description"]) == (7200, "works")
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    inline = iam.get_role_policy(RoleName="worker", PolicyName="p")["PolicyDocument"]
    assert inline["Statement"] == [allow("s3:*")]
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["p"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
    attached = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    assert iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"] == []
    refused(lambda: iam.delete_role(RoleName="worker"), "DeleteConflict", "detach", 409)
    iam.detach_role_policy(RoleName="worker", PolicyArn=BASIC)
    refused(lambda: iam.delete_role(RoleName="worker"), "DeleteConflict", "delete policies", 409)
    iam.delete_role_policy(RoleName="worker", PolicyName="p")
    iam.tag_role(RoleName="worker", Tags=[{"Key": "more", "Value": "b"}])
    iam.untag_role(RoleName="worker", TagKeys=["team"])
    assert iam.list_role_tags(RoleName="worker")["Tags"] == [{"Key": "more", "Value": "b"}]
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=trust({"AWS": ACCOUNT}))
    iam.delete_role(RoleName="worker")
    refused(lambda: iam.get_role(RoleName="worker"), "NoSuchEntity", at=404)


def test_a_managed_policy_has_versions(iam, user):
    made = iam.create_policy(PolicyName="reads", PolicyDocument=document(allow("sns:ListTopics")))
    arn = made["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    assert user.client("sns").list_topics()["Topics"] is not None
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("sns:CreateTopic")), SetAsDefault=True
    )
    refused(user.client("sns").list_topics, "AuthorizationError", at=403)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [("v2", True), ("v1", False)]
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert user.client("sns").list_topics()["Topics"] is not None
    told = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert told["Document"]["Statement"] == [allow("sns:CreateTopic")]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    refused(lambda: iam.delete_policy(PolicyArn=arn), "DeleteConflict", "attached", 409)
    iam.detach_user_policy(UserName=user.name, PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    refused(lambda: iam.get_policy(PolicyArn=arn), "NoSuchEntity", at=404)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Effect": "Allow", "Action": "s3:*"}, "Missing required field Resource"),
        (allow("GetObject"), "prefaced by a vendor"),
        (allow("s3:*", "bucket"), "must be in ARN format"),
        (allow("s3:*", Condition={"StringSimilar": {"s3:prefix": "a"}}), "StringSimilar"),
        (allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}}), "PrincipalTag"),
        (allow("s3:*", Principal="*"), "should not specify a principal"),
    ],
    ids=["resource", "vendor", "arn", "operator", "key", "principal"],
)
def test_what_cannot_be_honoured_is_refused(iam, user, statement, words):
    refused(lambda: user.may(statement), "MalformedPolicyDocument", words, 400)


def test_unknown_policies_of_aws_are_refused_with_those_that_are_known(iam, user):
    arn = "arn:aws:iam::aws:policy/AmazonEC2FullAccess"
    refused(
        lambda: iam.attach_user_policy(UserName=user.name, PolicyArn=arn), "NoSuchEntity",
        "AWSLambdaBasicExecutionRole", 404,
    )


# A call of each protocol, and its refusal.
DENIED = [
    ("sns", lambda c: c.create_topic(Name="no"), "AuthorizationError", 403, "SNS:CreateTopic", "CreateTopic"),
    ("sqs", lambda c: c.create_queue(QueueName="no"), "AccessDenied", None, "sqs:CreateQueue", "CreateQueue"),
    (
        "cloudtrail", lambda c: c.delete_trail(Name="no"), "AccessDeniedException", 400,
        "cloudtrail:DeleteTrail", "DeleteTrail",
    ),
    (
        "lambda", lambda c: c.delete_function(FunctionName="no"), "AccessDeniedException", 403,
        "lambda:DeleteFunction", "DeleteFunction20150331",
    ),
    ("iam", lambda c: c.create_user(UserName="no"), "AccessDenied", 403, "iam:CreateUser", "CreateUser"),
    ("s3", lambda c: c.create_bucket(Bucket="denied"), "AccessDenied", 403, "s3:CreateBucket", "CreateBucket"),
]


@pytest.mark.parametrize(
    ("service", "call", "expected", "at", "action", "event"), DENIED, ids=[one[0] for one in DENIED]
)
def test_a_denied_call_is_refused_and_in_the_log(
    server, user, service, call, expected, at, action, event
):
    words = f"{user.arn} is not authorized to perform: {action} on resource: "
    refused(lambda: call(user.client(service)), expected, words, at)
    logs, key = server.client("s3"), user.key["AccessKeyId"]

    def found():
        all_of_them = (one for _, one in records(logs, LOGS))
        return [r for r in all_of_them if is_of(r, event, key)]

    [denied] = until(found, f"a record of the denied {event}")
    assert denied["errorCode"].startswith(expected)
    identity = denied["userIdentity"]
    assert (identity["type"], identity["userName"], identity["arn"]) == ("IAMUser", user.name, user.arn)


def test_an_object_is_read_by_whoever_the_policy_names(server, user):
    root = server.client("s3")
    make_bucket(root, "guarded")
    for key in (f"home/{user.name}/a", "home/other/a"):
        root.put_object(Bucket="guarded", Key=key, Body=b"a")
    s3 = user.client("s3")
    refused(lambda: s3.get_object(Bucket="guarded", Key="home/other/a"), "AccessDenied", "identity-based")
    user.may(
        allow("s3:GetObject", "arn:aws:s3:::guarded/home/${aws:username}/*"),
        allow("s3:ListBucket", "arn:aws:s3:::guarded", Condition={"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}),
        allow("s3:DeleteObject", "arn:aws:s3:::guarded/home/${aws:username}/*"),
    )
    assert s3.get_object(Bucket="guarded", Key=f"home/{user.name}/a")["Body"].read() == b"a"
    refused(lambda: s3.get_object(Bucket="guarded", Key="home/other/a"), "AccessDenied")
    assert s3.list_objects_v2(Bucket="guarded", Prefix=f"home/{user.name}/")["KeyCount"] == 1
    refused(lambda: s3.list_objects_v2(Bucket="guarded"), "AccessDenied", "s3:ListBucket")
    both = [{"Key": f"home/{user.name}/a"}, {"Key": "home/other/a"}]
    refused(lambda: s3.delete_objects(Bucket="guarded", Delete={"Objects": both}), "AccessDenied", "home/other/a")
    s3.delete_objects(Bucket="guarded", Delete={"Objects": both[:1]})
    copy = {"Bucket": "guarded", "Key": "home/other/a"}
    refused(lambda: s3.copy_object(Bucket="guarded", Key="copy", CopySource=copy), "AccessDenied")


def test_an_explicit_denial_wins(server, user):
    topic = server.client("sns").create_topic(Name="closed")["TopicArn"]
    user.may(allow("sns:*"), {"Effect": "Deny", "Action": "sns:Publish", "Resource": topic})
    refused(
        lambda: user.client("sns").publish(TopicArn=topic, Message="m"), "AuthorizationError",
        "with an explicit deny in an identity-based policy", 403,
    )
    assert user.client("sns").get_topic_attributes(TopicArn=topic)


def test_a_role_is_assumed_by_whom_it_trusts(server, iam, user):
    condition = {"StringEquals": {"sts:ExternalId": "seven"}}
    role = iam.create_role(
        RoleName="assumed", Path="/ci/", AssumeRolePolicyDocument=trust({"AWS": user.arn}, Condition=condition)
    )["Role"]
    iam.put_role_policy(
        RoleName="assumed", PolicyName="may", PolicyDocument=document(allow("sns:*"), allow("iam:Get*"))
    )
    sts = user.client("sts")
    ask = {"RoleArn": role["Arn"], "RoleSessionName": "one"}
    refused(lambda: sts.assume_role(**ask), "AccessDenied", "sts:AssumeRole", 403)
    ask["ExternalId"] = "seven"
    refused(
        lambda: sts.assume_role(**ask, DurationSeconds=7200), "ValidationError", "MaxSessionDuration"
    )
    made = sts.assume_role(**ask)
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/assumed/one"
    assert made["AssumedRoleUser"]["AssumedRoleId"] == f"{role['RoleId']}:one"
    keys = made["Credentials"]
    who = of_session(server, "sts", keys).get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (
        made["AssumedRoleUser"]["Arn"], made["AssumedRoleUser"]["AssumedRoleId"],
    )
    topic = of_session(server, "sns", keys).create_topic(Name="by-role")["TopicArn"]
    refused(lambda: of_session(server, "s3", keys).list_buckets(), "AccessDenied")
    narrow = document(allow("sns:ListTopics"))
    bound = sts.assume_role(**ask, Policy=narrow)["Credentials"]
    assert topic in [t["TopicArn"] for t in of_session(server, "sns", bound).list_topics()["Topics"]]
    refused(
        lambda: of_session(server, "sns", bound).create_topic(Name="x"), "AuthorizationError",
        "because no session policy allows",
    )
    iam.delete_role_policy(RoleName="assumed", PolicyName="may")
    refused(lambda: of_session(server, "sns", keys).list_topics(), "AuthorizationError")


def test_a_boundary_bounds(server, iam, user):
    arn = iam.create_policy(
        PolicyName="bound", PolicyDocument=document(allow("sns:List*"))
    )["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary=arn)
    user.may(allow("*"))
    assert user.client("sns").list_topics()["Topics"] is not None
    refused(
        lambda: user.client("sns").create_topic(Name="x"), "AuthorizationError",
        "because no permissions boundary allows",
    )


def test_a_session_of_a_user_may_what_the_user_may(server, iam, user):
    user.may(allow(["sns:ListTopics", "iam:GetUser"]))
    keys = user.client("sts").get_session_token()["Credentials"]
    assert of_session(server, "sts", keys).get_caller_identity()["Arn"] == user.arn
    assert of_session(server, "sns", keys).list_topics()["Topics"] is not None
    refused(lambda: of_session(server, "iam", keys).get_user(), "InvalidClientTokenId")


def test_the_aws_cli_makes_a_role(server):
    trusted = trust(LAMBDA_TRUST)
    made = json.loads(
        server.shell(f"aws iam create-role --role-name cli --assume-role-policy-document '{trusted}'")
    )
    assert made["Role"]["AssumeRolePolicyDocument"] == json.loads(trusted)
    server.shell(f"aws iam attach-role-policy --role-name cli --policy-arn {BASIC}")
    assert BASIC in server.shell("aws iam list-attached-role-policies --role-name cli")
    server.shell(f"aws iam detach-role-policy --role-name cli --policy-arn {BASIC}")
    server.shell("aws iam delete-role --role-name cli")
    assert "trailhound-detect" in server.shell("aws iam list-roles --query Roles[].RoleName")
