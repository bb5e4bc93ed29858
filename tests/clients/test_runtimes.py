"""One function under each client of the Runtime API: ours, and as judges of the server AWS's own for
Python, Node.js and Rust, each as `./check` installs or builds it."""

import base64
import functools
import itertools
import json
import pathlib
import re
import time

import pytest
from functions import WITH_BOTO3, arn, call, let_bucket, make, make_role, packed, wake
from road import make_bucket
from trailhound import BINARY, CONFIG, ROOT, Trailhound, until

CLIENTS = ROOT / ".venv" / "runtimes"
NODE_MODULES = CLIENTS / "node_modules"
RIC_PYTHON = CLIENTS / "python" / "bin" / "python"
WITH_RIC = CONFIG.replace("[function]", f'[function]\npython = "{RIC_PYTHON}"')
# `cargo test` builds it beside the executable.
RUST_FUNCTION = BINARY.parent / "examples" / "rust_function"

PYTHON = '''
import logging
import os
import sys
import time

calls = 0
if "FAIL_AT_START" in os.environ:
    raise ValueError("cannot start")
logging.getLogger().setLevel("INFO")


class Refused(Exception):
    pass


def handler(event, context):
    global calls
    calls += 1
    match event.get("do") if isinstance(event, dict) else None:
        case "fail":
            raise Refused(f"on purpose: {event['why']}")
        case "exit":
            sys.exit(3)
        case "sleep":
            print("going to sleep", end="")
            time.sleep(event["n"])
        case "print":
            print("plain", event["what"])
            print("aside", event["what"], file=sys.stderr)
            logging.info("logged %s", event["what"])
        case "environment":
            return os.environ.get(event["name"])
        case "context":
            client = context.client_context
            return {
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "deadline": time.time() * 1000 + context.get_remaining_time_in_millis(),
                "name": context.function_name,
                "version": context.function_version,
                "memory": int(context.memory_limit_in_mb),
                "group": context.log_group_name,
                "stream": context.log_stream_name,
                "custom": client and client.custom,
            }
        case "calls":
            return calls
        case "large":
            return "é" * event["n"]
        case "no-json":
            return {"a": object()}
        case "client":
            return "awslambdaric" in sys.modules
        case _:
            return event
'''

NODE = '''
class Refused extends Error {
  name = "Refused";
}

let calls = 0;
if (process.env.FAIL_AT_START) throw new RangeError("cannot start");

export const handler = async (event, context) => {
  calls += 1;
  switch (event?.do) {
    case "fail":
      throw new Refused(`on purpose: ${event.why}`);
    case "exit":
      process.exit(3);
    case "sleep":
      console.log("going to sleep");
      return new Promise((resolve) => setTimeout(resolve, event.n * 1000));
    case "print":
      process.stdout.write(`plain ${event.what}\\n`);
      process.stderr.write(`aside ${event.what}\\n`);
      console.info("logged %s", event.what);
      return;
    case "environment":
      return process.env[event.name];
    case "context":
      return {
        id: context.awsRequestId,
        arn: context.invokedFunctionArn,
        deadline: Date.now() + context.getRemainingTimeInMillis(),
        name: context.functionName,
        version: context.functionVersion,
        memory: Number(context.memoryLimitInMB),
        group: context.logGroupName,
        stream: context.logStreamName,
        custom: context.clientContext?.custom,
      };
    case "calls":
      return calls;
    case "large":
      return "é".repeat(event.n);
    case "no-json":
      return { a: 1n };
    case "client":
      return process.argv[1].includes("node_modules");
    default:
      return event;
  }
};
'''


# ── what is in the zips ──


