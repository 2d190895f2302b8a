"""``callwatch notify --test``: a marked message by every way, and what became of it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.stack import free_port
from callwatch.trial import MARK
from models.errors import UsageError, WorkError
from models.signature import is_signed
from tests.callwatch.receivers import Receiver, receiver

SETTINGS = """
[[department]]
name = "desk"

[[person]]
id = "lead"
name = "Lead"
department = "desk"
tier = "shift_lead"

[[contact]]
person = "lead"
url_env = ["LEAD_CHAT", "LEAD_SMS"]

[[channel]]
name = "pager"
kind = "pagerduty"
url_env = "PD_URL"
key_env = "PD_KEY"

[[channel]]
name = "am"
kind = "alertmanager"
url_env = "AM_URL"

[[channel]]
name = "amhook"
kind = "alertmanager_webhook"
url_env = "AM_HOOK"

[[channel]]
name = "crm"
kind = "webhook"
url_env = "CRM_URL"
key_env = "CRM_KEY"
"""


def tried(folder: Path, at: Receiver, *arguments: str, **env: str) -> tuple[str, BaseException | None]:
    """The output of the command and what it raised."""
    file = folder / "settings.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    host = at.url.removeprefix("http://")
    found = {
        "LEAD_CHAT": f"json://{host}/chat",
        "LEAD_SMS": f"json://{host}/sms",
        "PD_URL": f"{at.url}/v2/enqueue",
        "PD_KEY": "R0UT1NG",
        "AM_URL": f"{at.url}/am",
        "AM_HOOK": f"{at.url}/amhook",
        "CRM_URL": f"{at.url}/crm",
        "CRM_KEY": "s3cret",
    }
    result = CliRunner(env=found | env).invoke(build(), ["notify", "--settings", str(file), *arguments])
    return result.output, result.exception


def test_everybody_gets_a_marked_message_and_tools_what_ends_by_itself(tmp_path: Path) -> None:
    with receiver() as at:
        output, error = tried(tmp_path, at, "--test", "all")
        assert error is None, output
        assert [line.split()[:2] for line in output.splitlines()] == [
            ["sent", "lead"], ["sent", "lead"], ["sent", "am"], ["sent", "amhook"], ["sent", "crm"], ["sent", "pager"],
        ]  # fmt: skip
        assert MARK in at.of("/chat")[0].json["title"]
        trigger, resolve = (g.json for g in at.of("/v2"))
        assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
        assert trigger["dedup_key"] == resolve["dedup_key"]
        assert trigger["payload"]["severity"] == "info"
        (alert,) = at.of("/am/api/v2/alerts")[0].json
        assert alert["endsAt"] > alert["startsAt"]
        assert [g.json["status"] for g in at.of("/amhook")] == ["firing", "resolved"]
        crm = at.of("/crm")[0]
        assert crm.json["event"]["type"] == "test"
        headers = crm.headers
        assert is_signed(["s3cret"], headers["x-callwatch-signature"], crm.body, headers["x-callwatch-timestamp"])


def test_what_was_not_taken_is_said_and_no_address(tmp_path: Path) -> None:
    with receiver() as at:
        at.of_path = {"/sms": [500]}
        output, error = tried(
            tmp_path, at, "--test", "lead", PD_KEY="", LEAD_CHAT=f"json://127.0.0.1:{free_port()}/t0ken"
        )
        assert isinstance(error, WorkError)
        assert "2 of 2" in str(error)
        assert [line.split()[:2] for line in output.splitlines()[:2]] == [["not", "sent"], ["not", "sent"]]
        output, error = tried(tmp_path, at, "--test", "pager", PD_KEY="")
        assert "PD_KEY is not set in the environment" in output
        assert isinstance(error, WorkError)
        assert at.of("/v2") == []
        assert "t0ken" not in output


def test_a_name_that_nobody_has_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    with receiver() as at:
        _, error = tried(tmp_path, at, "--test", "nobody")
        assert isinstance(error, UsageError)
        assert "all, lead, am, amhook, crm, pager" in str(error)
        _, error = tried(tmp_path, at, "--test", "lead", "--ledger")
        assert isinstance(error, UsageError)
        _, error = tried(tmp_path, at, "--json")
        assert isinstance(error, UsageError)
