#!/usr/bin/env python3
"""Writes crates/model/generated: what every AWS service calls its operations and members.

    generate.py                 download botocore, verify it, write the table
    generate.py --wheel FILE    the same from a wheel that is here already
    generate.py --check         write nothing; exit 1 if the table is not what would be written

The source is botocore's service models (Apache-2.0), of which only facts are kept: names, types and
wire traits, no prose. The Python standard library is all that this needs (pip fetches the wheel).
The layout that is written here is the layout that src/block.rs and src/index.rs read.
"""

import argparse
import collections
import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
import zlib

VERSION = "1.44.5"
WHEEL_SHA256 = "8f16a56d1dff125dd65322ae021efa7ba5195a6db5102b96862566055b748921"

GENERATED = pathlib.Path(__file__).resolve().parent / "generated"
MAGIC = b"THMODEL1"

# The numbers stand for the same things in src/index.rs and src/block.rs.
PROTOCOLS = {"json": 0, "rest-json": 1, "rest-xml": 2, "smithy-rpc-v2-cbor": 3, "query": 4, "ec2": 5}
JSON_VERSIONS = {None: 0, "1.0": 1, "1.1": 2}
KINDS = {
    "structure": 0, "list": 1, "map": 2, "string": 3, "character": 3, "integer": 4, "short": 4,
    "byte": 4, "long": 5, "float": 6, "double": 6, "boolean": 7, "blob": 8, "timestamp": 9,
    "document": 10,
}
LOCATIONS = {None: 0, "uri": 1, "querystring": 2, "header": 3, "headers": 4, "statusCode": 5}
TIMESTAMP_FORMATS = {None: 0, "iso8601": 1, "rfc822": 2, "unixTimestamp": 3}

MEMBER_REQUIRED = 1
MEMBER_WIRE_NAME = 2
MEMBER_LOCATION_SHIFT = 2  # three bits
MEMBER_SENSITIVE = 32
MEMBER_MORE = 64
MORE_QUERY_NAME = 1
MORE_STREAMING = 2
MORE_FLATTENED = 4
MORE_XML_ATTRIBUTE = 8
MORE_JSON_VALUE = 16
MORE_IDEMPOTENCY_TOKEN = 32
MORE_TIMESTAMP_FORMAT = 64
MORE_XML_NAMESPACE = 128
MORE_EVENT_PAYLOAD = 256

SHAPE_SENSITIVE = 16
SHAPE_FLATTENED = 32

STRUCTURE_PAYLOAD = 1
STRUCTURE_ERROR = 2
STRUCTURE_UNION = 4
STRUCTURE_EVENT_STREAM = 8
STRUCTURE_ERROR_CODE = 16
STRUCTURE_ERROR_STATUS = 32
STRUCTURE_SENDER_FAULT = 64

OPERATION_INPUT = 1
OPERATION_OUTPUT = 2
OPERATION_RESULT_WRAPPER = 4
OPERATION_HOST_PREFIX = 8
OPERATION_UNSIGNED = 16


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value):
    data = value.encode()
    return varint(len(data)) + data


