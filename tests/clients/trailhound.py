"""A real `trailhound up` in a folder of its own, and clients for it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import boto3
import botocore.config
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(
    os.environ.get("TRAILHOUND_BIN")
    or pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "trailhound"
).resolve()

REGION = "us-east-2"
ACCOUNT = "123456789012"
# What the server logs; shown where a test fails.
LOG = os.environ.get("TRAILHOUND_LOG", "warn")
CONFIG = """
dev = true
region = "us-east-2"

[listen]
address = "127.0.0.1:0"

[trail]
wait_max = "20ms"

[function]
retry_waits = ["100ms", "200ms"]

[alert]
destinations = ["sns:alerts"]
"""

# What a server asks, of the shipped rules: others of them alert of what root does in these tests.
RULES = ("sns_topic_created",)
# A rule of a user's own, for the calls of one name.
RULE = """title: {title}
id: {id}
status: test
level: high
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventName: {event}
  condition: selection
"""

STOP_SECONDS_MAX = 30
WAIT_SECONDS_MAX = 30
COMMAND_SECONDS_MAX = 60
POLL_SECONDS = 0.05


def until(check, what):
    """What `check` answers as soon as that is something; fails after a while, naming `what`."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS_MAX} s: {what}"
        time.sleep(POLL_SECONDS)


def write_rule(folder, name, title, event):
    """Writes a rule that holds for every call of the operation `event`."""
    id = uuid.uuid5(uuid.NAMESPACE_URL, title)
    (folder / f"{name}.yml").write_text(RULE.format(title=title, id=id, event=event))


def code(error):
    """The code of a botocore error."""
    return error.value.response["Error"]["Code"]


def status(error):
    """The HTTP status of a botocore error."""
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


class Trailhound:
    """One server process. As a context it stops the process and tells its log where something fails.

    It asks those of the shipped rules that are named, or as its configuration says where none are.
    """

    def __init__(self, config=CONFIG, rules=RULES):
        self._folder = tempfile.TemporaryDirectory(prefix="trailhound-clients-")
        self.folder = pathlib.Path(self._folder.name)
        self.dir = self.folder / "data"
        if rules:
            named = self.folder / "named-rules"
            named.mkdir()
            for name in rules:
                shutil.copy(ROOT / "rules" / f"{name}.yml", named)
            config += f'\n[rule]\ndirs = ["{named}"]\n'
        (self.folder / "config.toml").write_text(config)
        self.log = self.folder / "log.txt"
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        try:
            stopped = self.stop()
        finally:
            if kind is not None:
                self.show_log()
            self._folder.cleanup()
        assert stopped == 0, f"`trailhound up` ended with {stopped}"

    def start(self):
        command = [BINARY, "up", "--dir", self.dir, "--config", self.folder / "config.toml"]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [*command, "--json", "--log", LOG],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                env=self.environment(),
            )
        # The reader ends with the process, so this cannot wait for longer than the process lives.
        line = self._process.stdout.readline()
        if not line:
            self.show_log()
            raise AssertionError(f"`trailhound up` ended with {self._process.wait()}")
        self.info = json.loads(line)

    def kill(self):
        """Ends the process at once, as a failure of power would."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        """Ends the process as a service manager does; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return "a kill: it did not stop in time"
        finally:
            self._process.stdout.close()

    def show_log(self):
        print(f"--- log of trailhound ---\n{self.log.read_text()[-20_000:]}", file=sys.stderr)

    def environment(self):
        """This process's environment without anybody's AWS settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILHOUND_"))}
        # No settings of whoever runs this, and no colours.
        return kept | {"HOME": str(self.folder), "NO_COLOR": "1", "AWS_PAGER": ""}

    def client(self, service, **changes):
        """A boto3 client; `changes` are arguments of `boto3.client`, or `config` for botocore."""
        settings = {"retries": {"total_max_attempts": 1}, "read_timeout": 30}
        settings |= changes.pop("config", {})
        arguments = {
            "endpoint_url": self.info["endpoint"],
            "region_name": self.info["region"],
            "aws_access_key_id": self.info["access_key_id"],
            "aws_secret_access_key": self.info["secret_access_key"],
        }
        return boto3.session.Session().client(
            service, config=botocore.config.Config(**settings), **(arguments | changes)
        )

    def run(self, *arguments):
        """Runs `trailhound ARGUMENTS… --dir DIR`: its standard output, and its exit code."""
        done = subprocess.run(
            [BINARY, *arguments, "--dir", self.dir],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment(),
            timeout=COMMAND_SECONDS_MAX,
        )
        return done.stdout, done.returncode

    def shell(self, command):
        """Runs a shell command as a user does after `eval "$(trailhound env)"`: its output."""
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'eval "$("{BINARY}" env --dir "{self.dir}")"\n{command}'],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.folder,
            env=self.environment() | {"PATH": path}, timeout=COMMAND_SECONDS_MAX,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout
