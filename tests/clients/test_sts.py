"""Who am I, and what clients are told whose signature does not hold."""

import datetime

import botocore.auth
import pytest
from botocore.exceptions import ClientError
from trailhound import ACCOUNT, code, status

# A call of each protocol, with the codes of AWS: an unknown key, a wrong secret, a wrong clock.
CALLS = [
    ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    ("sns", "list_topics", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    (
        "cloudtrail", "describe_trails", "UnrecognizedClientException",
        "InvalidSignatureException", "InvalidSignatureException",
    ),
    ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
]
NAMES = [call[0] for call in CALLS]


def test_the_root_is_the_account(client):
    who = client("sts").get_caller_identity()
    assert (who["Account"], who["UserId"]) == (ACCOUNT, ACCOUNT)
    assert who["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_a_session_is_the_same_account(client):
    keys = client("sts").get_session_token()["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    session = client(
        "sts", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )
    assert session.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    with pytest.raises(ClientError) as error:
        session.get_session_token()
    assert code(error) == "AccessDenied"


def test_a_session_without_its_token_is_refused(client):
    keys = client("sts").get_session_token()["Credentials"]
    stolen = client(
        "sts", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"]
    )
    with pytest.raises(ClientError) as error:
        stolen.get_caller_identity()
    assert (code(error), status(error)) == ("InvalidClientTokenId", 403)


def refused(client, operation):
    with pytest.raises(ClientError) as error:
        getattr(client, operation)()
    assert status(error) in (400, 403)
    return code(error)


@pytest.mark.parametrize(("service", "operation", "expected", "_wrong", "_skewed"), CALLS, ids=NAMES)
def test_an_unknown_key_is_refused(client, service, operation, expected, _wrong, _skewed):
    stranger = client(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    assert refused(stranger, operation) == expected


@pytest.mark.parametrize(("service", "operation", "_unknown", "expected", "_skewed"), CALLS, ids=NAMES)
def test_a_wrong_secret_is_refused(client, service, operation, _unknown, expected, _skewed):
    assert refused(client(service, aws_secret_access_key="wrong"), operation) == expected


@pytest.mark.parametrize(("service", "operation", "_unknown", "_wrong", "expected"), CALLS, ids=NAMES)
@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_wrong_clock_is_refused(
    client, monkeypatch, service, operation, _unknown, _wrong, expected, minutes
):
    now = botocore.auth.get_current_datetime
    shifted = datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *given, **named: now(*given, **named) + shifted
    )
    assert refused(client(service), operation) == expected


def test_a_clock_a_little_off_is_fine(client, monkeypatch):
    now = botocore.auth.get_current_datetime
    shifted = datetime.timedelta(minutes=14)
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *given, **named: now(*given, **named) + shifted
    )
    assert client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_what_comes_unsigned_by_its_nature_is_told_that_it_is_not_offered(client):
    sts = client("sts")
    role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    with pytest.raises(ClientError) as error:
        sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="me", WebIdentityToken="a token of somebody's"
        )
    assert (code(error), status(error)) == ("UnsupportedOperation", 400)
    assert "AssumeRoleWithWebIdentity" in str(error.value)
    with pytest.raises(ClientError) as error:
        sts.assume_role_with_saml(
            RoleArn=role, PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/p", SAMLAssertion="PHNhbWw+"
        )
    assert (code(error), status(error)) == ("UnsupportedOperation", 400)
    assert "AssumeRoleWithSAML" in str(error.value)
