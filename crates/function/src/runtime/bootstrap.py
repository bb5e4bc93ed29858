"""Runs a Python handler against Lambda's Runtime API.

AWS's own client (`awslambdaric`) is used instead where the zip or the interpreter has it.
"""

import http.client
import importlib
import importlib.util
import io
import json
import logging
import os
import sys
import time
import traceback
from types import SimpleNamespace

API = "/2018-06-01/runtime"
TASK = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
# Since this release answers hold their characters as they are.
PLAIN_TEXT_SINCE = 12


class Fault(Exception):
    """A failure that has a name of Lambda's own."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, list(trace)


def search_path():
    """The handler's modules first, then the layers', then those of the interpreter that was asked."""
    own = os.path.dirname(os.path.abspath(__file__))
    given = json.loads(os.environ.pop("TRAILHOUND_PYTHON_PATH", "[]"))
    kept = [path for path in sys.path if path and os.path.abspath(path) != own]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layers = [f"/opt/python/lib/{version}/site-packages", "/opt/python"]
    # PYTHONPATH stands first in what is kept, as anywhere.
    sys.path[:] = [TASK, *layers, *kept, *(path for path in given if path not in kept)]


class Api:
    """One connection that is kept; a call waits as long as it takes."""

    def __init__(self, address):
        self._connection = http.client.HTTPConnection(address)

    def call(self, method, path, body=None, headers=None):
        for last in (False, True):
            try:
                self._connection.request(method, API + path, body, headers or {})
                response = self._connection.getresponse()
                return response, response.read()
            except (http.client.BadStatusLine, ConnectionError):
                self._connection.close()
                if last:
                    raise

    def report(self, path, kind, described):
        headers = {"Content-Type": "application/json"}
        # A header holds less than a name may; the body has it whole.
        if kind.isascii() and kind.isprintable():
            headers["Lambda-Runtime-Function-Error-Type"] = kind
        return self.call("POST", path, json.dumps(described).encode(), headers)


class Identity(SimpleNamespace):
    pass


class Context:
    """What a handler's second argument says of its invocation."""

    def __init__(self, headers):
        env = os.environ
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("Lambda-Runtime-Aws-Tenant-Id")
        cognito = parsed(headers, "Cognito-Identity") or {}
        self.identity = Identity(
            cognito_identity_id=cognito.get("cognitoIdentityId"),
            cognito_identity_pool_id=cognito.get("cognitoIdentityPoolId"),
        )
        self.client_context = client_context(parsed(headers, "Client-Context"))
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return f"LambdaContext([{','.join(f'{k}={v}' for k, v in shown.items())}])"


def parsed(headers, name):
    text = headers.get(f"Lambda-Runtime-{name}")
    try:
        given = json.loads(text) if text else None
        if given is not None and not isinstance(given, dict):
            raise ValueError("no object")
    except ValueError as error:
        message = f"Unable to parse {name.replace('-', ' ')} JSON: {error}"
        raise Fault("Runtime.LambdaContextUnmarshalError", message) from None
    return given


def client_context(given):
    if given is None:
        return None
    client = given.get("client")
    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
    client = SimpleNamespace(**{name: client.get(name) for name in names}) if client else None
    return SimpleNamespace(custom=given.get("custom"), env=given.get("env"), client=client)


class Lines(logging.Handler):
    """The root logger's handler: Lambda's own layout, with the request's id."""

    request_id = ""

    def emit(self, record):
        try:
            sys.stdout.write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)

    def format(self, record):
        record.aws_request_id = Lines.request_id
        return super().format(record)


def set_logging():
    layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = Lines()
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


def load(name):
    """The handler that `module.function` names; a module may lie in folders, with dots or slashes."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        hint(error)
        raise Fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text or ""}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from None


def hint(error):
    missing = (getattr(error, "name", None) or "").split(".")[0]
    if missing in ("boto3", "botocore"):
        print(
            f"`{missing}` is part of Lambda's own runtime, but {sys.executable} has none: set"
            " `function.python` to an interpreter that has it, such as a virtual environment's,"
            " or put it into the zip"
        )


def describe(error, request_id):
    """An error as Lambda answers it, without the frames of this file."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind = type(error).__name__
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
        frames = [f for f in frames if not f.filename.startswith("<frozen importlib")]
        trace = traceback.format_list(frames)
    return kind, {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def tell(described):
    text = f"[ERROR] {described['errorType']}: {described['errorMessage']}"
    if described["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(described["stackTrace"])
    print(text)


def plain(value):
    """What JSON has no name for, but Lambda's own runtime answers all the same."""
    import decimal

    if isinstance(value, decimal.Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def marshal(answer):
    """An answer as bytes, and their type; bytes are given on as they are."""
    if isinstance(answer, bytes):
        return answer, "application/unknown"
    release = os.environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
    escaped = release.isdigit() and int(release) < PLAIN_TEXT_SINCE
    try:
        body = json.dumps(answer, default=plain, ensure_ascii=escaped).encode()
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None
    return body, "application/json"


def serve(api, handler):
    response, event = api.call("GET", "/invocation/next")
    if response.status != 200:
        # The server is about to end this process.
        sys.exit(0)
    Lines.request_id = request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    os.environ["_X_AMZN_TRACE_ID"] = response.headers.get("Lambda-Runtime-Trace-Id") or ""
    try:
        context = Context(response.headers)
        try:
            event = json.loads(event)
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
        body, content_type = marshal(handler(event, context))
    except Exception as error:
        kind, described = describe(error, request_id)
        tell(described)
        api.report(f"/invocation/{request_id}/error", kind, described)
        return
    headers = {"Content-Type": content_type}
    response, said = api.call("POST", f"/invocation/{request_id}/response", body, headers)
    if response.status >= 400 and response.status != 413:
        print(f"The answer was not taken: {response.status} {said.decode(errors='replace')}")


def set_output():
    # What was printed is out, even if this process is ended next.
    for name in ("stdout", "stderr"):
        raw = open(getattr(sys, name).fileno(), "wb", buffering=0, closefd=False)
        text = io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
        setattr(sys, name, text)


def main():
    search_path()
    name = os.environ["_HANDLER"]
    if importlib.util.find_spec("awslambdaric"):
        from awslambdaric.__main__ import main as ric

        sys.argv = ["awslambdaric", name]
        sys.exit(ric(sys.argv))
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    set_output()
    set_logging()
    try:
        handler = load(name)
    except Exception as error:
        kind, described = describe(error, "")
        tell(described)
        api.report("/init/error", kind, described)
        sys.exit(1)
    while True:
        serve(api, handler)


if __name__ == "__main__":
    main()
