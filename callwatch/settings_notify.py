"""The part of the settings file about reaching people: ``[notify]``, ``[[contact]]``, ``[[channel]]``, ``[[hook]]``.

Addresses, keys and secrets stand in the environment; the file names the variables. What lies in them is looked at by
the process that needs it, so a worker never has a pager's key.
"""

from __future__ import annotations

import re
from typing import Final, get_args
from urllib.parse import urlsplit

from callwatch.toml_table import Table
from models.catalogue import Catalogue
from models.command import Way
from models.metric import METRIC
from models.notify_settings import Channel, ChannelKind, Contact, Hook, HookKind, NotifySettings

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_CHANNELS: Final[dict[str, ChannelKind]] = {kind: kind for kind in get_args(ChannelKind)}
_WAYS: Final[dict[str, Way]] = {way: way for way in get_args(Way)}
_FIGURE: Final = ("person", "metric", "window", "limit")
#: The defaults of the records; a class with slots does not give them.
_CONTACT: Final = Contact("")
_CHANNEL: Final = Channel("", "webhook")
_HOOK: Final = Hook("", "pagerduty")
_HOOKS: Final[dict[str, HookKind]] = {kind: kind for kind in get_args(HookKind)}


def read(one: Table, many: dict[str, list[Table]], catalogue: Catalogue) -> NotifySettings:
    """Read the four kinds of tables. Raises SettingsError with line and reason; the caller refuses what is left."""
    people = {p.id for p in catalogue.people}
    contacts = tuple(_contact(table, people) for table in many["contact"])
    channels = tuple(_channel(table) for table in many["channel"])
    names = [c.name for c in channels]
    for n, (table, name) in enumerate(zip(many["channel"], names, strict=True)):
        if name in names[:n] or name in people:
            table.refuse("name", f'"{name}" is already the name of a channel or person')
    _one_person_each(many["contact"], contacts)
    hooks = tuple(_hook(table, channels, people) for table in many["hook"])
    for n, (table, hook) in enumerate(zip(many["hook"], hooks, strict=True)):
        if hook.name in [h.name for h in hooks[:n]]:
            table.refuse("name", f'"{hook.name}" is already the name of a hook')
    return NotifySettings(contacts, channels, hooks, _board_url(one))


def _board_url(table: Table) -> str:
    url = table.string("board_url", "", blank=True)
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        table.refuse("board_url", f'"{url}" is not http://... or https://...: it is put into messages as a link')
    return url


def _variable(table: Table, key: str, name: str) -> str:
    """*name* as the name of a variable; what looks like the secret itself is refused and not repeated."""
    if not _VARIABLE.fullmatch(name):
        table.refuse(
            key,
            "must name an environment variable (capitals, digits, underscore) that holds the address or secret; the "
            "address or secret itself does not belong in this file",
        )
    return name


def _variables(table: Table, key: str) -> tuple[str, ...]:
    names = table.strings(key, ())
    if not names:
        table.refuse(key, "is missing; it must be a list of names of environment variables")
    return tuple(_variable(table, key, name) for name in names)


def _optional(table: Table, key: str) -> str:
    return _variable(table, key, table.string(key)) if table.has(key) else ""


def _contact(table: Table, people: set[str]) -> Contact:
    person = table.string("person")
    if person not in people:
        table.refuse("person", f'no [[person]] has the id "{person}"')
    pagerduty = table.string("pagerduty", "")
    ways = _variables(table, "url_env") if table.has("url_env") or not pagerduty else ()
    return Contact(person, ways, table.integer("severity", _CONTACT.severity, low=1, high=4), pagerduty)


def _one_person_each(tables: list[Table], contacts: tuple[Contact, ...]) -> None:
    seen: dict[str, str] = {}
    for table, contact in zip(tables, contacts, strict=True):
        if contact.pagerduty and seen.setdefault(contact.pagerduty, contact.person) != contact.person:
            table.refuse("pagerduty", f'"{contact.pagerduty}" is already {seen[contact.pagerduty]}')


def _name(table: Table) -> str:
    name = table.string("name")
    if not _NAME.fullmatch(name):
        table.refuse("name", f'"{name}" is not letters, digits, hyphen and underscore, 60 at most')
    return name


def _channel(table: Table) -> Channel:
    kind = table.choice("kind", _CHANNELS)
    channel = Channel(
        name=_name(table),
        kind=kind,
        url_env=_optional(table, "url_env"),
        key_env=_optional(table, "key_env"),
        pattern=table.string("pattern", "*"),
        severity=table.integer("severity", _CHANNEL.severity, low=1, high=4),
        resend_ms=table.millis("resend_s", _CHANNEL.resend_ms, low=1.0),
    )
    if kind != "pagerduty" and not channel.url_env:
        table.refuse("url_env", f"is missing: {kind} needs the name of the variable that holds its URL")
    if kind in ("pagerduty", "webhook") and not channel.key_env:
        what = "its routing key" if kind == "pagerduty" else "the secret that signs what is sent"
        table.refuse("key_env", f"is missing: {kind} needs the name of the variable that holds {what}")
    return channel


def _hook(table: Table, channels: tuple[Channel, ...], people: set[str]) -> Hook:
    kind = table.choice("kind", _HOOKS)
    hook = Hook(
        name=_name(table),
        kind=kind,
        secrets_env=_variables(table, "secret_env"),
        channel=table.string("channel", ""),
        queue=table.string("queue", ""),
        severity=table.integer("severity", _HOOK.severity, low=1, high=3),
        verify=table.choice("verify", _WAYS, "sender"),
        person=table.string("person", ""),
        signer=table.string("signer", ""),
        metric=table.string("metric", ""),
        window=table.string("window", ""),
        limit=table.number("limit", low=-1e12) if table.has("limit") else None,
    )
    pagers = [c.name for c in channels if c.kind == "pagerduty"]
    if kind == "pagerduty":
        if hook.channel not in pagers:
            known = ", ".join(pagers) or "there is none"
            table.refuse(
                "channel", f'must be a [[channel]] of kind "pagerduty" ({known}): whose orders come back here?'
            )
        return hook
    if hook.queue and not all(hook.queue.partition("/")):
        table.refuse("queue", f'"{hook.queue}" is not of the form site/skill')
    _check_way(table, hook, people)
    return hook


def _check_way(table: Table, hook: Hook, people: set[str]) -> None:
    """Each way of verification needs what it is about; all but the sender's own word a person who answers for it."""
    needs = {"sender": (), "probe": ("person",), "signed": ("person", "signer"), "figure": _FIGURE}[hook.verify]
    for key in needs:
        if getattr(hook, key) in ("", None):
            table.refuse(key, f'is missing: findings verified by "{hook.verify}" need it')
    for key in ("person", "signer"):
        name = getattr(hook, key)
        if name and name not in people:
            table.refuse(key, f'no [[person]] has the id "{name}"')
    if hook.verify == "signed" and hook.person == hook.signer:
        table.refuse("signer", "the check is signed by somebody else than who reports")
    if hook.verify == "figure" and (hook.metric not in METRIC or hook.window not in METRIC[hook.metric].windows):
        table.refuse("metric", f"there is no figure {hook.metric} over {hook.window}: see docs/METRICS.md")