@functools.cache
def tree(*names):
    """Packages of Node.js as `npm` installed them, by their path in a zip."""
    found, open_names = {}, list(names)
    while open_names:
        folder = NODE_MODULES / open_names.pop()
        at = f"node_modules/{folder.relative_to(NODE_MODULES)}/"
        if f"{at}package.json" in found:
            continue
        assert folder.is_dir(), f"{folder} is missing: `./check` installs it"
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.endswith((".d.ts", ".map", ".md", ".xz", ".gz")):
                found[at + str(path.relative_to(folder))] = path.read_bytes()
        about = json.loads((folder / "package.json").read_text())
        # What these need is for building them alone.
        if "lambda-ric" not in folder.name:
            open_names += about.get("dependencies", {})
    return found


@functools.cache
def ric_files():
    """AWS's client for Python and what it needs, as `pip install --target` lays them out."""
    site = pathlib.Path(next(CLIENTS.glob("python/lib/python3.*/site-packages")))
    wanted = ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client")
    files = {
        str(path.relative_to(site)): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.relative_to(site).parts[0].startswith(wanted)
        and "__pycache__" not in path.parts
    }
    assert files, f"awslambdaric is missing in {site}: `./check` installs it"
    return files


def rust_files(_):
    assert RUST_FUNCTION.exists(), f"{RUST_FUNCTION} is missing: `cargo test` builds it"
    return {"bootstrap": RUST_FUNCTION.read_bytes()}


class Kind:
    """A client, and how a function for it is made: from the text of its module."""

    def __init__(self, language, runtime, files, config=WITH_BOTO3, own=False, ending=None):
        self.language, self.runtime, self.files = language, runtime, files
        self.config, self.own = config, own
        self.ending = ending or {"python": ".py", "node": ".mjs", "rust": ""}[language]

    def zip(self, text=None, module="app"):
        usual = {"python": PYTHON, "node": NODE, "rust": None}
        return packed(self.files({module + self.ending: text or usual[self.language]}))


def beside(*packages):
    return lambda module: {**tree(*packages), **module}


KINDS = {
    "python": Kind("python", "python3.13", lambda module: module, own=True),
    "python-ric-in-zip": Kind("python", "python3.13", lambda module: {**ric_files(), **module}),
    "python-ric-in-interpreter": Kind("python", "python3.13", lambda module: module, WITH_RIC),
    "node": Kind("node", "nodejs22.x", lambda module: module, own=True),
    "node-24": Kind("node", "nodejs24.x", lambda module: module, own=True),
    "node-ric": Kind("node", "nodejs24.x", beside("aws-lambda-ric")),
    # A descendant of AWS's second release, which knows one ending.
    "node-ric-of-sst": Kind(
        "node", "nodejs20.x",
        lambda module: {**tree("@serverless-stack/aws-lambda-ric"), **module, "package.json": '{"type": "module"}'},
        ending=".js",
    ),
    "rust": Kind("rust", "provided.al2023", rust_files),
}


def kinds(*languages):
    names = [name for name, kind in KINDS.items() if kind.language in languages]
    return pytest.mark.parametrize("kind", names, indirect=True)


ALL = kinds("python", "node", "rust")
WRITTEN = kinds("python", "node")


# ── the servers and the functions ──

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def servers():
    """A server for each configuration that some client needs, started when it is first asked for."""
    started = {}

    def of(config):
        if config not in started:
            started[config] = server = Trailhound(config)
            server.__enter__()
            server.role = make_role(server.client("iam"), "runtimes", "s3:*")
        return started[config]

    yield of
    for server in started.values():
        server.__exit__(None)


class Function:
    """A function, and calls of it."""

    def __init__(self, kind, server, name, code, **more):
        self.kind, self.server, self.name = kind, server, name
        self.client = server.client("lambda")
        settings = {"Timeout": 20, "MemorySize": 512} | more
        make(self.client, name, server.role, code, runtime=kind.runtime, **settings)

    def ask(self, do=None, context=None, **event):
        """The answer of a call, what Lambda says of it, and the last of the log."""
        more = {}
        if context is not None:
            more["ClientContext"] = base64.b64encode(json.dumps(context).encode()).decode()
        answer, output = call(self.client, self.name, event | ({"do": do} if do else {}), LogType="Tail", **more)
        return answer, output, base64.b64decode(output["LogResult"]).decode()


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.fixture
def kind(request):
    return request.param