class Block:
    """One service's operations and shapes: all strings, each ended by a zero byte in the order in
    which they are first met, then all else as numbers. Where a string or shape is met for the first
    time stands a 0, later n for the n-th (from 1). Apart like this they deflate a sixth smaller."""

    def __init__(self, shapes):
        self.model = shapes
        self.out = bytearray()
        self.text = bytearray()
        self.strings = {}
        self.shapes = {}
        self.plain = {}
        self.waiting = collections.deque()
        self.members = 0

    def number(self, value):
        self.out += varint(value)

    def string(self, value):
        known = self.strings.get(value)
        if known is None:
            self.strings[value] = len(self.strings) + 1
            self.number(0)
            self.text += value.encode() + b"\0"
        else:
            self.number(known)

    def shape_ref(self, name):
        name = self.canonical(name)
        known = self.shapes.get(name)
        if known is None:
            self.shapes[name] = len(self.shapes) + 1
            self.waiting.append(name)
            self.number(0)
        else:
            self.number(known)

    def canonical(self, name):
        """Plain values are not told apart by name: alike ones share the first one's entry."""
        shape = self.model[name]
        kind = KINDS[shape["type"]]
        if kind < 3:
            return name
        alike = (shape["type"], shape.get("timestampFormat"), bool(shape.get("sensitive")))
        return self.plain.setdefault(alike, name)

    def member(self, name, ref, required=False):
        """`ref` is {"shape": …} with the traits stated beside it; those of the shape itself apply
        where the reference states none, as botocore resolves them."""
        self.members += 1
        target = self.model[ref["shape"]]

        def trait(key):
            return ref.get(key, target.get(key))

        wire = trait("locationName")
        namespace = trait("xmlNamespace")
        location = LOCATIONS[ref.get("location")]
        time = TIMESTAMP_FORMATS[ref.get("timestampFormat")]
        more = 0
        more |= MORE_QUERY_NAME if trait("queryName") else 0
        more |= MORE_STREAMING if trait("streaming") else 0
        more |= MORE_FLATTENED if ref.get("flattened") else 0
        more |= MORE_XML_ATTRIBUTE if trait("xmlAttribute") else 0
        more |= MORE_JSON_VALUE if trait("jsonvalue") else 0
        more |= MORE_IDEMPOTENCY_TOKEN if trait("idempotencyToken") else 0
        more |= MORE_TIMESTAMP_FORMAT if time else 0
        more |= MORE_XML_NAMESPACE if namespace else 0
        more |= MORE_EVENT_PAYLOAD if trait("eventpayload") else 0
        flags = location << MEMBER_LOCATION_SHIFT
        flags |= MEMBER_REQUIRED if required else 0
        flags |= MEMBER_WIRE_NAME if wire and wire != name else 0
        flags |= MEMBER_SENSITIVE if trait("sensitive") else 0
        flags |= MEMBER_MORE if more else 0
        self.number(flags)
        self.string(name)
        self.shape_ref(ref["shape"])
        if flags & MEMBER_WIRE_NAME:
            self.string(wire)
        if not more:
            return
        self.number(more)
        if more & MORE_QUERY_NAME:
            self.string(trait("queryName"))
        if time:
            self.number(time)
        if namespace:
            namespace = {"uri": namespace} if isinstance(namespace, str) else namespace
            self.string(namespace.get("prefix", ""))
            self.string(namespace["uri"])

    def operation(self, name, operation):
        http = operation["http"]
        output = operation.get("output")
        host = operation.get("endpoint", {}).get("hostPrefix")
        flags = 0
        flags |= OPERATION_INPUT if "input" in operation else 0
        flags |= OPERATION_OUTPUT if output else 0
        flags |= OPERATION_RESULT_WRAPPER if output and "resultWrapper" in output else 0
        flags |= OPERATION_HOST_PREFIX if host else 0
        flags |= OPERATION_UNSIGNED if operation.get("authtype") == "none" else 0
        self.number(flags)
        self.string(name)
        self.string(http["method"])
        self.string(http["requestUri"])
        self.number(http.get("responseCode", 200))
        if flags & OPERATION_INPUT:
            self.member("", operation["input"])
        if output:
            self.member("", output)
        if flags & OPERATION_RESULT_WRAPPER:
            self.string(output["resultWrapper"])
        if host:
            self.string(host)
        errors = operation.get("errors", [])
        self.number(len(errors))
        for error in errors:
            self.shape_ref(error["shape"])

    def shape(self, name):
        shape = self.model[name]
        kind = KINDS["document" if shape.get("document") else shape["type"]]
        flags = kind
        flags |= SHAPE_SENSITIVE if shape.get("sensitive") else 0
        flags |= SHAPE_FLATTENED if shape.get("flattened") else 0
        self.number(flags)
        self.string(name if kind < 3 else shape["type"])
        if kind == 0:
            self.structure(shape)
        elif kind == 1:
            self.member("", shape["member"])
        elif kind == 2:
            self.member("", shape["key"])
            self.member("", shape["value"])
        elif kind == 9:
            self.number(TIMESTAMP_FORMATS[shape.get("timestampFormat")])

    def structure(self, shape):
        members = shape["members"]
        required = set(shape.get("required", []))
        error = shape.get("error", {})
        is_error = "error" in shape or shape.get("exception") or shape.get("fault")
        flags = 0
        flags |= STRUCTURE_PAYLOAD if "payload" in shape else 0
        flags |= STRUCTURE_ERROR if is_error else 0
        flags |= STRUCTURE_UNION if shape.get("union") else 0
        flags |= STRUCTURE_EVENT_STREAM if shape.get("eventstream") else 0
        flags |= STRUCTURE_ERROR_CODE if "code" in error else 0
        flags |= STRUCTURE_ERROR_STATUS if "httpStatusCode" in error else 0
        flags |= STRUCTURE_SENDER_FAULT if error.get("senderFault") else 0
        self.number(flags)
        self.number(len(members))
        for name, ref in members.items():
            self.member(name, ref, name in required)
        if "payload" in shape:
            self.number(list(members).index(shape["payload"]))
        if "code" in error:
            self.string(error["code"])
        if "httpStatusCode" in error:
            self.number(error["httpStatusCode"])

    def encode(self, operations):
        self.number(len(operations))
        for name in sorted(operations):
            self.operation(name, operations[name])
        while self.waiting:
            self.shape(self.waiting.popleft())
        return varint(len(self.text)) + bytes(self.text) + bytes(self.out)


