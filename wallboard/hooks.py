"""``POST /hooks/NAME``: what outside systems tell us, each checked by its own secret before anything in it is read."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from models.errors import SettingsError, UsageError, WorkError
from models.notification import Notification, encode
from models.notify_settings import Hook, NotifySettings
from models.partition import partition_of
from models.signature import is_signed, same
from models.topics import NOTIFICATIONS
from wallboard.hub import wall_ms
from wallboard.incoming import (
    EVENT_AGE_MAX_MS,
    Told,
    from_alertmanager,
    from_pagerduty,
    from_pagerduty_event,
    may_be_ours,
    occurred_ms,
    order_in,
)

#: The header of PagerDuty's webhooks: ``v1=`` and HMAC-SHA256 of the body, one for each key in use.
PAGERDUTY_SIGNATURE: Final = "x-pagerduty-signature"

router = APIRouter()
log = logging.getLogger("callwatch.hooks")


class Hooks:
    """The hooks of the settings with their secrets. Raises SettingsError with the variables that are not set."""

    def __init__(self, notify: NotifySettings, env: Mapping[str, str] | None = None) -> None:
        env = os.environ if env is None else env
        missing = sorted(n for hook in notify.hooks for n in hook.secrets_env if not env.get(n, "").strip())
        if missing:
            raise SettingsError(f"Not set in the environment: {', '.join(missing)} (secret_env of a [[hook]])")
        self.by_name = {hook.name: hook for hook in notify.hooks}
        self.people = {c.pagerduty: c.person for c in notify.contacts if c.pagerduty}
        self._secrets = {hook.name: [env[n].strip() for n in hook.secrets_env] for hook in notify.hooks}

    def check(self, hook: Hook, request: Request, body: bytes) -> None:
        """Raise HTTPException 401 unless the request carries one of the hook's secrets."""
        secrets = self._secrets[hook.name]
        if hook.kind == "pagerduty":
            right = is_signed(secrets, request.headers.get(PAGERDUTY_SIGNATURE, ""), body)
        elif hook.kind == "alertmanager":
            kind, _, given = request.headers.get("authorization", "").partition(" ")
            right = kind.lower() == "bearer" and same(given.strip(), secrets)
        else:
            content = _read(body)
            right = isinstance(content, dict) and same(str(content.get("routing_key") or ""), secrets)
        if not right:
            raise HTTPException(401, f"hook {hook.name}: the secret does not fit")


def _read(body: bytes) -> Any:
    """*body* as JSON. Half characters (surrogates), which no topic takes, and endless nesting are refused here."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, "the body is not JSON") from error


@router.post("/hooks/{name}")
@router.post("/hooks/{name}/v2/enqueue")
async def take(request: Request, name: str) -> JSONResponse:
    """Take what the system behind hook *name* sends.

    2xx: the broker has what follows from it. 400: it will never be taken, and why. 401: the secret does not fit.
    404: no such hook. 413: the body is too large. 503: not now; send it again.
    """
    wallboard = request.app.state.wallboard
    hooks: Hooks = wallboard.hooks
    hook = hooks.by_name.get(name)
    if hook is None:
        raise HTTPException(404, f"no [[hook]] is called {name[:60]}")
    body = await request.body()
    hooks.check(hook, request, body)
    try:
        return await _take(wallboard, hooks, hook, _read(body))
    except UsageError as error:
        log.warning("hook %s: refused: %s", hook.name, error)
        raise HTTPException(400, str(error)) from error


async def _take(wallboard: Any, hooks: Hooks, hook: Hook, content: Any) -> JSONResponse:
    if hook.kind == "alertmanager":
        read = from_alertmanager(hook, content)
        await _send(wallboard, hook, read.told)
        if read.faults:
            log.warning("hook %s: %d alerts refused: %s", hook.name, len(read.faults), read.faults[0])
            return JSONResponse({"detail": "; ".join(read.faults[:10]), "taken": len(read.told)}, 400)
        return JSONResponse({"taken": len(read.told)})
    if hook.kind == "pagerduty_events":
        found, key = from_pagerduty_event(hook, content)
        await _send(wallboard, hook, [found] if found else [])
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, 202)
    order = order_in(content, wallboard.board.orders)
    if order is None:
        now_ms = wall_ms()
        if may_be_ours(content) and now_ms - occurred_ms(content, now_ms) <= EVENT_AGE_MAX_MS:
            raise WorkError("the order is not known here (yet): send it again")
        return JSONResponse({"answer": "not about an order of ours"})
    causes = wallboard.settings.catalogue.causes
    back = from_pagerduty(hook, content, order, hooks.people, causes, wall_ms())
    await _send(wallboard, hook, back.told)
    if back.seen is not None:
        await _seen(wallboard, back.seen)
    return JSONResponse({"answer": back.answer, "order": order["id"]})


async def _send(wallboard: Any, hook: Hook, told: Any) -> None:
    """Put what was told onto the log, one after the other: the second may build on the first."""
    for one in told:
        await wallboard.commands.send(
            one.command, one.queue, _stream_ms(wallboard, one), event_id=one.id, source=f"hook:{hook.name}"
        )


def _stream_ms(wallboard: Any, told: Told) -> int:
    """Now, as the queue sees it; of a queue without figures yet as the others do, of a board without any the clock."""
    board = wallboard.board
    order = board.orders.get(told.command.order)
    latest = max((int(row["at_ms"]) for row in board.queues.values()), default=wall_ms())
    return max(board.stream_ms(told.queue) or latest, order["updated_ms"] if order else 0)


async def _seen(wallboard: Any, record: Notification) -> None:
    """Tell the ledger what an outside tool shows now."""
    partition = partition_of(record.queue, wallboard.settings.kafka.partitions)
    await wallboard.commands.append(NOTIFICATIONS, record.key.encode(), encode(record), partition)
