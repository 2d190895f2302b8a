"""What the page is told when something cannot be done: one answer for each kind of failure, whichever route met it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from models.errors import UsageError, WorkError

T = TypeVar("T")


async def _asked_wrongly(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


async def _not_now(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 503)


def answer_failures(app: FastAPI) -> None:
    """From now on a UsageError in a route of *app* is a 422 and a WorkError a 503, each with its sentence."""
    app.add_exception_handler(UsageError, _asked_wrongly)
    app.add_exception_handler(WorkError, _not_now)


async def answered(reading: Awaitable[T]) -> T:
    """What *reading* gives. Raises HTTPException 503 when Valkey does not answer."""
    try:
        return await reading
    except (RedisError, OSError) as error:
        raise HTTPException(503, f"Valkey does not answer: {error}") from error
