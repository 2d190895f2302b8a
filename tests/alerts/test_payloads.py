"""Golden payloads: what goes out is what the tools document. ``CALLWATCH_GOLDEN=1`` writes the files anew."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

import pytest

from alerts.briefs import with_headline
from alerts.channels import alertmanager, pagerduty, webhook
from alerts.channels.rfc3339 import rfc3339
from alerts.channels.words import message
from alerts.order import Brief, WorkOrder
from models.outputs import Order
from models.signature import is_signed, same, sign

GOLDEN = Path(__file__).parent / "golden"
BOARD = "https://wall.example"
T0 = 1_772_440_200_000
ZH = "接通率 42 % 低于 60 %"

ORDER = Order.model_validate(
    {
        "pos": (0, 7, 2),
        "id": "WO-7Q4K2",
        "queue": "north/billing",
        "state": "dispatched",
        "severity": 2,
        "owner": "chen.jing",
        "owner_name": "陈静 Chen Jing",
        "liaison": "zhao.min",
        "escalation": 0,
        "symptoms": ["service-level", "abandonment"],
        "active": ["service-level"],
        "opened_ms": T0,
        "respond_by_ms": T0 + 600_000,
        "resolve_by_ms": T0 + 3_600_000,
        "agreed_ms": None,
        "reopened": 0,
        "verification": None,
        "cause": None,
        "measure": None,
        "hold_until_ms": None,
        "closed_ms": None,
        "updated_ms": T0 + 1_000,
        "sentence": "service level 42 % of 31 calls in 15 min, limit 60 %",
        "version": 3,
    }
).model_dump(mode="json")
CLOSED = ORDER | {
    "state": "closed",
    "active": [],
    "cause": "staffing",
    "measure": "two agents moved over",
    "closed_ms": T0 + 1_500_000,
    "updated_ms": T0 + 1_500_000,
    "verification": {
        "since_ms": T0 + 900_000,
        "needed": 10,
        "seen": 10,
        "state": "passed",
        "sentence": "10 calls since the resolve: service level 90 %",
    },
    "version": 9,
}
PAGE = {
    "kind": "page",
    "queue": ORDER["queue"],
    "order": ORDER["id"],
    "at_ms": T0,
    "severity": 2,
    "owner": "chen.jing",
    "title": "north/billing: work order WO-7Q4K2",
    "text": ORDER["sentence"],
    "zh": ZH,
}
KEY = "0123456789abcdef01234567"
#: The order as it was briefed when it opened, and what its first page says then.
BRIEF = Brief(
    T0,
    ["12 waiting, 5 beyond 20 s, 4 more within 20 s", "service level 38 points below what was expected: volume -31"],
    ["排队12个,其中5个已超过20秒,20秒内还将有4个超过", "服务水平低于预期38个百分点:话务量-31"],
    {"why_gap": -0.38, "why_volume": -0.31, "why_absence": -0.07},
    {},
)
BRIEFED = with_headline(WorkOrder("WO", "north/billing", "dispatched", 2, T0, briefing=BRIEF), (PAGE["text"], ZH), T0)


def told(occasion: str, order: dict[str, Any], said: dict[str, Any]) -> dict[str, str]:
    made = message(occasion, order, said, KEY, "Asia/Shanghai", BOARD)
    return {"title": made.title, "body": made.body, "tone": made.tone}


PAYLOADS: dict[str, Any] = {
    "alertmanager-firing": alertmanager.alerts(ORDER, [2], T0, None, BOARD, ZH),
    "alertmanager-graver": alertmanager.alerts(ORDER | {"severity": 1}, [1, 2], T0, None, BOARD, ZH),
    "alertmanager-resolved": alertmanager.alerts(CLOSED, [2], T0, CLOSED["closed_ms"], BOARD, ZH),
    "alertmanager-webhook-firing": alertmanager.webhook("crm", ORDER, [2], T0, None, BOARD, "first notification", ZH),
    "alertmanager-webhook-resolved": alertmanager.webhook(
        "crm", CLOSED, [2], T0, CLOSED["closed_ms"], BOARD, "all alerts resolved", ZH
    ),
    "pagerduty-trigger": pagerduty.event("trigger", ORDER, "R0UT1NGKEY", BOARD, zh=ZH),
    "pagerduty-trigger-again": pagerduty.event("trigger", ORDER, "R0UT1NGKEY", BOARD, "Kept open: no cause given", ZH),
    "pagerduty-acknowledge": pagerduty.event("acknowledge", ORDER, "R0UT1NGKEY", BOARD),
    "pagerduty-resolve": pagerduty.event("resolve", CLOSED, "R0UT1NGKEY", BOARD),
    "webhook-body": json.loads(webhook.body(ORDER, KEY, BOARD, ZH)),
    "person-page": told("page", ORDER, PAGE),
    "person-page-briefed": told("page", ORDER, PAGE | {"text": BRIEFED[0], "zh": BRIEFED[1]}),
    "person-passed-on": told("passed_on", ORDER, {"to_name": "林峰 Lin Feng"}),
    "person-accepted": told("accepted", ORDER | {"state": "accepted", "hold_until_ms": T0 + 7_200_000}, {}),
    "person-relapsed": told("relapsed", ORDER | {"state": "analysing", "reopened": 1}, {"zh": ZH}),
    "person-closed": told("ended", CLOSED, {}),
    "person-cancelled": told("ended", CLOSED | {"state": "cancelled"}, {}),
}


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_payload_is_golden(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    made = json.dumps(PAYLOADS[name], indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("CALLWATCH_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == PAYLOADS.keys()


def test_only_what_is_over_has_an_end() -> None:
    (open_alert,) = alertmanager.alerts(ORDER, [2], T0, None, BOARD)
    (over,) = alertmanager.alerts(CLOSED, [2], T0, CLOSED["closed_ms"], BOARD)
    assert "endsAt" not in open_alert
    assert over["endsAt"] == rfc3339(CLOSED["closed_ms"])
    assert open_alert["labels"] == over["labels"], "the same labels, or it would be another alert"


def test_a_trigger_keeps_to_the_bounds() -> None:
    long = ORDER | {"id": "x" * 300, "sentence": "y" * 3_000}
    made = pagerduty.event("trigger", long, "k", BOARD)
    assert (len(made["dedup_key"]), len(made["payload"]["summary"])) == (255, 1024)


def test_the_fingerprint_is_that_of_prometheus() -> None:
    # the second from prometheus/common model/signature_test.go
    assert alertmanager.fingerprint({}) == "cbf29ce484222325"
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert int(alertmanager.fingerprint(labels), 16) == 5799056148416392346


def test_a_webhook_is_signed_over_time_and_body() -> None:
    body = webhook.body(ORDER, KEY, BOARD)
    made = webhook.headers(ORDER, KEY, body, ["old", "new"], T0)
    assert made["X-Callwatch-Delivery"] == KEY
    right = hmac.new(b"new", made["X-Callwatch-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert f"v1={right}" in made["X-Callwatch-Signature"].split(",")
    assert is_signed(["new"], made["X-Callwatch-Signature"], body, made["X-Callwatch-Timestamp"])
    assert not is_signed(["new"], made["X-Callwatch-Signature"], body + b" ", made["X-Callwatch-Timestamp"])
    assert not is_signed(["new"], made["X-Callwatch-Signature"], body, "1")
    assert not is_signed([""], made["X-Callwatch-Signature"], body, made["X-Callwatch-Timestamp"])


def test_signatures_of_any_key_count_and_others_do_not() -> None:
    assert is_signed(["a", "b"], sign(["b"], b"x"), b"x")
    assert is_signed(["b"], "v0=zz, " + sign(["a", "b"], b"x"), b"x")
    assert not is_signed(["c"], sign(["a", "b"], b"x"), b"x")
    assert not is_signed(["a"], "", b"x")
    assert not is_signed(["a"], sign(["z"] * 8 + ["a"], b"x"), b"x"), "a header without end is not searched"
    assert same("t", ["s", "t"])
    assert not same("", [""])
