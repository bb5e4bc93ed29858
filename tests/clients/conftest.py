"""What the tests share: a server a file, and the log where something failed."""

import pytest
from trailhound import Trailhound


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None:
        report.sections.append(("log of trailhound", server.log.read_text()[-20_000:]))
    return report


@pytest.fixture(scope="module")
def server():
    with Trailhound() as server:
        yield server


@pytest.fixture
def client(server):
    return server.client
