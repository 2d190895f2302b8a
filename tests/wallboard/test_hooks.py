"""Hooks over HTTP: secrets checked first, commands on the log, words on the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition

from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.errors import SettingsError
from models.notification import decode
from models.notify_settings import Channel, Contact, Hook, NotifySettings
from models.outputs import Order
from models.runtime import KafkaSettings, Settings
from models.signature import sign
from models.topics import EVENTS, NOTIFICATIONS, topic_name
from streams.broker import create_topics
from tests.alerts.test_payloads import ORDER
from tests.wallboard.payloads import PARTITIONS
from tests.wallboard.test_incoming import alertmanager
from tests.wallboard.test_incoming import back as back_at
from tests.wallboard.wall import Wall, running, until
from wallboard.access import HOOK_BODY_LIMIT
from wallboard.hooks import Hooks
from wallboard.hub import wall_ms
from wallboard.incoming import EVENT_AGE_MAX_MS
from wallboard.server import create_app

pytestmark = pytest.mark.stack

NOTIFY = NotifySettings(
    contacts=(Contact("li.wei", (), pagerduty="PXPGF42"),),
    channels=(Channel("pager", "pagerduty", key_env="PD_KEY"),),
    hooks=(
        Hook("pd", "pagerduty", ("PD_OLD", "PD_NEW"), channel="pager"),
        Hook("prometheus", "alertmanager", ("AM_TOKEN",), queue="north/billing"),
        Hook("apps", "pagerduty_events", ("APPS_KEY",), queue="north/billing"),
    ),
)


def back(kind: str, **data: Any) -> dict[str, Any]:
    """What happened in PagerDuty just now."""
    return back_at(kind, at_ms=wall_ms(), **data)


ENV = {"PD_OLD": "old", "PD_NEW": "new", "AM_TOKEN": "t0ken", "APPS_KEY": "r0uting"}


@pytest.fixture
def wall(stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wall]:
    """A wallboard that wants sign-in of people, with an order on it."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    asyncio.run(create_topics(kafka))
    with running(kafka, stack.valkey_url, "people", notify=NOTIFY) as found:
        found.put("workorders", Order.model_validate({**ORDER, "pos": (0, 1, 0)}))
        bearer = {"authorization": "Bearer people"}
        until(lambda: httpx.get(f"{found.url}/api/orders", headers=bearer).json()["orders"])
        yield found


