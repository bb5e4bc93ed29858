"""The function as one would write it in Python: the benchmark's point of comparison.

It speaks to the Runtime API itself, as Lambda's own Python runtime does, fetches each object with
boto3, inflates it, parses it, and looks each record up in a table of calls. Standard library and
boto3 alone.
"""

import gzip
import hashlib
import http.client
import json
import os
import urllib.parse

import boto3

RULES = {
    "cloudtrail.amazonaws.com": (
        "DeleteTrail", "StopLogging", "UpdateTrail", "PutEventSelectors", "DeleteEventDataStore",
    ),
    "guardduty.amazonaws.com": (
        "DeleteDetector", "UpdateDetector", "CreateFilter", "CreateIPSet", "DeleteMembers",
    ),
    "config.amazonaws.com": (
        "StopConfigurationRecorder", "DeleteConfigurationRecorder", "DeleteDeliveryChannel",
    ),
    "securityhub.amazonaws.com": ("DisableSecurityHub", "BatchDisableStandards"),
    "iam.amazonaws.com": (
        "CreateUser", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile",
        "AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy", "PutUserPolicy",
        "PutRolePolicy", "PutGroupPolicy", "UpdateAssumeRolePolicy", "DeactivateMFADevice",
        "CreateSAMLProvider", "UpdateSAMLProvider", "CreateOpenIDConnectProvider",
        "DeleteAccountPasswordPolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion",
    ),
    "ec2.amazonaws.com": (
        "AuthorizeSecurityGroupIngress", "ModifySnapshotAttribute", "ModifyImageAttribute",
        "DeleteFlowLogs", "ModifyInstanceMetadataOptions", "GetPasswordData",
        "EnableSerialConsoleAccess", "CreateNetworkAclEntry", "DeleteNetworkAcl",
        "CreateRoute", "ReplaceRoute", "AttachInternetGateway", "GetConsoleScreenshot",
    ),
    "kms.amazonaws.com": ("DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy"),
    "s3.amazonaws.com": (
        "PutBucketPolicy", "PutBucketAcl", "DeleteBucketPublicAccessBlock", "PutBucketLogging",
        "DeleteBucketPolicy", "PutBucketLifecycle", "PutBucketReplication",
    ),
    "rds.amazonaws.com": ("ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute"),
    "organizations.amazonaws.com": ("LeaveOrganization", "RemoveAccountFromOrganization"),
    "lambda.amazonaws.com": ("AddPermission20150331v2", "UpdateFunctionCode20150331v2"),
    "secretsmanager.amazonaws.com": ("GetSecretValue", "PutResourcePolicy"),
    "ssm.amazonaws.com": ("StartSession", "SendCommand", "GetParameters"),
    "sns.amazonaws.com": ("CreateTopic", "SetTopicAttributes", "AddPermission"),
    "ses.amazonaws.com": ("VerifyEmailIdentity", "UpdateAccountSendingEnabled"),
    "route53domains.amazonaws.com": ("TransferDomainToAnotherAwsAccount", "DisableDomainTransferLock"),
}
TABLE = {(source, name): f"{source}:{name}" for source, names in RULES.items() for name in names}

S3 = boto3.client("s3")


def asked(record):
    """The rules that hold for a record."""
    rule = TABLE.get((record.get("eventSource"), record.get("eventName")))
    if rule:
        yield rule
    identity = record.get("userIdentity") or {}
    if identity.get("type") == "Root" and "invokedBy" not in identity:
        yield "root"
    if record.get("eventName") == "ConsoleLogin":
        if (record.get("additionalEventData") or {}).get("MFAUsed") != "Yes":
            yield "no mfa"
    if str(record.get("errorCode", "")).startswith(("AccessDenied", "Client.UnauthorizedOperation")):
        yield "denied"


def handle(event):
    """The findings of all objects that an event names."""
    findings, records = [], 0
    for notice in event["Records"]:
        bucket = notice["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(notice["s3"]["object"]["key"])
        body = S3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for record in json.loads(gzip.decompress(body))["Records"]:
            records += 1
            for rule in asked(record):
                parts = (rule, record.get("recipientAccountId"), record.get("awsRegion"), record.get("eventID"))
                findings.append({
                    "id": hashlib.sha256(repr(parts).encode()).hexdigest()[:32],
                    "rule": rule,
                    "record": record,
                    "object": f"s3://{bucket}/{key}",
                })
    return {"findings": findings, "records": records}


def main():
    """Serves invocations until it is stopped."""
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = "/2018-06-01/runtime/invocation/"
    while True:
        api.request("GET", path + "next")
        answer = api.getresponse()
        request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        response = handle(json.loads(answer.read()))
        api.request("POST", f"{path}{request}/response", json.dumps(response))
        api.getresponse().read()


main()
