"""From what is owed to what is sent: addresses from the environment, payloads from the pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.channels import alertmanager, pagerduty, webhook
from alerts.channels.words import message
from alerts.ledger import Again, Job
from alerts.owed import ended_ms, fired_as, is_over
from callwatch.delivery import Outcome, Person, http_url, post, post_json
from models.errors import SettingsError
from models.notify_settings import Channel, NotifySettings
from models.runtime import Settings

#: Where Alertmanager takes alerts, below its URL.
ALERTS_PATH = "/api/v2/alerts"


def url_of(channel: Channel, env: Mapping[str, str]) -> str:
    """Where *channel* is reached. Raises SettingsError, without the URL, when it is none."""
    if not channel.url_env:
        return pagerduty.URL
    url = http_url(channel.url_env, env[channel.url_env].strip())
    if channel.kind == "alertmanager" and not url.rstrip("/").endswith(ALERTS_PATH):
        return url.rstrip("/") + ALERTS_PATH
    return url


def keys_in(value: str) -> list[str]:
    """The keys in the value of a variable, which holds several by comma while one replaces another."""
    return [key.strip() for key in value.split(",") if key.strip()]


class Outbox:
    """Everything that can be reached. Raises SettingsError with the names of the variables that are not set."""

    def __init__(self, settings: Settings, env: Mapping[str, str]) -> None:
        notify = settings.notify
        names = {name for c in notify.contacts for name in c.ways}
        names |= {name for c in notify.channels for name in (c.url_env, c.key_env) if name}
        if missing := sorted(name for name in names if not env.get(name, "").strip()):
            raise SettingsError(
                f"Not set in the environment: {', '.join(missing)}. The settings name them in [[contact]] and "
                "[[channel]]; they hold the addresses and keys"
            )
        self.notify: NotifySettings = notify
        self._env = env
        self._zones = {p.id: p.zone for p in settings.catalogue.people}
        self._people = {name: Person(name, env[name].strip()) for c in notify.contacts for name in c.ways}
        self._channels: dict[str, Channel] = {c.name: c for c in notify.channels}
        if bare := [c.key_env for c in notify.channels if c.key_env and not self._secrets(c)]:
            raise SettingsError(f"{', '.join(bare)}: there is no key in it")
        self._urls = {c.name: url_of(c, env) for c in notify.channels}

    def prepare(self, job: Job, now_ms: int) -> tuple[str, Any]:
        """What *job* sends: the way or channel, and the content. Made at once, before the case can change."""
        item, order = job.item, job.case.order
        channel = self._channels.get(item.to)
        if channel is None:
            zone = self._zones.get(item.to, "UTC")
            made = message(item.occasion, order or {}, item.said or {}, item.key, zone, self.notify.board_url)
            return item.way, made
        assert order is not None
        zh, url = job.case.zh, self.notify.board_url
        over = is_over(item.occasion)
        if channel.kind == "pagerduty":
            why = job.case.shown[channel.name].outside if channel.name in job.case.shown else ""
            return channel.name, pagerduty.event(item.occasion, order, self._secrets(channel)[0], url, why, zh)
        if channel.kind == "webhook":
            return channel.name, (order, webhook.body(order, item.key, url, zh), item.key)
        severities = fired_as(job.case, channel.name, item.occasion)
        at_ms = ended_ms(order) if over else None
        if channel.kind == "alertmanager":
            return channel.name, alertmanager.alerts(order, severities, item.since_ms, at_ms, url, zh)
        reason = "all alerts resolved" if over else "first notification" if item.cause == "1" else "new alerts added"
        return channel.name, alertmanager.webhook(
            channel.name, order, severities, item.since_ms, at_ms, url, reason, zh
        )

    def send(self, to: str, content: Any, now_ms: int) -> Outcome:
        """Send what `prepare` made; *now_ms* signs a webhook."""
        channel = self._channels.get(to)
        if channel is None:
            return self._people[to].send(content)
        secrets = self._secrets(channel)
        if channel.kind == "webhook":
            order, body, key = content
            return post(self._urls[to], body, webhook.headers(order, key, body, secrets, now_ms), *secrets)
        return post_json(self._urls[to], content, *secrets)

    def _secrets(self, channel: Channel) -> list[str]:
        if not channel.key_env:
            return []
        return keys_in(self._env[channel.key_env])

    def again(self, found: Again) -> list[dict[str, Any]]:
        """The alerts of one order that Alertmanager is to hear of again."""
        assert found.case.order is not None
        return alertmanager.alerts(
            found.case.order, found.severities, found.since_ms, found.ended_ms, self.notify.board_url, found.case.zh
        )
