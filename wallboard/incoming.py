"""What outside systems send, as commands: pure translations of their payloads.

Alertmanager's webhook (version 4) and events in PagerDuty's format (Events v2) report findings; each says how it is
verified that the finding is over (`models.notification.Hook`). PagerDuty's webhook (v3) brings back what people do
there with our orders. Sources: prometheus/alertmanager docs/configuration.md (`<webhook_config>`),
developer.pagerduty.com, Events API v2 and Webhooks v3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from models.command import ANY_ORDER, TEXT_LIMIT, OrderCommand
from models.errors import UsageError
from models.fields import TEXT_MAX, queue_fault
from models.notification import Notification
from models.notify_settings import Hook

#: Alerts in one webhook: an order takes a handful of findings, and each becomes a record of the log.
ALERTS_MAX: Final = 100
#: What others call severities, as ours.
SEVERITIES: Final = {
    "critical": 1,
    "page": 1,
    "disaster": 1,
    "error": 2,
    "high": 2,
    "major": 2,
    "warning": 3,
    "minor": 3,
    "info": 3,
}
#: PagerDuty's signatures hold no time, and it delivers again for some 20 minutes: what happened longer ago was recorded
#: by somebody and sent again. What it does today is not what its person wants now.
EVENT_AGE_MAX_MS: Final = 3_600_000
#: How ids of our orders begin.
ORDER_ID: Final = "WO-"
#: A note in PagerDuty that resolves: ``cause: staffing; measure: two agents moved over``.
RESOLVING: Final = re.compile(r"\s*cause:\s*(?P<cause>[\w-]+)\s*[;,.\n]\s*measure:\s*(?P<measure>.+)", re.I | re.S)
NOT_MAPPED: Final = "pagerduty"


@dataclass(frozen=True, slots=True)
class Told:
    """A command that follows from what was sent: about *queue*; *id* is the same for the same thing sent again (""
    where that cannot be known)."""

    queue: str
    command: OrderCommand
    id: str


@dataclass(frozen=True, slots=True)
class Back:
    """What came back from PagerDuty: commands, what the tool now shows (None: what we left), and what to answer."""

    told: tuple[Told, ...]
    seen: Notification | None
    answer: str


def one_line(text: object, limit: int = TEXT_LIMIT) -> str:
    """*text* as one line of at most *limit* characters."""
    return " ".join(str(text).split())[:limit]


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{field} must be an object")
    return value


def _id(*parts: object) -> str:
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def actor_of(hook: Hook) -> str:
    """In whose name *hook* reports: of a person who answers for it, or of the sender itself."""
    return hook.person or f"hook:{hook.name}"


def _queue(hook: Hook, named: object, where: str = "") -> str:
    queue = str(named or hook.queue)
    if fault := queue_fault(queue):
        raise UsageError(f"{where}queue: {fault}: name it in a label `queue`, or in the settings of the hook")
    return queue


def _report(hook: Hook, text: str, severity: int, key: str) -> OrderCommand:
    return OrderCommand(
        order=ANY_ORDER,
        command="report",
        actor=actor_of(hook),
        kind="external",
        text=one_line(text) or "no words were sent",
        severity=severity,
        verify=hook.verify,
        key=key,
        person=hook.signer,
        metric=hook.metric,
        window=hook.window,
        limit=hook.limit,
    )


def _over(hook: Hook, key: str) -> OrderCommand:
    return OrderCommand(order=ANY_ORDER, command="over", actor=actor_of(hook), key=key)


# --- findings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a webhook with many alerts holds: *told*, and *faults*, why others of them cannot be taken."""

    told: tuple[Told, ...]
    faults: tuple[str, ...]


def from_alertmanager(hook: Hook, payload: Any) -> Found:
    """The findings in a webhook of version 4. Raises UsageError with the field that is wrong with all of it.

    A firing alert reports; a resolved one is the sender's word that it is over, where that word decides. One alert that
    cannot be taken keeps no other from it.
    """
    content = _object(payload, "body")
    if content.get("version") != "4":
        raise UsageError(f'version: "4" is read here, not {one_line(content.get("version"), 20)}')
    alerts = content.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > ALERTS_MAX:
        raise UsageError(f"alerts: must be a list of at most {ALERTS_MAX} (max_alerts in Alertmanager's settings)")
    told, faults = list[Told](), list[str]()
    for n, alert in enumerate(alerts):
        try:
            found = _alert(hook, _object(alert, f"alerts[{n}]"), f"alerts[{n}]")
        except UsageError as error:
            faults.append(str(error))
        else:
            told += [found] if found is not None else []
    return Found(tuple(told), tuple(faults))


