"""The wallboard as the command line sees it: asks, commands, and what it says when it refuses."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from callwatch.terminal import write
from models.errors import UsageError, WorkError

#: The wallboard answers from memory, a command after the broker's confirmation (5 s at most).
ANSWER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wallboard:
    """A wallboard by address: *token* from CALLWATCH_TOKEN when it asks for one."""

    url: str
    token: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET *path*, or POST *body* to it. Raises UsageError for what it refuses, WorkError when it cannot answer."""
        headers = {"accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.url.rstrip("/") + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, ValueError) as error:
            raise WorkError(
                f"No wallboard answers at {self.url} ({error}): start it, or name another with --url"
            ) from (error)

    def order(self, beginning: str) -> dict[str, Any]:
        """The order whose id is or begins with *beginning*, without its log."""
        orders: list[dict[str, Any]] = self.ask("/api/orders")["orders"]
        found = [o for o in orders if o["id"] == beginning] or [o for o in orders if o["id"].startswith(beginning)]
        if len(found) != 1:
            reason = "no order's id begins" if not found else f"{len(found)} orders' ids begin"
            raise UsageError(f"{reason} with {beginning}: `callwatch orders list` shows them")
        return found[0]


def send_command(
    url: str,
    settings: Path | None,
    beginning: str,
    command: str,
    actor: str,
    args: dict[str, Any],
    minutes: float | None = None,
) -> None:
    """Write *command* about the order that begins with *beginning* onto the log and say so; *minutes* from now, in
    stream time, become ``until_ms``."""
    wallboard = wallboard_at(url, settings)
    order = wallboard.order(beginning)
    if minutes is not None:
        args = {**args, "until_ms": _stream_ms(wallboard, order) + int(minutes * 60_000)}
    path = f"/api/orders/{urllib.parse.quote(order['id'], safe='')}/commands"
    sent = wallboard.ask(path, {"command": command, "actor": actor, "args": args})
    write(f"{command} of {order['id']} is on the log as {sent['id']}; `callwatch orders show` tells what was decided")


def _stream_ms(wallboard: Wallboard, order: dict[str, Any]) -> int:
    """Now, as the order's queue sees it: in a replay far from the wall clock."""
    rows = wallboard.ask("/api/queues")["queues"]
    return max(int(order["updated_ms"]), *(int(row["at_ms"]) for row in rows if row["queue"] == order["queue"]), 0)


def wallboard_at(url: str, settings: Path | None) -> Wallboard:
    """The wallboard at *url*, else where *settings* have it. Raises UsageError for what is no address."""
    token = os.environ.get("CALLWATCH_TOKEN", "")
    if not url:
        from callwatch.settings import load_settings

        at = load_settings(settings).wallboard
        host = f"[{at.host}]" if ":" in at.host else at.host
        url = f"http://{host}:{at.port}"
    elif not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: write it with http:// or https://")
    return Wallboard(url, token)


def _refusal(error: urllib.error.HTTPError) -> UsageError | WorkError:
    """What the wallboard said, by whose turn it is."""
    try:
        detail = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = error.reason
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return WorkError(text) if error.code >= 500 else UsageError(text)
