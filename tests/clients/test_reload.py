"""Rules that change while `trailhound up` runs, and a question beside them."""

import json
import signal
import time

import pytest
from trailhound import CONFIG, Trailhound, until, write_rule


class Server(Trailhound):
    """A server with a folder of rules, whose alerts go to a file."""

    def __init__(self):
        super().__init__(rules=())
        self.rules, self.alerts_file = self.folder / "rules", self.folder / "alerts.ndjson"
        self.rules.mkdir()
        write_rule(self.rules, "a", "A topic was made", "CreateTopic")
        config = CONFIG.replace('["sns:alerts"]', f'["file:{self.alerts_file}"]')
        config += f'\n[rule]\ndirs = ["{self.rules}"]\nwhen = "sns:ListTopics"\n'
        (self.folder / "config.toml").write_text(config)

    def hang_up(self):
        self._process.send_signal(signal.SIGHUP)

    def events(self):
        """The names of the calls that alerted."""
        if not self.alerts_file.exists():
            return []
        # The last line may not be whole yet.
        *lines, _ = self.alerts_file.read_text().split("\n")
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

    write_rule(server.rules, "b", "A topic was looked at", "GetTopicAttributes")
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

    # The broken file goes last: no set without it has the other one.
    (server.rules / "a.yml").unlink()
    (server.rules / "c.yml").unlink()
    until(lambda: not server.hop()["error"], "the mended set")
    made, listed = (server.events().count(name) for name in ("CreateTopic", "ListTopics"))
    sns.create_topic(Name="third")
    sns.list_topics()
    until(lambda: server.events().count("ListTopics") > listed, "the alert of a later call")
    assert server.events().count("CreateTopic") == made, "the rule is gone"
