"""Rules that change while `trailhound up` runs, and a question beside them."""

import json
import signal
import time
import uuid

import pytest
from trailhound import CONFIG, Trailhound, until

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
# Long enough for what must not happen to happen.
QUIET_SECONDS = 2


class Server(Trailhound):
    """A server with a folder of rules, whose alerts go to a file."""

    def __init__(self):
        super().__init__(rules=())
        self.rules, self.alerts_file = self.folder / "rules", self.folder / "alerts.ndjson"
        self.rules.mkdir()
        self.write("a", "A topic was made", "CreateTopic")
        config = CONFIG.replace('["sns:alerts"]', f'["file:{self.alerts_file}"]')
        config += f'\n[rule]\ndirs = ["{self.rules}"]\nwhen = "sns:ListTopics"\n'
        (self.folder / "config.toml").write_text(config)

    def write(self, name, title, event):
        text = RULE.format(title=title, id=uuid.uuid5(uuid.NAMESPACE_URL, title), event=event)
        (self.rules / f"{name}.yml").write_text(text)

    def hang_up(self):
        self._process.send_signal(signal.SIGHUP)

    def events(self):
        """The names of the calls that alerted."""
        if not self.alerts_file.exists():
            return []
        lines = self.alerts_file.read_text().splitlines()
        return [json.loads(line)["record"]["eventName"] for line in lines]

    def hop(self):
        lines, _ = self.run("status", "--json")
        [hop] = [hop for hop in map(json.loads, lines.splitlines()) if hop["hop"] == "rules"]
        return hop


@pytest.fixture
def server():
    with Server() as server:
        yield server


def test_changed_rules_are_asked_and_broken_ones_are_not(server):
    sns = server.client("sns")
    topic = sns.create_topic(Name="first")["TopicArn"]
    until(lambda: server.events() == ["CreateTopic"], "the alert of the first rule")
    sns.list_topics()
    until(lambda: "ListTopics" in server.events(), "the alert of the question")

    server.write("b", "A topic was looked at", "GetTopicAttributes")
    server.hang_up()
    # A call made before the folder is looked at is asked by the rules of before.
    def looked_at():
        sns.get_topic_attributes(TopicArn=topic)
        time.sleep(0.2)
        return "GetTopicAttributes" in server.events()
    until(looked_at, "the alert of the new rule")

    (server.rules / "c.yml").write_text("title: [")
    error = until(lambda: server.hop()["error"], "the broken set is refused, without a signal")
    assert "c.yml" in error
    before = server.events().count("CreateTopic")
    sns.create_topic(Name="second")
    until(lambda: server.events().count("CreateTopic") > before, "the rules from before still run")

    (server.rules / "c.yml").unlink()
    (server.rules / "a.yml").unlink()
    until(lambda: not server.hop()["error"], "the mended set")
    sns.list_topics()
    before = server.events().count("CreateTopic")
    sns.create_topic(Name="third")
    time.sleep(QUIET_SECONDS)
    assert server.events().count("CreateTopic") == before, "the rule is gone"