def posted(wall: Wall, name: str, content: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """The answer to *content*; PagerDuty's is signed."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.post(f"{wall.url}/hooks/{name}", content=body, headers=headers or {})


def signed(wall: Wall, content: Any, *secrets: str) -> httpx.Response:
    """The answer to a webhook of PagerDuty signed with *secrets*."""
    body = json.dumps(content).encode()
    return posted(wall, "pd", body, {"X-PagerDuty-Signature": sign(secrets, body)})


def records(wall: Wall, topic: str, number: int) -> list[bytes]:
    """The first *number* records of *topic*."""
    kafka = wall.settings.kafka
    consumer = KafkaConsumer(auto_offset_reset="earliest", enable_auto_commit=False, **client_options(kafka))
    try:
        consumer.assign([TopicPartition(topic_name(kafka.prefix, topic), p) for p in range(PARTITIONS)])
        found: list[bytes] = []

        def enough() -> bool:
            for batch in consumer.poll(timeout_ms=200).values():
                found.extend(record.value for record in batch)
            return len(found) >= number

        until(enough)
        return found
    finally:
        consumer.close()


def test_without_the_secret_nothing_is_read(wall: Wall) -> None:
    payload = back("incident.acknowledged")
    assert signed(wall, payload, "wrong").status_code == 401
    assert posted(wall, "pd", payload).status_code == 401
    assert posted(wall, "prometheus", b"not json", {"authorization": "Bearer wrong"}).status_code == 401
    assert posted(wall, "prometheus", alertmanager(), {"authorization": "Bearer people"}).status_code == 401
    assert posted(wall, "apps", {"routing_key": "wrong"}).status_code == 401
    assert posted(wall, "nobody", {}).status_code == 404
    assert httpx.get(f"{wall.url}/api/orders").status_code == 401, "the rest is for who has signed in"
    assert posted(wall, "pd", b"x" * (HOOK_BODY_LIMIT + 1)).status_code == 413


def test_an_acknowledgement_in_pagerduty_is_a_command_of_the_mapped_person(wall: Wall) -> None:
    for secrets in (("old",), ("new",), ("gone", "new")):  # both keys hold while one replaces the other
        answer = signed(wall, back("incident.acknowledged"), *secrets)
        assert (answer.status_code, answer.json()["order"]) == (200, ORDER["id"])
    events = [orjson.loads(value) for value in records(wall, EVENTS, 3)]
    assert {(e["type"], e["command"], e["actor"], e["order"], e["queue"]) for e in events} == {
        ("order.command", "acknowledge", "li.wei", ORDER["id"], ORDER["queue"])
    }
    assert len({(e["source"], e["id"]) for e in events}) == 1, "delivered again it is the same command"
    assert all(e["ts"] >= ORDER["updated_ms"] for e in events), "stream time"


def test_resolving_in_pagerduty_is_noted_and_told_the_ledger(wall: Wall) -> None:
    answer = signed(wall, back("incident.resolved"), "new")
    assert answer.status_code == 200
    assert "refused" in answer.json()["answer"]
    (event,) = [orjson.loads(value) for value in records(wall, EVENTS, 1)]
    assert (event["command"], event["actor"]) == ("note", "li.wei")
    (seen,) = [decode(value) for value in records(wall, NOTIFICATIONS, 1)]
    assert (seen.order, seen.to, seen.occasion, seen.state) == (ORDER["id"], "pager", "resolve", "seen")


def test_alerts_and_events_are_findings(wall: Wall) -> None:
    bearer = {"authorization": "Bearer t0ken"}
    assert posted(wall, "prometheus", alertmanager(), bearer).json() == {"taken": 1}
    event = {"routing_key": "r0uting", "event_action": "trigger", "dedup_key": "d1"}
    event |= {"payload": {"summary": "IVR is silent", "source": "ivr1", "severity": "critical"}}  # type: ignore[dict-item]
    answer = posted(wall, "apps/v2/enqueue", event)
    assert (answer.status_code, answer.json()["dedup_key"]) == (202, "d1")
    found = [orjson.loads(value) for value in records(wall, EVENTS, 2)]
    assert {(e["command"], e["order"], e["actor"], e["args"]["verify"]) for e in found} == {
        ("report", "-", "hook:prometheus", "sender"),
        ("report", "-", "hook:apps", "sender"),
    }


def test_what_is_wrong_is_said(wall: Wall) -> None:
    bearer = {"authorization": "Bearer t0ken"}
    assert posted(wall, "prometheus", b"{", bearer).status_code == 400
    answer = posted(wall, "prometheus", {"version": "3"}, bearer)
    assert (answer.status_code, "version" in answer.json()["detail"]) == (400, True)
    assert signed(wall, back("incident.acknowledged", incident_key="another"), "new").json() == {
        "answer": "not about an order of ours"
    }
    half = b'{"routing_key": "\\ud800"}'  # half a character: no error of ours
    assert posted(wall, "apps", half).status_code == 400
    assert posted(wall, "prometheus", b"[" * 5_000, bearer).status_code == 400
    mixed = alertmanager()
    mixed["alerts"] += alertmanager(queue="nonsense")["alerts"]
    answer = posted(wall, "prometheus", mixed, bearer)
    assert (answer.status_code, answer.json()["taken"]) == (400, 1)
    assert "alerts[1].labels.queue" in answer.json()["detail"]
    records(wall, EVENTS, 1)


def test_an_order_that_the_board_does_not_know_yet_is_asked_for_again(wall: Wall) -> None:
    named = back("incident.acknowledged", incident_key="WO-NEW")
    assert signed(wall, named, "new").status_code == 503
    old = back_at("incident.acknowledged", at_ms=wall_ms() - EVENT_AGE_MAX_MS - 60_000, incident_key="WO-NEW")
    assert signed(wall, old, "new").status_code == 200


def test_a_hook_without_its_secret_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENV:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="AM_TOKEN, APPS_KEY, PD_NEW, PD_OLD"):
        create_app(Settings(notify=NOTIFY))
    with pytest.raises(SettingsError, match="PD_NEW"):
        Hooks(NOTIFY, {**ENV, "PD_NEW": " "})
