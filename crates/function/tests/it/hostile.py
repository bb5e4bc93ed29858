"""A function that tries what it may not; each answer says how far it got."""

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

RUNTIME = os.environ["AWS_LAMBDA_RUNTIME_API"]
MEGABYTE = 1024 * 1024


def tried(what):
    """`done`, or the name of the error."""
    try:
        what()
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def read(event):
    def one(path):
        if os.path.isdir(path):
            return os.listdir(path)
        with open(path, "rb") as file:
            file.read(1)

    return {path: tried(lambda: one(path)) for path in event["paths"]}


def find(event):
    """Where the text stands: in any process's environment, command or memory map, or any file of /proc."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline", "maps"):
            try:
                with open(f"/proc/{process}/{name}", "rb") as file:
                    if event["text"].encode() in file.read():
                        found.append(f"{process}/{name}")
            except OSError:
                pass
    return found


def connect(event):
    def one(address):
        host, port = address.rsplit(":", 1)
        socket.create_connection((host, int(port)), timeout=5).close()

    return {address: tried(lambda: one(address)) for address in event["to"]}


def sockets(event):
    def abstract():
        with socket.socket(socket.AF_UNIX) as one:
            one.connect("\0" + event["abstract"])

    def datagram():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"x", ("192.0.2.1", 53))

    def name():
        socket.getaddrinfo("example.com", 80)

    made = {
        "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "netlink, of the firewall": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12),
        "netlink, generic": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16),
        "vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
        "kernel cryptography": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
        "abstract": abstract,
        "datagram": datagram,
        "name": name,
    }
    return {name: tried(attempt) for name, attempt in made.items()}


def calls(event):
    libc = ctypes.CDLL(None, use_errno=True)

    def one(arguments):
        if libc.syscall(*[ctypes.c_long(argument) for argument in arguments]) == -1:
            raise OSError(ctypes.get_errno(), "refused")

    return {name: tried(lambda: one(arguments)) for name, arguments in event["calls"].items()}


def threads(event):
    started = 0
    end = threading.Event()
    try:
        while started < 5_000:
            threading.Thread(target=end.wait, daemon=True).start()
            started += 1
    except RuntimeError as error:
        return {"threads": started, "error": str(error)}
    finally:
        end.set()
    return {"threads": started}


def spin(event):
    """Processes that would keep all processors from others, and never an answer."""
    for _ in range(event["processes"]):
        if os.fork() == 0:
            if event.get("sessions"):
                os.setsid()
            while True:
                pass
    while True:
        time.sleep(60)


def eat(event):
    """Memory that is returned at once: as many bytes in as many processes."""
    children = []
    for _ in range(event.get("processes", 0)):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            held = bytearray(event["megabytes"] * MEGABYTE)
            held[::4096] = b"x" * len(held[::4096])
            os.write(writing, b"x")
            while True:
                signal.pause()
        os.read(reading, 1)
        children.append(child)
    if not children:
        held = bytearray(event["megabytes"] * MEGABYTE)
        held[::4096] = b"x" * len(held[::4096])
    return "eaten"


def fill(event):
    """Writes to the scratch folder until it may not."""
    written = 0
    block = b"x" * MEGABYTE
    try:
        while written < event["megabytes"]:
            with open(f"/tmp/{written // 100}", "ab", buffering=0) as file:
                file.write(block)
            written += 1
    except OSError as error:
        return {"megabytes": written, "error": errno.errorcode[error.errno]}
    return {"megabytes": written}


def crowd(event):
    """Makes files until it may not."""
    made = 0
    os.makedirs("/tmp/many", exist_ok=True)
    try:
        while made < 1_000_000:
            os.close(os.open(f"/tmp/many/{made}", os.O_CREAT))
            made += 1
    except OSError as error:
        return {"files": made, "error": errno.errorcode[error.errno]}
    return {"files": made}


def hole(event):
    with open("/tmp/hole", "wb") as file:
        return tried(lambda: file.truncate(event["gigabytes"] << 30))


def nest(event):
    """Folders deeper than a path reaches, and locked."""
    os.chdir("/tmp")
    for depth in range(2_000):
        os.mkdir("nested")
        os.chdir("nested")
    os.chmod(".", 0)
    return "nested"


def hold(event):
    """Opens files, or connections, until it may not."""
    held = []
    try:
        while len(held) < 5_000:
            if event.get("of") == "runtime":
                host, port = RUNTIME.split(":")
                held.append(socket.create_connection((host, int(port)), timeout=1))
            else:
                held.append(open("/dev/null"))
    except OSError as error:
        return {"held": len(held), "error": errno.errorcode.get(error.errno, str(error))}
    finally:
        for one in held:
            one.close()
    return {"held": len(held)}


def print_much(event):
    line = b"x" * 1023 + (b"\n" if event["lines"] else b"x")
    for _ in range(event["megabytes"] * 1024):
        os.write(1, line)
    return "printed"


def post(event):
    body = (event["letter"] * event["bytes"]).encode()
    request = urllib.request.Request(f"http://{RUNTIME}/2018-06-01/runtime/{event['path']}", body)
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def fail(event):
    raise RuntimeError("x" * event["bytes"])


def own_error(event, context):
    """Answers its own invocation with more than anybody asked for, and never returns."""
    path = f"invocation/{context.aws_request_id}/error"
    post({"path": path, "letter": "x", "bytes": event["bytes"]})
    while True:
        time.sleep(1)


def leave(event):
    """Leaves a process behind that belongs to nobody, listens to nobody, and holds the pipes."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
                try:
                    signal.signal(number, signal.SIG_IGN)
                except OSError:
                    pass
            os.execv(sys.executable, [sys.executable, "-c", "import time\nwhile True: time.sleep(1)", event["mark"]])
        os._exit(0)
    os.wait()
    return "left"


def kill_all(event):
    """Kills whatever may be killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return {"all": tried(lambda: os.kill(-1, signal.SIGTERM)), "first": tried(lambda: os.kill(1, signal.SIGKILL))}


def gain(event):
    """Programs that run as their owner: whom they run as here."""
    told = {}
    for program in event["programs"]:
        if os.path.exists(program):
            with open(f"/proc/self/status") as status:
                told[program] = [line for line in status if line.startswith("NoNewPrivs")][0].split()[1]
    os.chmod("/tmp", 0o7777)
    return {"programs": told, "limits": resource.getrlimit(resource.RLIMIT_NOFILE)}


def handler(event, context):
    do = globals()[event["do"]]
    return do(event, context) if event["do"] == "own_error" else do(event)