@pytest.fixture
def function(kind, servers, made):
    """The function of the client under test; it is made once."""
    if kind not in made:
        of = KINDS[kind]
        environment = {"Variables": {"GREETING": "grüß dich 👋"}}
        made[kind] = Function(of, servers(of.config), f"does-{kind}", of.zip(), Environment=environment)
    return made[kind]


@pytest.fixture
def another(kind, servers):
    """Makes a function of another text for the client under test."""

    def build(text=None, module="app", **more):
        of = KINDS[kind]
        title = f"made-{kind}-{next(NUMBERS)}"
        return Function(of, servers(of.config), title, of.zip(text, module), **more)

    return build


# ── answers ──


@ALL
def test_a_handler_answers_what_it_is_given(function):
    event = {"text": "Grüße, 世界 🌍 \u2028 \"quoted\" \\ \u0000", "list": [1, -2.5, True, None, {}], "empty": ""}
    answer, output, _ = function.ask(**event)
    assert answer == event
    assert output["StatusCode"] == 200 and "FunctionError" not in output


@WRITTEN
def test_the_client_that_was_meant_is_the_one_that_ran(function):
    answer, _, log = function.ask("client")
    assert answer is not function.kind.own, log


@ALL
def test_large_events_and_answers_arrive_whole(function):
    assert function.ask(text="é" * 1_000_000)[0] == {"text": "é" * 1_000_000}
    assert function.ask("large", n=1_500_000)[0] == "é" * 1_500_000
    answer, output, _ = function.ask("large", n=3_500_000)
    assert (answer["errorType"], output["FunctionError"]) == ("Function.ResponseSizeTooLarge", "Unhandled")
    assert function.ask(n=1)[0] == {"n": 1}


@ALL
def test_a_process_serves_one_call_after_the_other(function):
    first = function.ask("calls")[0]
    assert [function.ask("calls")[0] for _ in range(3)] == [first + n for n in (1, 2, 3)]


# ── errors ──


@ALL
def test_an_error_is_told_by_type_message_and_trace(function):
    before = function.ask("calls")[0]
    answer, output, log = function.ask("fail", why="Grüße 世界")
    assert (output["StatusCode"], output["FunctionError"]) == (200, "Unhandled")
    assert answer["errorMessage"] == "on purpose: Grüße 世界"
    request_id = output["ResponseMetadata"]["RequestId"]
    if function.kind.language == "python":
        assert answer["errorType"] == "Refused" and answer["requestId"] == request_id
        assert answer["stackTrace"][-1].startswith('  File "/var/task/app.py", line ')
        assert "[ERROR] Refused: on purpose: Grüße 世界" in log
    elif function.kind.language == "node":
        assert answer["errorType"] == "Refused"
        assert "/var/task/app." in answer["trace"][1]
        if "sst" in function.name:
            return
        told = re.search(rf"^\S+Z\t{request_id}\tERROR\tInvoke Error \t(\{{.*\}})$", log, re.M)
        shown = json.loads(told[1])
        assert (shown["errorType"], shown["errorMessage"]) == ("Refused", "on purpose: Grüße 世界")
        assert len(shown["stack"]) > 1
    # An error is an answer: the process goes on.
    assert function.ask("calls")[0] == before + 2


@kinds("rust")
def test_a_panic_is_an_error_and_no_end(function):
    before = function.ask("calls")[0]
    answer, output, log = function.ask("panic", why="é")
    assert output["FunctionError"] == "Unhandled" and "on purpose: é" in answer["errorMessage"]
    assert function.ask("calls")[0] == before + 2