def _alert(hook: Hook, alert: dict[str, Any], where: str) -> Told | None:
    labels = _object(alert.get("labels"), f"{where}.labels")
    remarks = _object(alert.get("annotations") or {}, f"{where}.annotations")
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise UsageError(f"{where}.status: firing or resolved, not {one_line(status, 40)}")
    key = str(alert.get("fingerprint") or _id(*(f"{k}={labels[k]}" for k in sorted(labels))))[:TEXT_MAX]
    queue = _queue(hook, labels.get("queue"), f"{where}.labels.")
    ident = _id(hook.name, key, alert.get("startsAt"), status)
    if status == "resolved":
        return Told(queue, _over(hook, key), ident) if hook.verify == "sender" else None
    text = remarks.get("summary") or remarks.get("description") or labels.get("alertname") or ""
    severity = SEVERITIES.get(str(labels.get("severity", "")).lower(), hook.severity)
    return Told(queue, _report(hook, str(text), severity, key), ident)


def from_pagerduty_event(hook: Hook, payload: Any) -> tuple[Told | None, str]:
    """The finding in an event of PagerDuty's format, and its ``dedup_key``. Raises UsageError with the field.

    ``acknowledge`` changes nothing here: findings are acknowledged in their order.
    """
    content = _object(payload, "body")
    action, key = content.get("event_action"), str(content.get("dedup_key") or "")
    if action not in ("trigger", "acknowledge", "resolve"):
        raise UsageError(f"event_action: trigger, acknowledge or resolve, not {one_line(action, 40)}")
    if action != "trigger" and not key:
        raise UsageError(f"dedup_key: {action} needs it")
    body = _object(content.get("payload") or {}, "payload")
    details = body.get("custom_details")
    details = details if isinstance(details, dict) else {}
    key = key or _id(body.get("summary"), body.get("source"), body.get("timestamp"))
    if action == "acknowledge":
        return None, key
    named = details.get("queue") or _queue_in(body)
    queue = _queue(hook, named)
    # without a time nothing tells a repeat from the same fault come back: the loop does, by the finding's key
    ident = _id(hook.name, key, action, body["timestamp"]) if body.get("timestamp") else ""
    if action == "resolve":
        return (Told(queue, _over(hook, key[:TEXT_MAX]), ident) if hook.verify == "sender" else None), key
    if not body.get("summary"):
        raise UsageError("payload.summary: trigger needs it")
    severity = SEVERITIES.get(str(body.get("severity", "")).lower(), hook.severity)
    return Told(queue, _report(hook, str(body["summary"]), severity, key[:TEXT_MAX]), ident), key


def _queue_in(body: dict[str, Any]) -> str:
    """A component or source that is written like a queue."""
    for name in ("component", "source"):
        value = str(body.get(name) or "")
        if "/" in value and not queue_fault(value):
            return value
    return ""


# --- back from PagerDuty --------------------------------------------------------------------------------------------


