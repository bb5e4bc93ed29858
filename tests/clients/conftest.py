"""What the tests share: a server a file, and the log where something failed."""

import pytest
from trailhound import CONFIG, Trailhound


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None:
        report.sections.append(("log of trailhound", server.log.read_text()[-20_000:]))
    return report


@pytest.fixture(scope="module")
def server(request):
    """A server with the configuration that the file calls `SERVER`, or that of all."""
    with Trailhound(getattr(request.module, "SERVER", CONFIG)) as server:
        yield server


@pytest.fixture
def client(server):
    return server.client


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


@pytest.fixture(scope="module")
def sqs(server):
    return server.client("sqs")


@pytest.fixture(scope="module")
def sns(server):
    return server.client("sns")


@pytest.fixture(scope="module")
def iam(server):
    return server.client("iam")


@pytest.fixture(scope="module")
def functions(server):
    return server.client("lambda")