@ALL
def test_a_call_that_takes_too_long_is_ended(function):
    function.client.update_function_configuration(FunctionName=function.name, Timeout=1)
    answer, output, log = function.ask("sleep", n=60)
    request_id = output["ResponseMetadata"]["RequestId"]
    assert output["FunctionError"] == "Unhandled"
    assert answer == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(rf"Z {request_id} Task timed out after 1\.00 seconds$", log, re.M)
    assert "going to sleep" in log and "\tStatus: timeout" in log
    function.client.update_function_configuration(FunctionName=function.name, Timeout=20)
    assert function.ask("calls")[0] == 1


@ALL
def test_an_exit_is_told_and_the_next_call_has_a_new_process(function):
    answer, output, _ = function.ask("exit")
    request_id = output["ResponseMetadata"]["RequestId"]
    assert answer == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status 3",
    }
    assert output["FunctionError"] == "Unhandled"
    assert function.ask("calls")[0] == 1


@ALL
def test_what_fails_at_the_start_fails_the_call(another, kind):
    function = another(Environment={"Variables": {"FAIL_AT_START": "yes"}})
    answer, output, _ = function.ask()
    assert output["FunctionError"] == "Unhandled"
    told = answer["errorType"], answer["errorMessage"]
    if function.kind.language == "rust":
        request_id = output["ResponseMetadata"]["RequestId"]
        why = f"RequestId: {request_id} Error: Runtime exited with error: exit status 1"
        assert told == ("Runtime.ExitError", why)
    else:
        name = {"python": "ValueError", "node": "RangeError"}[function.kind.language]
        usual = name, "cannot start"
        assert told == (("Runtime.UnhandledPromiseRejection", f"{name}: cannot start") if kind == "node-ric-of-sst" else usual)


@WRITTEN
def test_an_answer_that_is_no_json_is_an_error(function, kind):
    answer, output, _ = function.ask("no-json")
    assert output["FunctionError"] == "Unhandled"
    told = answer["errorType"], answer["errorMessage"]
    if function.kind.language == "python":
        words = "Unable to marshal response: Object of type object is not JSON serializable"
        assert told == ("Runtime.MarshalError", words)
    else:
        named = "Error" if kind == "node-ric-of-sst" else "Runtime.JSONStringifyError"
        assert told == (named, "Unable to stringify response body")


NO_PACKAGE = {"python": "import not_there_at_all", "node": "import 'not_there_at_all';"}


@pytest.mark.parametrize("handler, why", [
    ("app.other", "HandlerNotFound"),
    ("elsewhere.handler", "ImportModuleError"),
    ("app", "MalformedHandlerName"),
    ("broken.handler", "UserCodeSyntaxError"),
    ("wants.handler", "a missing package"),
])
@WRITTEN
def test_what_cannot_be_loaded_is_named_as_lambda_names_it(another, kind, handler, why):
    language = KINDS[kind].language
    text = {"broken.handler": "def function const {", "wants.handler": NO_PACKAGE[language]}.get(handler)
    module = handler.split(".")[0] if text else "app"
    answer, output, log = another(text, module, handler=handler).ask()
    assert output["FunctionError"] == "Unhandled"
    if why == "a missing package":
        expected = "Runtime.ImportModuleError" if language == "python" else "Error"
        assert "not_there_at_all" in answer["errorMessage"]
    else:
        expected = f"Runtime.{why}"
    if kind == "node-ric-of-sst":
        # It awaits its loading, and nobody awaits it.
        expected = "Runtime.UnhandledPromiseRejection"
    assert answer["errorType"] == expected, (answer, log)


# ── what a handler is told, and what it tells ──


@ALL
def test_the_log_holds_what_was_printed_between_start_and_report(function):
    _, output, log = function.ask("print", what="Grüße 世界")
    request_id = output["ResponseMetadata"]["RequestId"]
    lines = log.splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[-2] == f"END RequestId: {request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 512 MB\tMax Memory Used: \d+ MB(\tInit Duration: [\d.]+ ms)?", lines[-1])
    assert {"plain Grüße 世界", "aside Grüße 世界"} <= set(lines[1:-2]), log
    at = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    layouts = {
        "python": rf"\[INFO\]\t{at}\t{request_id}\tlogged Grüße 世界",
        "node": rf"{at}\t{request_id}\tINFO\tlogged Grüße 世界",
    }
    if function.kind.language in layouts and "sst" not in function.name:
        layout = layouts[function.kind.language]
        assert [line for line in lines if re.fullmatch(layout, line)], log


