"""Tests of somebody's own: the README's job of five lines, and users with keys of theirs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import botocore.exceptions
import pytest
from trailhound import BINARY, ROOT, code

JOB_SECONDS_MAX = 180
ANY_PORT = '\n[listen]\naddress = "127.0.0.1:0"\n'
EXAMPLE = ROOT / "examples/new_access_key"


def job(file):
    """The five lines that a text shows."""
    [lines] = re.findall(r"```bash\n(trailhound up.*?)```", file.read_text(), re.DOTALL)
    assert len(lines.splitlines()) == 5, lines
    return lines


@pytest.fixture
def folder(tmp_path):
    """The example, with a Python that has boto3, and the program in the path."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/trailhound").symlink_to(BINARY)
    for name in ("app.py", "deploy.sh", "trust.json"):
        shutil.copy(EXAMPLE / name, tmp_path)
    config = (EXAMPLE / "ci.toml").read_text()
    (tmp_path / "ci.toml").write_text(config.replace('"python3"', f'"{sys.executable}"') + ANY_PORT)
    return tmp_path


def run(folder, script):
    """Runs a job as a build server does; what it wrote, and its exit code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILHOUND_"))}
    path = [folder / "bin", pathlib.Path(sys.executable).parent, os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p); wait' EXIT\n{script}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=folder, timeout=JOB_SECONDS_MAX,
        env=kept | {"HOME": str(folder), "PATH": ":".join(map(str, path)), "AWS_PAGER": ""},
    )
    return done.stdout, done.returncode


def test_the_job_of_the_readme_sees_the_function_react(folder):
    said, ended = run(folder, job(EXAMPLE / "README.md") + "trailhound logs my-function\n")
    assert ended == 0, said
    assert "s3:PutObject" in said
    assert "a key for alice" in said


def test_the_job_of_the_readme_fails_where_the_function_does_not_react(folder):
    app = folder / "app.py"
    app.write_text(app.read_text().replace("CreateAccessKey", "Other"))
    lines = job(EXAMPLE / "README.md")
    said, ended = run(folder, lines.replace("--wait 30s\n", "--wait 3s\n"))
    assert ended == 1, said
    assert "no record of s3:PutObject" in said


def test_the_first_page_shows_the_same_job():
    assert job(ROOT / "README.md") == job(EXAMPLE / "README.md")


def test_a_user_calls_with_the_key_that_is_shown_once(server):
    shown, ended = server.run("users", "add", "ci", "--policy", "AmazonSNSReadOnlyAccess", "--json")
    assert ended == 0
    made = json.loads(shown)

    def client(key):
        return server.client(
            "sns",
            aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
        )

    client(made).list_topics()
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client(made).create_topic(Name="not-for-ci")
    assert code(error) in ("AccessDenied", "AuthorizationError")

    rotated = json.loads(server.run("users", "rotate", "ci", "--json")[0])
    client(rotated).list_topics()
    with pytest.raises(botocore.exceptions.ClientError):
        client(made).list_topics()

    [user] = [json.loads(line) for line in server.run("users", "list", "--json")[0].splitlines()]
    assert user["name"] == "ci"
    assert {key["id"]: key["status"] for key in user["keys"]} == {
        made["access_key_id"]: "Inactive", rotated["access_key_id"]: "Active",
    }
    assert made["secret_access_key"] not in json.dumps(user)

    assert server.run("users", "disable", "ci")[1] == 0
    with pytest.raises(botocore.exceptions.ClientError):
        client(rotated).list_topics()
    assert server.run("users", "rotate", "nobody")[1] == 2
    # Who made the user is in the log.
    seen, ended = server.run("events", "--when", "iam:CreateUser", "--wait", "5s", "--json")
    assert ended == 0 and json.loads(seen)["requestParameters"]["userName"] == "ci"
