"""``/api/planned`` and ``/api/emergencies``: listed, and put onto the log of every partition concerned."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from models.command import ANY_ORDER
from wallboard import planned
from wallboard.commands import CommandRequest, checked
from wallboard.failures import answered

router = APIRouter()


async def known(wallboard: Any) -> dict[str, Any]:
    """What is planned, which emergencies are on, and what was kept quiet. Raises HTTPException 503 without Valkey."""
    store, board = wallboard.hub.store, wallboard.board
    told, quiet = await answered(store.planned()), await answered(store.notes("suppressed"))
    return planned.all_of(told, quiet, max((board.stream_ms(queue) or 0 for queue in board.queues), default=0))


@router.get("/api/planned")
async def listed(request: Request) -> dict[str, Any]:
    """Planned events, emergencies, and the breaches that events kept quiet."""
    return await known(request.app.state.wallboard)


@router.post("/api/planned", status_code=202)
async def plan(request: Request, body: planned.PlanRequest) -> dict[str, Any]:
    """Enter a planned event. 202: the broker has it; whether it is taken, ``GET /api/planned`` and the alerts say."""
    args = {"planned": body.kind, "covers": body.covers, "text": body.text, "until_ms": body.until_ms}
    args |= {"from_ms": body.from_ms} if body.from_ms is not None else {}
    args |= {"of_source": body.source} if body.source else {}
    return await _send(request, "plan", body.actor, args, body.covers)


@router.post("/api/planned/{event}", status_code=202)
async def change(request: Request, event: str, body: planned.ChangeRequest) -> dict[str, Any]:
    """Cancel a planned event, or, with ``until_ms``, shorten it."""
    found = await _found(request, "planned", event)
    if body.until_ms is None:
        args: dict[str, Any] = {"event": event, "reason": body.reason}
        return await _send(request, "cancel_plan", body.actor, args, found["covers"])
    args = {"event": event, "until_ms": body.until_ms, "reason": body.reason}
    return await _send(request, "shorten_plan", body.actor, args, found["covers"])


@router.post("/api/emergencies", status_code=202)
async def declare(request: Request, body: planned.EmergencyRequest) -> dict[str, Any]:
    """Declare the emergency state."""
    args = {"covers": body.covers, "reason": body.reason}
    return await _send(request, "declare_emergency", body.actor, args, body.covers)


@router.post("/api/emergencies/{event}", status_code=202)
async def stand_down(request: Request, event: str, body: planned.ChangeRequest) -> dict[str, Any]:
    """Stand an emergency down."""
    found = await _found(request, "emergencies", event)
    return await _send(request, "stand_down", body.actor, {"event": event, "reason": body.reason}, found["covers"])


async def _found(request: Request, of: str, event: str) -> dict[str, Any]:
    there = (await known(request.app.state.wallboard))[of]
    for one in there:
        if one["event"] == event:
            return dict(one)
    raise HTTPException(404, f"nothing is called {event}; GET /api/planned names all")


async def _send(request: Request, name: str, actor: str, args: dict[str, Any], pattern: str) -> dict[str, Any]:
    """One command to each partition concerned; a text that all of them have makes what is entered the same event."""
    wallboard = request.app.state.wallboard
    board = wallboard.board
    asked = CommandRequest.model_validate({"command": name, "actor": actor, "args": args})
    command = checked(ANY_ORDER, asked, wallboard.people, ())
    if not command.event:
        command = command.model_copy(update={"event": str(uuid.uuid4())})
    queues = planned.anchors(pattern, board.partitions)
    sending = (wallboard.commands.send(command, q, board.stream_ms(q) or 0) for q in queues)
    return {"sent": await asyncio.gather(*sending)}