def order_in(payload: Any, orders: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The order among *orders* that a webhook v3 is about: by its incident key, else by the id in a title."""
    data = _object(_object(_object(payload, "body").get("event"), "event").get("data") or {}, "event.data")
    found = orders.get(str(data.get("incident_key") or ""))
    if found is not None:
        return found
    incident = data.get("incident")
    titles = [data.get("title"), incident.get("summary") if isinstance(incident, dict) else None]
    words = {word for title in titles if title for word in str(title).split()}
    return next((orders[word] for word in sorted(words) if word in orders), None)


def occurred_ms(payload: Any, now_ms: int) -> int:
    """When (wall clock) what a webhook v3 tells of happened; *now_ms* when it does not say. Raises UsageError."""
    said = _object(_object(payload, "body").get("event"), "event").get("occurred_at")
    if said is None:
        return now_ms
    try:
        at = datetime.fromisoformat(str(said))
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"event.occurred_at: {one_line(said, 40)} is no time of RFC 3339") from error


def may_be_ours(payload: Any) -> bool:
    """Whether the incident of a webhook v3 is named like an order of ours."""
    data = _object(_object(_object(payload, "body").get("event"), "event").get("data") or {}, "event.data")
    return str(data.get("incident_key") or "").startswith(ORDER_ID)


def from_pagerduty(
    hook: Hook, payload: Any, order: dict[str, Any], people: Mapping[str, str], causes: tuple[str, ...], now_ms: int
) -> Back:
    """What people did in PagerDuty with *order*; *people* maps their user ids there to ours. *now_ms* is wall clock.

    An order is not resolved by closing it over there: a resolve needs a cause and a measure, and then the calls after
    it decide. So the channel is told to ring again, and why.
    """
    event = _object(_object(payload, "body").get("event"), "event")
    kind, ident = str(event.get("event_type")), str(event.get("id") or "")
    if not ident:
        raise UsageError("event.id: is missing")
    if now_ms - occurred_ms(payload, now_ms) > EVENT_AGE_MAX_MS:
        return Back((), None, "it happened more than an hour ago: too late to count")
    agent = event.get("agent") if isinstance(event.get("agent"), dict) else {}
    user = one_line((agent or {}).get("summary") or "PagerDuty", 100)
    actor = people.get(str((agent or {}).get("id")), NOT_MAPPED)
    ask = _Ask(order, actor, user, ident, causes)
    if order["state"] in ("closed", "cancelled"):
        return Back((), None, "the order is over here already")
    if kind == "incident.acknowledged":
        return _acknowledged(ask)
    if kind == "incident.annotated":
        data = event.get("data")
        return _annotated(ask, str((data if isinstance(data, dict) else {}).get("content") or ""))
    if kind == "incident.resolved":
        return _resolved(hook, ask, now_ms)
    return Back((), None, f"{kind} changes nothing here")


@dataclass(frozen=True, slots=True)
class _Ask:
    order: dict[str, Any]
    actor: str
    user: str
    ident: str
    causes: tuple[str, ...]

    def told(self, name: str, part: str = "", **args: str) -> Told:
        fields = {"order": self.order["id"], "command": name, "actor": self.actor, **args}
        return Told(self.order["queue"], OrderCommand.model_validate(fields), f"{self.ident}{part}")

    def note(self, text: str) -> Told:
        return self.told("note", "-note", text=one_line(text))


def _acknowledged(ask: _Ask) -> Back:
    if ask.actor == NOT_MAPPED:
        said = f"PagerDuty: acknowledged there by {ask.user}, who is nobody here ([[contact]] pagerduty): not counted"
        return Back((ask.note(said),), None, said)
    if ask.order["state"] not in ("detected", "dispatched"):
        return Back((), None, f"the order is {ask.order['state']} already")
    return Back((ask.told("acknowledge"),), None, f"acknowledge by {ask.actor} is on the log")


def _annotated(ask: _Ask, content: str) -> Back:
    found = RESOLVING.match(content)
    if found is None:
        return Back((ask.note(f"PagerDuty, {ask.user}: {content}"),), None, "noted")
    cause, measure = found["cause"].lower(), one_line(found["measure"])
    if cause not in ask.causes or ask.actor == NOT_MAPPED:
        why = f"the cause must be one of {', '.join(ask.causes)}" if cause not in ask.causes else "who is nobody here"
        said = f"PagerDuty, {ask.user}: {content} - no resolve: {why}"
        return Back((ask.note(said),), None, one_line(said))
    told = ask.told("resolve", cause=cause, measure=measure)
    return Back((told,), None, f"resolve by {ask.actor} is on the log: the calls after it decide")


def _resolved(hook: Hook, ask: _Ask, now_ms: int) -> Back:
    why = "resolve needs cause and measure here, and the calls after it decide"
    said = f"PagerDuty: resolved there by {ask.user}, refused: {why}; it rings again"
    seen = Notification(
        key=f"{hook.name}-{ask.ident}"[:200],
        order=ask.order["id"],
        queue=ask.order["queue"],
        to=hook.channel,
        occasion="resolve",
        cause=ask.ident[:100],
        state="seen",
        reason=f"Kept open: {why} (note in PagerDuty: cause: ...; measure: ...)",
        at_ms=now_ms,
    )
    if ask.order["state"] == "verifying":
        said = f"PagerDuty: resolved there by {ask.user}: the calls still decide here; it rings again"
        seen = seen.model_copy(update={"reason": "Kept open: the calls since the resolve still decide"})
    return Back((ask.note(said),), seen, said)
