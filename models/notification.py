"""What the topic ``notifications`` holds: each step of telling somebody something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Notification(BaseModel):
    """One step of one notification (topic ``notifications``, compacted by ``key``): who tells whom about what.

    ``claimed`` is written before something is sent, and the first claim of an attempt in the log has it: that is how
    two notifiers share the work. ``sent``, ``dropped`` and ``given_up`` are final. ``seen`` is what an outside tool
    told us of itself. Receivers get the key with what they get, and drop what they have had.
    """

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="the same for the same notification, whoever sends it and however often")
    order: str
    queue: str
    to: str = Field(description="person id, or the name of a channel")
    way: str = Field(default="", description="of a person: the variable that holds the address")
    occasion: str = Field(description="page, passed_on, accepted, ended, relapsed; of a channel what it is to show")
    cause: str = Field(description="what tells it from others of the same occasion: a pos, a time, a number")
    state: Literal["claimed", "sent", "failed", "dropped", "given_up", "seen"]
    tries: int = Field(default=0, description="which attempt this is about, from 1")
    notifier: str = Field(default="", description="the process that wrote it")
    reason: str = ""
    at_ms: int = Field(description="wall clock of who wrote it")
    since_ms: int = Field(default=0, description="stream time of what it is about")
    doubt: bool = Field(default=False, description="an attempt may have arrived, though nothing says so")
    zh: str = Field(default="", description="of a channel: the words in Chinese that it shows")
    version: int = Field(default=0, description="the order's version when it was written")


def encode(record: Notification) -> bytes:
    """*record* as the value of a record."""
    return record.model_dump_json(exclude_defaults=True).encode()


def decode(value: bytes) -> Notification:
    """The record in *value*. Raises pydantic.ValidationError."""
    return Notification.model_validate_json(value)


def words(rows: Iterable[tuple[int, bytes | None, bytes | None]]) -> Iterator[Notification]:
    """The steps in *rows* (offset, key, value) of the ledger; what is none is passed over."""
    for _, key, value in rows:
        if value is not None and key != CLOSED:
            with suppress(ValidationError):
                yield decode(value)


#: The key of the record that closes a partition of the ledger to all who notify, or opens it again.
CLOSED: Final = b"closed"


def closing(why: str | None) -> tuple[bytes, bytes | None]:
    """Key and value of a record that closes a partition of the ledger, saying *why*; None opens it again."""
    return CLOSED, None if why is None else why.encode()


#: A payload of `workorders`, `workorder-log` or `alerts` as it was read.
Payload = dict[str, Any]
