"""Functions that try what they may not, deployed and called as any function is."""

import pathlib
import subprocess
import time

import pytest
from functions import WITH_BOTO3, call, make, make_role, zipped
from road import ACCOUNT
from trailhound import Trailhound, until

# The functions here need boto3.
SERVER = WITH_BOTO3

HOSTILE = """
import os, signal, sys, time


def tried(what):
    try:
        what()
        return "done"
    except OSError as error:
        return error.strerror

def read(event):
    return {path: tried(lambda: os.listdir(path) if os.path.isdir(path) else open(path).read(1))
            for path in event["paths"]}

def connect(event):
    import socket
    return tried(lambda: socket.create_connection((event["host"], event["port"]), timeout=5))

def bomb(event):
    while True:
        try:
            os.fork()
        except OSError:
            signal.pause()

def spin(event):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass

def pour(event):
    while True:
        os.write(1, b"x" * 4096)

def eat(event):
    held = bytearray(event["megabytes"] << 20)
    held[::4096] = b"x" * len(held[::4096])
    return "eaten"

def leave(event):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            words = "import time\\nwhile True: time.sleep(1)"
            os.execv(sys.executable, [sys.executable, "-c", words, event["mark"]])
        os._exit(0)
    os.wait()
    return "left"

def who(event):
    import boto3
    return boto3.client("sts").get_caller_identity()["Arn"]

def handler(event, context):
    return globals()[event["do"]](event)
"""


@pytest.fixture(scope="module")
def hostile(server, functions):
    role = make_role(server.client("iam"), "hostile")
    make(functions, "hostile", role, zipped(app__py=HOSTILE), MemorySize=512, Timeout=20)
    return "hostile"


def is_running(mark):
    """Whether any process of this machine was started with these words."""
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "cmdline").read_bytes():
                return True
        except OSError:
            pass
    return False


def stands(*namespaces):
    """Skips, and says why, where this machine offers no such namespaces."""
    asked = ["unshare", "--user", "--map-root-user", *(f"--{name}" for name in namespaces), "true"]
    told = subprocess.run(asked, capture_output=True, text=True)
    if told.returncode:
        pytest.skip(f"this machine has no wall for it: {told.stderr.strip()}")


def test_nothing_of_the_server_is_in_reach(server, functions, hostile):
    stands("mount")
    names = ["", "admin.token", "server.json", "state.db", "work.db", "functions", "webhook.key"]
    paths = [str(server.dir / name) for name in names]
    assert all(pathlib.Path(path).exists() for path in paths[:4])
    told, _ = call(functions, hostile, {"do": "read", "paths": [*paths, "/etc/shadow", "/root"]})
    assert not [path for path, answer in told.items() if answer == "done"]


def test_only_the_endpoint_is_in_reach(server, functions, hostile):
    stands("net")
    host, port = server.info["endpoint"].split("//")[1].split(":")
    for target in [(host, int(port)), ("169.254.169.254", 80), ("192.0.2.1", 53)]:
        told, _ = call(functions, hostile, {"do": "connect", "host": target[0], "port": target[1]})
        assert told != "done", target


def test_a_functions_session_is_called_as_the_function(functions, hostile):
    told, _ = call(functions, hostile, {"do": "who"})
    assert told == f"arn:aws:sts::{ACCOUNT}:assumed-role/hostile/hostile"


@pytest.mark.parametrize("deed", ["spin", "bomb", "pour"])
def test_what_never_ends_is_ended(server, functions, hostile, deed):
    if deed == "bomb":
        stands("pid", "fork")
    functions.update_function_configuration(FunctionName=hostile, Timeout=2)
    functions.get_waiter("function_updated_v2").wait(FunctionName=hostile)
    begun = time.monotonic()
    told, output = call(functions, hostile, {"do": deed}, LogType="Tail")
    functions.update_function_configuration(FunctionName=hostile, Timeout=20)
    functions.get_waiter("function_updated_v2").wait(FunctionName=hostile)
    assert output["FunctionError"] == "Unhandled"
    # A bomb may find the end of its memory first.
    ends = ("Task timed out after 2.00 seconds", "Runtime exited with error: signal: killed")
    assert told["errorType"] in ("Sandbox.Timedout", "Runtime.OutOfMemory", "Runtime.ExitError")
    assert told["errorMessage"].endswith(ends), told
    if deed != "bomb":
        assert told["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - begun < 60
    kept = sum(file.stat().st_size for file in server.dir.glob("functions/**/hostile.log*"))
    assert 0 < kept < 24 << 20, kept


def test_memory_beyond_its_own_is_its_end(functions, hostile):
    told, output = call(functions, hostile, {"do": "eat", "megabytes": 700})
    assert (told["errorType"], output["FunctionError"]) == ("Runtime.OutOfMemory", "Unhandled")
    assert told["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert call(functions, hostile, {"do": "eat", "megabytes": 1})[0] == "eaten"


def test_a_killed_server_leaves_nothing_that_its_functions_let_go():
    with Trailhound(WITH_BOTO3) as server:
        stands("pid", "fork")
        functions = server.client("lambda")
        role = make_role(server.client("iam"), "hostile")
        make(functions, "hostile", role, zipped(app__py=HOSTILE), MemorySize=256, Timeout=20)
        mark = f"left-by-{server.folder.name}"
        assert call(functions, "hostile", {"do": "leave", "mark": mark})[0] == "left"
        until(lambda: is_running(mark), "the process that was let go runs")
        server.kill()
        until(lambda: not is_running(mark), "it is gone with the server")
        server.start()
