"""Sending: one HTTP request or one Apprise message, bounded in time, with an outcome that says what to do next.

Nothing here ever names an address in what it says: a DingTalk URL is a key.
"""

from __future__ import annotations

import json
import logging
import socket
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from alerts.channels.words import Message
from models.errors import SettingsError

#: For one attempt: far below the lease of a claim (`alerts.ledger.LEASE_MS`).
SEND_S: Final = 10.0
#: How long Apprise's services wait for an answer: a failure after that may have arrived all the same.
SERVICE_S: Final = 4.0
#: Bytes of an answer that are read: reasons are a line.
ANSWER_BYTES: Final = 2_048
#: Characters of a part of an address that may be a key; shorter ones are words such as ``api`` or ``v2``.
SECRET_LEAST: Final = 5
#: Answers after which trying again may help: the others say that the request is wrong.
AGAIN: Final = frozenset({408, 409, 425, 429})

State = Literal["sent", "failed", "given_up"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: ``sent``, ``failed`` (try again) or ``given_up`` (it would never be taken), and why.

    With *doubt* it may have arrived all the same: the request went out, and no answer came.
    """

    state: State
    reason: str = ""
    doubt: bool = False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed request goes where the settings say, nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the answer is then an HTTPError with its status."""


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def without(text: str, url: str, *secrets: str) -> str:
    """*text* without what in *url* may be a key (path, query, user), and without *secrets*: servers repeat them."""
    parts = urlsplit(url)
    hidden = {parts.path.strip("/"), parts.query, parts.username or "", parts.password or "", *parts.path.split("/")}
    hidden |= {word.partition("=")[2] for word in parts.query.split("&")}
    for word in sorted({*hidden, *(unquote(h) for h in hidden), *secrets}, key=len, reverse=True):
        if len(word) >= SECRET_LEAST:
            text = text.replace(word, "***")
    return text


def post(url: str, body: bytes, headers: Mapping[str, str], *secrets: str) -> Outcome:
    """POST *body*; 2xx is sent, a refusal of the request is given up, all else is tried again.

    What is said of it names neither the address nor one of *secrets*.
    """
    where, sign_in = _signed_in(url)
    sent = {"Content-Type": "application/json", "User-Agent": "Callwatch", **sign_in, **headers}
    request = urllib.request.Request(where, body, sent, method="POST")
    try:
        with _OPENER.open(request, timeout=SEND_S) as answer:
            answer.read(ANSWER_BYTES)
            return Outcome("sent", f"HTTP {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(ANSWER_BYTES).decode(errors="replace").split("\n", 1)[0][:200]
        reason = f"HTTP {error.code}: {without(said, url, *secrets)}" if said else f"HTTP {error.code}"
        again = error.code >= 500 or error.code in AGAIN
        return Outcome("failed" if again else "given_up", reason)
    except (urllib.error.URLError, OSError, HTTPException) as error:
        cause = getattr(error, "reason", error)
        never = isinstance(cause, (ConnectionRefusedError, socket.gaierror))
        why = f"{type(cause).__name__}: {getattr(cause, 'strerror', None) or 'no answer'}"
        return Outcome("failed", without(why, url, *secrets), doubt=not never)


def _signed_in(url: str) -> tuple[str, dict[str, str]]:
    """*url* without its user and password, and the header that says them (urllib takes them for a part of the host)."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    return parts._replace(netloc=host).geturl(), {
        "Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"
    }


def post_json(url: str, content: Any, *secrets: str) -> Outcome:
    """`post` of *content* as JSON."""
    return post(url, json.dumps(content, ensure_ascii=False).encode(), {}, *secrets)


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
        since_s = time.monotonic()
        try:
            taken = self._service.notify(
                body=message.body, title=message.title, notify_type=message.tone, body_format="text", timeout=SEND_S
            )
        except Exception as error:  # a plugin of a hundred: whatever it is, the others must go on
            return Outcome("failed", type(error).__name__, doubt=True)
        if taken:
            return Outcome("sent")
        late = time.monotonic() - since_s >= SERVICE_S
        return Outcome("failed", "no answer in time" if late else "the service did not take it", doubt=late)


def http_url(variable: str, url: str) -> str:
    """*url* when it is one that can be posted to. Raises SettingsError, without the URL."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        right = False
    if not right:
        raise SettingsError(f"{variable}: it must hold http://... or https://...")
    if not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise SettingsError(f"{variable}: the URL in it must be ASCII without blanks; write others as %XX")
    return url
