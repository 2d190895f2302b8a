"""Who may look: the guard in front of every request, and the headers behind every answer.

On loopback without a token everybody on this machine may look and act (the demo); the guard then answers only to
loopback names, so that a foreign page cannot reach us through a name of its own. Anywhere else a token is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import SettingsError
from models.runtime import WallboardSettings

COOKIE: Final = "callwatch"
#: Paths that need no token: the probe of an orchestrator and the way in with what it shows.
OPEN_PATHS: Final = frozenset({"/healthz", "/login", "/static/login.css", "/static/login.js", "/static/icon.svg"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

#: Where outside systems tell us something: each path checks its own secret (`wallboard.hooks`).
HOOKS: Final = "/hooks/"
#: Bytes of what they send: PagerDuty takes and sends no more; an Alertmanager's group has 1 KB an alert.
HOOK_BODY_LIMIT: Final = 512_000
#: Bytes of a request's body: a command has five texts of 500 characters at most, and JSON may take six bytes for each.
BODY_LIMIT: Final = 32_768

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # not "no-referrer": a browser then says "Origin: null" with our own form, which is refused as a stranger's
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether *host* (a name or an address) is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_listening(settings: WallboardSettings) -> None:
    """Raise SettingsError when *settings* would let strangers in."""
    if not is_loopback(settings.host) and not settings.token:
        raise SettingsError(
            f"The wallboard may not listen on {settings.host} without sign-in: set CALLWATCH_TOKEN, "
            'or listen on loopback ([wallboard] host = "127.0.0.1")'
        )


def cookie_of(token: str) -> str:
    """What the sign-in cookie holds: not the token itself."""
    return hashlib.sha256(b"callwatch cookie " + token.encode()).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def limit_of(path: str) -> int:
    """The most bytes that a body to *path* may have."""
    return HOOK_BODY_LIMIT if path.startswith(HOOKS) else BODY_LIMIT


def bounded(receive: Receive, limit: int = BODY_LIMIT) -> Receive:
    """*receive*, but a body that says nothing of its length (sent in chunks) ends at the limit with status 413."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"a body has at most {limit} bytes here")
        return message

    return receive_some


class Guard:
    """ASGI middleware. A plain one: Starlette's own base class gathers streams before it passes them on."""

    def __init__(self, app: ASGIApp, settings: WallboardSettings) -> None:
        self._app = app
        self._token = settings.token
        self._names = LOOPBACK_NAMES | {settings.host.strip("[]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; either way with our headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, bounded(receive, limit_of(scope["path"])), with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        length, limit = headers.get("content-length", "0"), limit_of(scope["path"])
        if len(length) > 9 or (length.isdecimal() and int(length) > limit):
            return JSONResponse({"detail": f"a body has at most {limit} bytes here"}, 413)
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return JSONResponse({"detail": f"requests from pages of {origin} are refused"}, 403)
        if not self._token:
            if urlsplit(f"//{host}").hostname not in self._names:
                return JSONResponse({"detail": "without sign-in only loopback addresses are answered"}, 403)
            return None
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(HOOKS) or self._signed_in(headers):
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return JSONResponse(
            {"detail": "sign in at /login, or send the header Authorization: Bearer TOKEN"},
            401,
            {"www-authenticate": "Bearer"},
        )

    def _signed_in(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and same(given.strip(), self._token):
            return True
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return same(cookie, cookie_of(self._token))
