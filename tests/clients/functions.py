"""Functions of a user's own, as a new user makes them: a role, a zip, a call."""

import io
import json
import sys
import zipfile

from trailhound import ACCOUNT, CONFIG, REGION

# Lambda's own Python has boto3; so has the one that runs these tests.
WITH_BOTO3 = CONFIG.replace("[function]", f'[function]\npython = "{sys.executable}"')

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

# Sends what it is given to the queue that its environment names.
FORWARD = """
import json, os
import boto3


def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


def arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def zipped(**files):
    """A zip of these files; `__` in a name is a dot."""
    return packed({name.replace("__", "."): text for name, text in files.items()})


def packed(files):
    """A zip of files by their paths. What is named `bootstrap` may be executed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            archive.writestr(entry, body)
    return out.getvalue()


def make_role(iam, name, *actions):
    """A role that Lambda may assume, and that may do these actions: its ARN."""
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(policy))
    return role["Role"]["Arn"]


def make(client, name, role, zip_file, runtime="python3.13", handler="app.handler", **more):
    """Creates a function and waits until it may be called."""
    made = client.create_function(
        FunctionName=name, Runtime=runtime, Handler=handler, Role=role,
        Code={"ZipFile": zip_file}, **more,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return made


def call(client, name, event=None, **more):
    """Calls a function and waits for its answer: the answer, and what it says of itself."""
    given = {} if event is None else {"Payload": json.dumps(event)}
    output = client.invoke(FunctionName=name, **given, **more)
    return json.loads(output["Payload"].read()), output


def let_bucket(client, name, bucket):
    """Lets a bucket invoke a function."""
    return client.add_permission(
        FunctionName=name, StatementId=f"from-{bucket}", Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com", SourceArn=f"arn:aws:s3:::{bucket}", SourceAccount=ACCOUNT,
    )


def wake(s3, bucket, name, prefix):
    """Objects of the bucket under that prefix invoke the function."""
    rule = {"Name": "prefix", "Value": prefix}
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": arn(name),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [rule]}},
                }
            ]
        },
    )