@ALL
def test_the_environment_is_lambdas_and_the_functions(function):
    def of(name):
        return function.ask("environment", name=name)[0]

    assert of("GREETING") == "grüß dich 👋"
    assert of("AWS_LAMBDA_FUNCTION_NAME") == function.name
    assert of("AWS_REGION") == function.server.info["region"]
    assert of("TZ") == ":UTC"
    managed = None if function.kind.language == "rust" else f"AWS_Lambda_{function.kind.runtime}"
    assert of("AWS_EXECUTION_ENV") == managed


@ALL
def test_the_context_tells_of_the_call(function):
    custom = {"who": "Jürgen 世界"}
    before = time.time() * 1000
    answer, output, _ = function.ask("context", context={"custom": custom, "env": {"a": "b"}})
    after = time.time() * 1000
    deadline = answer.pop("deadline")
    assert before + 20_000 - 100 <= deadline <= after + 20_000 + 100
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", answer.pop("stream"))
    assert answer == {
        "id": output["ResponseMetadata"]["RequestId"], "arn": arn(function.name),
        "name": function.name, "version": "$LATEST", "memory": 512,
        "group": f"/aws/lambda/{function.name}", "custom": custom,
    }


# ── what is particular to a language ──


@kinds("python")
def test_python_prints_and_answers_any_text(another, kind):
    text = """
import decimal, logging, os, sys

def handler(event, context):
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(levelname)s|%(aws_request_id)s|%(message)s\\n"))
    logging.warning("mine")
    print("lone \\udc80", end="")
    sys.stdout.flush()
    with open("/tmp/text", "w") as file:
        file.write("é")
    return {"1": decimal.Decimal("1.5"), "2": decimal.Decimal(2), "3": (1, 2), 4: None,
            "encoding": [sys.getfilesystemencoding(), open("/tmp/text", "rb").read().hex()]}
"""
    answer, output, log = another(text).ask()
    assert answer == {"1": 1.5, "2": 2, "3": [1, 2], "4": None, "encoding": ["utf-8", "c3a9"]}, log
    assert f"WARNING|{output['ResponseMetadata']['RequestId']}|mine" in log


@kinds("python")
def test_python_gives_bytes_on_as_they_are(another):
    function = another('handler = lambda event, context: b"[1, 2]"')
    assert function.ask()[0] == [1, 2]


@kinds("python")
def test_an_error_in_python_may_have_any_name_and_size(another):
    text = """
class Ошибка(Exception):
    pass

def handler(event, context):
    raise Ошибка("é" * event["n"])
"""
    function = another(text)
    for n in (3, 100_000):
        answer, output, _ = function.ask(n=n)
        # Of a long message the beginning is told, at least.
        assert (answer["errorType"], answer["errorMessage"][:4000]) == ("Ошибка", "é" * min(n, 4000))


@kinds("python")
def test_an_own_client_of_the_context_is_told_to_python(another):
    text = "def handler(event, context):\n    client = context.client_context\n    return [client.env, client.client.app_title, client.client.installation_id, context.identity.cognito_identity_id]\n"
    given = {"client": {"app_title": "t", "installation_id": "é"}, "env": {"locale": "de"}}
    assert another(text).ask(context=given)[0] == [{"locale": "de"}, "t", "é", None]


@kinds("python")
def test_a_built_in_module_is_no_handler(another):
    answer, _, _ = another(handler="sys.exit").ask()
    words = "Cannot use built-in module sys as a handler module"
    assert (answer["errorType"], answer["errorMessage"]) == ("Runtime.BuiltInModuleConflict", words)