def deflate(data):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY)
    return squeeze.compress(data) + squeeze.flush()


def latest_models(wheel):
    """The newest API version of each service, by the model's name."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for path in archive.namelist():
            parts = path.split("/")
            if len(parts) != 5 or parts[:2] != ["botocore", "data"]:
                continue
            if parts[4] not in ("service-2.json", "service-2.json.gz"):
                continue
            service, version = parts[2], parts[3]
            if service not in found or found[service][0] < version:
                found[service] = (version, path)
        for service in sorted(found):
            data = archive.read(found[service][1])
            if found[service][1].endswith(".gz"):
                data = gzip.decompress(data)
            yield service, json.loads(data)


def encode_index(name, metadata, block, block_at, deflated, inflated, operations):
    namespace = metadata.get("xmlNamespace", "")
    namespace = namespace["uri"] if isinstance(namespace, dict) else namespace
    protocols = metadata.get("protocols") or [metadata["protocol"]]
    out = bytearray()
    for value in (
        name,
        metadata["apiVersion"],
        metadata["serviceId"],
        metadata["endpointPrefix"],
        metadata.get("signingName", metadata["endpointPrefix"]),
        metadata.get("targetPrefix", ""),
        namespace,
    ):
        out += text(value)
    out += varint(len(protocols))
    for protocol in protocols:
        out += varint(PROTOCOLS[protocol])
    out += varint(JSON_VERSIONS[metadata.get("jsonVersion")])
    out += varint(1 if "awsQueryCompatible" in metadata else 0)
    for number in (block_at, deflated, inflated, operations, len(block.shapes)):
        out += varint(number)
    return bytes(out)


def build(wheel):
    """The files to write: name to bytes."""
    index, blocks = bytearray(), bytearray()
    totals = collections.Counter()
    for name, model in latest_models(wheel):
        block = Block(model["shapes"])
        inflated = block.encode(model["operations"])
        deflated = deflate(inflated)
        operations = len(model["operations"])
        index += encode_index(
            name, model["metadata"], block, len(blocks), len(deflated), len(inflated), operations
        )
        blocks += deflated
        totals["services"] += 1
        totals["operations"] += operations
        totals["shapes"] += len(block.shapes)
        totals["members"] += block.members
        totals["inflated_bytes"] += len(inflated)
    table = MAGIC + varint(totals["services"]) + varint(len(index)) + bytes(index) + bytes(blocks)
    manifest = {
        "source": f"botocore {VERSION}",
        "wheel_sha256": WHEEL_SHA256,
        "table_sha256": hashlib.sha256(table).hexdigest(),
        "table_bytes": len(table),
        **totals,
    }
    return {
        "services.bin": table,
        "manifest.json": (json.dumps(manifest, indent=2) + "\n").encode(),
    }


def fetch(folder):
    requirement = f"botocore=={VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--only-binary", ":all:", "--dest", folder, requirement]
    subprocess.run(command, check=True)
    return next(pathlib.Path(folder).glob("botocore-*.whl"))


def verified(wheel):
    found = hashlib.sha256(pathlib.Path(wheel).read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        sys.exit(f"{wheel}: SHA-256 is {found}, expected {WHEEL_SHA256}")
    return wheel


def check(files):
    stale = [name for name, data in files.items()
             if not (GENERATED / name).is_file() or (GENERATED / name).read_bytes() != data]
    if stale:
        # Bytes depend on the build of zlib too: say which one this Python has.
        sys.exit(f"not what generate.py writes (zlib {zlib.ZLIB_RUNTIME_VERSION}): "
                 f"{', '.join(stale)}; run crates/model/generate.py")
    print(f"crates/model/generated is what generate.py writes from botocore {VERSION}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--wheel", help="a wheel of the pinned version, instead of a download")
    arguments.add_argument("--check", action="store_true", help="compare, write nothing")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = build(verified(options.wheel or fetch(folder)))
    if options.check:
        check(files)
        return
    GENERATED.mkdir(exist_ok=True)
    for name, data in files.items():
        (GENERATED / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
