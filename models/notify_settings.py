"""Who is reached how: people by their ways, outside tools by channels, and what may tell us something by hooks.

Settings name the environment variables in which addresses and keys lie, never the addresses: a DingTalk URL is a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a type alone; its module is heavy, and the settings are read by every command
    from models.command import Way

ChannelKind = Literal["alertmanager", "alertmanager_webhook", "pagerduty", "webhook"]
HookKind = Literal["alertmanager", "pagerduty", "pagerduty_events"]


@dataclass(frozen=True, slots=True)
class Contact:
    """How one person is reached: *ways* are variables that hold an Apprise URL each. Pages of *severity* or graver."""

    person: str
    ways: tuple[str, ...] = ()
    severity: int = 4
    pagerduty: str = ""  #: the person's user id in PagerDuty, for what comes back from there


@dataclass(frozen=True, slots=True)
class Channel:
    """An outside tool that shows our orders: those of queues matching *pattern*, of *severity* or graver.

    *url_env* and *key_env* are variables; a PagerDuty channel needs the key (its routing key), the others the URL.
    """

    name: str
    kind: ChannelKind
    url_env: str = ""
    key_env: str = ""  #: PagerDuty: routing key; webhook: the secret it is signed with (several by comma)
    pattern: str = "*"
    severity: int = 3
    resend_ms: int = 60_000  #: Alertmanager: a firing alert is sent again after this, well below its resolve_timeout


@dataclass(frozen=True, slots=True)
class Hook:
    """Something outside that tells us: ``POST /hooks/NAME``. *secrets_env* are variables, any of which is right.

    ``pagerduty`` brings back what people do there with orders of *channel*. The others report findings about the queue
    that the alert names, else about *queue*, with *verify* as their way of verification: the sender's own word, or, in
    the name of *person*, a test call, the check that *signer* signs, or a figure with its limit.
    """

    name: str
    kind: HookKind
    secrets_env: tuple[str, ...] = ()
    channel: str = ""
    queue: str = ""
    severity: int = 3
    verify: Way = "sender"
    person: str = ""
    signer: str = ""
    metric: str = ""
    window: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Everything about reaching people and tools. *board_url* is the wallboard as they reach it, for links."""

    contacts: tuple[Contact, ...] = ()
    channels: tuple[Channel, ...] = ()
    hooks: tuple[Hook, ...] = ()
    board_url: str = ""

    def all_ways(self, person: str) -> tuple[str, ...]:
        """The variables of all ways to reach *person*, each once, as written."""
        return self.ways(person, 0)

    def ways(self, person: str, severity: int) -> tuple[str, ...]:
        """The variables of all ways to reach *person* about something of *severity*, each once, as written."""
        found = (way for c in self.contacts if c.person == person and severity <= c.severity for way in c.ways)
        return tuple(dict.fromkeys(found))