NODE_STYLES = """
exports.sync = () => "lost where callbacks are, the answer where they are not";
exports.callback = (event, context, callback) => setTimeout(() => callback(null, { styles: "callback" }), 10);
exports.refuses = (event, context, callback) => callback(new TypeError("refused é"));
exports.says = (event, context, callback) => callback("plain é");
exports.waits = (event, context, callback) => {
  callback(null, "early");
  setTimeout(() => console.log("late"), 200);
};
exports.hurries = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => {}, 60000);
  callback(null, "at once");
};
exports.succeeds = (event, context) => context.succeed({ a: 1 });
exports.fails = (event, context) => context.fail(new RangeError("failed é"));
exports.done = (event, context) => context.done(null, [1]);
exports.never = async () => new Promise(() => {});
exports.nothing = async () => {};
exports.uncaught = () => { setTimeout(() => { throw new RangeError("nobody catches é"); }, 1); };
exports.rejects = async () => {
  Promise.reject(new RangeError("nobody awaits é"));
  await new Promise((resolve) => setTimeout(resolve, 5000));
};
exports.throws = async () => { throw { code: 7 }; };
exports.nested = { deep: { handler: async () => "deep" } };
exports.coded = async () => { throw Object.assign(new Error("é"), { code: "ENOENT", extra: { a: 1 } }); };
exports.named = async () => { throw Object.assign(new Error("é"), { name: "Größe 世界" }); };
"""


def told(answer):
    return answer["errorType"], answer["errorMessage"]


@pytest.fixture
def styles(servers, kind):
    """A function whose handler is changed from call to call."""
    of = KINDS[kind]
    code = packed(of.files({"app.js": NODE_STYLES}) | {"package.json": "{}"})
    function = Function(of, servers(of.config), f"styles-{next(NUMBERS)}", code, handler="app.nothing")

    def ask(handler):
        function.client.update_function_configuration(FunctionName=function.name, Handler=f"app.{handler}")
        return function.ask()

    return ask


@pytest.mark.parametrize("kind", ["node", "node-24", "node-ric"])
def test_nodes_asynchronous_handlers_answer_as_on_lambda(styles, kind):
    assert styles("nothing")[0] is None
    assert styles("nested.deep.handler")[0] == "deep"
    assert told(styles("throws")[0]) == ("object", "[object Object]")
    answer, _, log = styles("coded")
    assert told(answer) == ("Error", "é")
    shown = json.loads(re.search(r"ERROR\tInvoke Error \t(.*)$", log, re.M)[1])
    assert (shown["errorMessage"], shown["code"], shown["extra"]) == ("é", "ENOENT", {"a": 1})
    assert told(styles("named")[0]) == ("Größe 世界", "é")


@pytest.mark.parametrize("kind", ["node"])
def test_nodes_callbacks_answer_as_on_lambda(styles, kind):
    assert styles("sync")[0] is None
    assert styles("callback")[0] == {"styles": "callback"}
    assert told(styles("refuses")[0]) == ("TypeError", "refused é")
    assert told(styles("says")[0]) == ("string", "plain é")
    answer, _, log = styles("waits")
    assert answer == "early" and "\tINFO\tlate" in log
    before = time.monotonic()
    assert styles("hurries")[0] == "at once"
    assert time.monotonic() - before < 20
    assert styles("succeeds")[0] == {"a": 1}
    assert told(styles("fails")[0]) == ("RangeError", "failed é")
    assert styles("done")[0] == [1]
    assert styles("never")[0] is None
    answer, _, log = styles("uncaught")
    assert told(answer) == ("RangeError", "nobody catches é") and "ERROR\tUncaught Exception \t{" in log
    answer, _, log = styles("rejects")
    assert told(answer) == ("Runtime.UnhandledPromiseRejection", "RangeError: nobody awaits é")
    assert "ERROR\tUnhandled Promise Rejection \t{" in log


