"""Sending: one HTTP request or one Apprise message, bounded in time, with an outcome that says what to do next.

Nothing here ever names an address in what it says: a DingTalk URL is a key.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from alerts.channels.words import Message
from models.errors import SettingsError

#: For one attempt: far below the lease of a claim (`alerts.ledger.LEASE_MS`).
SEND_S: Final = 10.0
#: Bytes of an answer that are read: reasons are a line.
ANSWER_BYTES: Final = 2_048
#: Answers after which trying again may help: the others say that the request is wrong.
AGAIN: Final = frozenset({408, 409, 425, 429})

State = Literal["sent", "failed", "given_up"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: ``sent``, ``failed`` (try again) or ``given_up`` (it would never be taken), and why."""

    state: State
    reason: str = ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed request goes where the settings say, nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the answer is then an HTTPError with its status."""


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """POST *body*; 2xx is sent, a refusal of the request is given up, all else is tried again."""
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json", "User-Agent": "Callwatch", **headers}, method="POST"
    )
    try:
        with _OPENER.open(request, timeout=SEND_S) as answer:
            answer.read(ANSWER_BYTES)
            return Outcome("sent", f"HTTP {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(ANSWER_BYTES).decode(errors="replace").split("\n", 1)[0][:200]
        reason = f"HTTP {error.code}: {said}" if said else f"HTTP {error.code}"
        again = error.code >= 500 or error.code in AGAIN
        return Outcome("failed" if again else "given_up", reason)
    except (urllib.error.URLError, OSError, HTTPException) as error:
        cause = getattr(error, "reason", error)
        return Outcome("failed", f"{type(cause).__name__}: {getattr(cause, 'strerror', None) or 'no answer'}")


def post_json(url: str, content: Any, headers: Mapping[str, str] | None = None) -> Outcome:
    """`post` of *content* as JSON."""
    return post(url, json.dumps(content, ensure_ascii=False).encode(), headers or {})


class Person:
    """One way to reach one person: an Apprise URL, which *variable* of the environment holds.

    Raises SettingsError, without the URL, when Apprise does not know its kind.
    """

    def __init__(self, variable: str, url: str) -> None:
        import apprise

        logging.getLogger("apprise").setLevel(
            logging.CRITICAL
        )  # its lines may name addresses; outcomes are ours to tell
        asset = apprise.AppriseAsset(
            app_id="Callwatch", app_desc="Callwatch", app_url="", async_mode=False, storage_mode="memory"
        )
        self._service = apprise.Apprise(asset=asset)
        if not self._service.add(url):
            kind = url.partition("://")[0] if "://" in url else "without ://"
            raise SettingsError(
                f"{variable}: Apprise cannot use the URL in it ({kind}): see docs/NOTIFICATIONS.md for how each kind "
                "is written"
            )
        self.variable = variable

    def send(self, message: Message) -> Outcome:
        """Send *message* by this way."""
        try:
            taken = self._service.notify(
                body=message.body, title=message.title, notify_type=message.tone, body_format="text", timeout=SEND_S
            )
        except Exception as error:  # a plugin of a hundred: whatever it is, the others must go on
            return Outcome("failed", type(error).__name__)
        return Outcome("sent") if taken else Outcome("failed", "the service did not take it")


def http_url(variable: str, url: str) -> str:
    """*url* when it is one that can be posted to. Raises SettingsError, without the URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(f"{variable}: it must hold http://... or https://...")
    return url
