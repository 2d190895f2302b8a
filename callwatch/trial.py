"""A marked test message by every way of a person or channel: what everybody wants to see first.

Nothing of it is on the log or in the ledger; tools get what ends by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from alerts.channels import alertmanager, pagerduty, webhook
from alerts.channels.rfc3339 import NEVER, rfc3339
from alerts.channels.words import Message
from callwatch.delivery import Outcome, Person, post, post_json
from callwatch.outbox import keys_in, url_of
from models.errors import CallwatchError, SettingsError, UsageError
from models.notify_settings import Channel, NotifySettings
from models.runtime import Settings

#: How the test is marked wherever it is seen.
MARK: Final = "Callwatch test / 测试"
TEXT: Final = "This is a test: nothing has happened and nothing is to be done. 此为测试消息,无需处理。"
#: After this Alertmanager shows the test as over by itself.
OVER_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one test: to whom, by which variable, and how it ended."""

    to: str
    way: str
    outcome: Outcome


def trial(settings: Settings, env: Mapping[str, str], name: str, now_ms: int) -> Iterator[Tried]:
    """Send a test to the person or channel *name*, or to ``all``; *now_ms* is wall clock.

    Only what *name* needs has to be set in the environment. Raises UsageError when there is nobody of that name.
    """
    notify = settings.notify
    people = {c.person for c in notify.contacts if c.ways}
    channels = {c.name: c for c in notify.channels}
    known = sorted(people) + sorted(channels)
    if name != "all" and name not in known:
        said = ", ".join(known) or "there is none: tables contact and channel of the settings"
        raise UsageError(f'--test: no person with a way and no channel is called "{name}"; known are all, {said}')
    for person in sorted(people if name == "all" else people & {name}):
        for way in notify.all_ways(person):
            yield Tried(person, way, _guarded(partial(_to_person, env, way, now_ms)))
    for channel in (c for n, c in sorted(channels.items()) if name in ("all", n)):
        way = ", ".join(filter(None, (channel.url_env, channel.key_env)))
        yield Tried(channel.name, way, _guarded(partial(_to_channel, notify, env, channel, now_ms)))


def _guarded(send: Callable[[], Outcome]) -> Outcome:
    """What *send* says; never an address, which the text of a foreign exception may hold."""
    try:
        return send()
    except CallwatchError as error:
        return Outcome("given_up", str(error))
    except Exception as error:
        return Outcome("failed", type(error).__name__)


def _value(env: Mapping[str, str], name: str) -> str:
    found = env.get(name, "").strip()
    if not found:
        raise SettingsError(f"{name} is not set in the environment")
    return found


def _to_person(env: Mapping[str, str], way: str, now_ms: int) -> Outcome:
    return Person(way, _value(env, way)).send(Message(MARK, f"{TEXT}\n{rfc3339(now_ms)}", "info"))


def _to_channel(notify: NotifySettings, env: Mapping[str, str], channel: Channel, now_ms: int) -> Outcome:
    """The test as each kind of tool takes it; of two steps the first that fails is told."""
    url = url_of(channel, {n: _value(env, n) for n in (channel.url_env,) if n})
    keys = keys_in(_value(env, channel.key_env)) if channel.key_env else []
    if channel.key_env and not keys:
        raise SettingsError(f"{channel.key_env}: there is no key in it")
    ident = f"callwatch-test-{uuid.uuid4().hex[:12]}"
    if channel.kind == "webhook":
        body = orjson.dumps({"delivery": ident, "event": {"type": "test", "time": rfc3339(now_ms)}, "text": TEXT})
        return post(url, body, webhook.headers({"state": "test"}, ident, body, keys, now_ms), *keys)
    steps: list[Any]
    if channel.kind == "pagerduty":
        steps = pagerduty_test(ident, keys[0], now_ms)
    else:
        steps = alertmanager_test(channel, ident, notify.board_url, now_ms)
    outcome = Outcome("failed")
    for step in steps:
        outcome = post_json(url, step, *keys)
        if outcome.state != "sent":
            break
    return outcome


def pagerduty_test(ident: str, routing_key: str, now_ms: int) -> list[dict[str, Any]]:
    """A trigger of severity info, and its resolve."""
    about = {"routing_key": routing_key, "dedup_key": ident}
    payload = {"summary": f"{MARK}: {TEXT}", "source": "callwatch", "severity": "info", "timestamp": rfc3339(now_ms)}
    trigger = {**about, "event_action": "trigger", "client": pagerduty.CLIENT, "payload": payload}
    return [trigger, {**about, "event_action": "resolve"}]


def alertmanager_test(channel: Channel, ident: str, board_url: str, now_ms: int) -> list[Any]:
    """An alert that ends by itself; as webhooks, one that fires and the same that is over."""
    labels = {"alertname": "CallwatchTest", "severity": "info", "test": ident}
    alert = {
        "labels": labels,
        "annotations": {"summary": f"{MARK}: {TEXT}"},
        "startsAt": rfc3339(now_ms),
        "endsAt": rfc3339(now_ms + OVER_MS),
    }
    if channel.kind == "alertmanager":
        return [[alert]]
    found = []
    for status, end in (("firing", NEVER), ("resolved", rfc3339(now_ms))):
        one = alert | {"status": status, "endsAt": end, "generatorURL": board_url}
        found.append(
            {
                "version": "4",
                "groupKey": f'{{}}:{{test="{ident}"}}',
                "truncatedAlerts": 0,
                "status": status,
                "receiver": channel.name,
                "groupLabels": {"test": ident},
                "commonLabels": labels,
                "commonAnnotations": alert["annotations"],
                "externalURL": board_url,
                "alerts": [one | {"fingerprint": alertmanager.fingerprint(labels)}],
            }
        )
    return found


def said(tried: Tried) -> str:
    """One line about *tried*."""
    why = f": {tried.outcome.reason}" if tried.outcome.reason else ""
    how = "sent" if tried.outcome.state == "sent" else "not sent"
    return f"{how:<8} {tried.to} ({tried.way}){why}"