@pytest.mark.parametrize("kind", ["node-24", "node-ric"])
def test_from_node_24_on_a_handler_takes_no_callback(styles, kind):
    assert styles("sync")[0].startswith("lost where callbacks are")
    assert styles("callback")[0]["errorType"] == "Runtime.CallbackHandlerDeprecated"


STREAMING = """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.typed) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
  stream.write('{"pieces": ');
  if (event.fail) throw new RangeError("midway é");
  stream.write("[1, 2]}");
  stream.end();
  await new Promise((resolve) => stream.on("finish", resolve));
});
"""


@pytest.mark.parametrize("kind", ["node", "node-ric"])
def test_an_answer_that_is_written_in_pieces_is_answered_whole(another, kind):
    function = another(STREAMING)
    assert function.ask()[0] == {"pieces": [1, 2]}
    answer, output, _ = function.ask(fail=True)
    assert output["FunctionError"] == "Unhandled"
    assert told(answer) == ("RangeError", "midway é")
    payload = function.client.invoke(FunctionName=function.name, Payload='{"typed": 1}')["Payload"].read()
    assert payload == b'{"statusCode":200}' + bytes(8) + b'{"pieces": [1, 2]}'


# ── the function of AWS's own tutorial: an object's type, told when the object comes ──

TUTORIAL_PYTHON = '''
import urllib.parse

import boto3

print("Loading function")

s3 = boto3.client("s3")


def lambda_handler(event, context):
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    key = urllib.parse.unquote_plus(event["Records"][0]["s3"]["object"]["key"], encoding="utf-8")
    try:
        response = s3.get_object(Bucket=bucket, Key=key)
        print("CONTENT TYPE: " + response["ContentType"])
        return response["ContentType"]
    except Exception as e:
        print(f"Error getting object {key} from bucket {bucket}.")
        raise e
'''

TUTORIAL_NODE = '''
import { S3Client, GetObjectCommand } from "@aws-sdk/client-s3";

const client = new S3Client();

export const handler = async (event) => {
  const bucket = event.Records[0].s3.bucket.name;
  const key = decodeURIComponent(event.Records[0].s3.object.key.replace(/\\+/g, " "));
  const { ContentType, Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  console.log("CONTENT TYPE:", ContentType, await Body.transformToString());
  return ContentType;
};
'''


@pytest.mark.parametrize("kind, runtime, handler, files", [
    ("python", "python3.13", "lambda_function.lambda_handler", {"lambda_function.py": TUTORIAL_PYTHON}),
    ("node", "nodejs22.x", "index.handler", {"index.mjs": TUTORIAL_NODE}),
])
def test_the_function_of_the_tutorial_tells_an_objects_type(servers, kind, runtime, handler, files):
    server = servers(WITH_BOTO3)
    s3, iam, functions = server.client("s3"), server.client("iam"), server.client("lambda")
    name, bucket, key = f"tutorial-{kind}", f"tutorial-{kind}", "in/grüße & a+b c.jpg"
    make_bucket(s3, bucket)
    role = make_role(iam, name, "s3:GetObject", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    code = packed(files if kind == "python" else {**files, **tree("@aws-sdk/client-s3")})
    make(functions, name, role, code, runtime=runtime, handler=handler, MemorySize=512, Timeout=30)
    let_bucket(functions, name, bucket)
    wake(s3, bucket, name, "in/")
    s3.put_object(Bucket=bucket, Key=key, Body=b"a body", ContentType="image/jpeg")
    log = server.dir / "functions" / "logs" / f"{name}.log"
    until(lambda: log.exists() and "CONTENT TYPE: image/jpeg" in log.read_text(),
          f"{name} tells the type; its log: {log.read_text()[-3000:] if log.exists() else '(none)'}")
    # Its role may read objects, and nothing else: it is told so, and by whom.
    event = {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": "missing"}}}]}
    answer, output = call(functions, name, event)
    assert output["FunctionError"] == "Unhandled"
    assert answer["errorType"] in ("ClientError", "AccessDenied", "NoSuchKey"), answer
