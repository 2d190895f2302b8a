"""Commands of people onto the log: the broker's confirmation is the answer, the decision falls where they lie."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.broker_access import client_options
from models.command import ANY_ORDER, NEEDS, TEXT_LIMIT, CommandName, OrderCommand
from models.encode import command_record
from models.errors import UsageError, WorkError
from models.fields import QUEUE_MAX
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import EVENTS, topic_name

#: What a person waits for a button; the producer's own retries end with it.
CONFIRM_S: Final = 5.0
#: Commands under way at once; a person presses one button at a time.
PENDING: Final = 100


class CommandRequest(BaseModel):
    """The body of ``POST /api/orders/{id}/commands``."""

    model_config = ConfigDict(extra="forbid")

    command: CommandName
    actor: str = Field(min_length=1, max_length=100, description="person id")
    args: dict[str, str | int | float | None] = Field(default_factory=dict, description="what the command needs beside")


class FindingRequest(CommandRequest):
    """The body of ``POST /api/findings`` (what was found in *queue*, or that a sender's finding is over), and of ``POST
    /api/problems`` (a problem of *queue* is closed). A day of *queue* is marked odd by the former."""

    queue: str = Field(min_length=1, max_length=QUEUE_MAX)


def reported(request: FindingRequest, people: frozenset[str]) -> OrderCommand:
    """*request* as a command about whatever order its queue has. Raises UsageError.

    A finding of another system is reported, and said to be over, by no person.
    """
    if request.command not in ("report", "over", "close_problem", "mark_odd"):
        raise UsageError(f"command: {request.command} needs an order: POST /api/orders/ID/commands")
    sent = request.command == "over" or request.args.get("verify") == "sender"
    return checked(ANY_ORDER, request, frozenset() if sent else people, ())


def checked(order: str, request: CommandRequest, people: frozenset[str], causes: tuple[str, ...]) -> OrderCommand:
    """*request* as a command about *order*. Raises UsageError with the field and what would be right."""
    known = set(OrderCommand.model_fields) - {"order", "command", "actor"}
    args = {name: value for name, value in request.args.items() if value is not None}
    if unknown := sorted(set(args) - known):
        raise UsageError(f"args: {', '.join(unknown)} is not known; known are {', '.join(sorted(known))}")
    if people and request.actor not in people:
        raise UsageError(f"actor: nobody is called {request.actor}; GET /api/people names everybody")
    if missing := [name for name in NEEDS.get(request.command, ()) if not str(args.get(name, "")).strip()]:
        raise UsageError(f"args: {request.command} needs {' and '.join(missing)}")
    for name, value in args.items():
        if isinstance(value, str) and (len(value) > TEXT_LIMIT or len(value.splitlines()) > 1):
            raise UsageError(f"args: {name} must be one line of at most {TEXT_LIMIT} characters")
    if args.get("cause") and args["cause"] not in causes:
        raise UsageError(f"args: cause must be one of {', '.join(causes)}")
    try:
        return OrderCommand.model_validate({"order": order, "command": request.command, "actor": request.actor, **args})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"args: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


class Commands:
    """Appends commands to ``events``. The producer starts with the first command and starts anew after a failure."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self._pending = asyncio.Semaphore(PENDING)

    async def send(
        self, command: OrderCommand, queue: str, ts_ms: int, event_id: str = "", source: str = "wallboard"
    ) -> dict[str, Any]:
        """Append *command* in the partition of *queue*; returns its id, partition and offset once confirmed.

        *ts_ms* is stream time: in a replay the wall clock would lie decades ahead of the log. The same *source* and
        *event_id* are the same command. Raises WorkError.
        """
        event_id = event_id or str(uuid.uuid4())
        partition = partition_of(queue, self._kafka.partitions)
        value = command_record(
            id=event_id,
            source=source,
            ts_ms=ts_ms,
            queue=queue,
            order=command.order,
            command=command.command,
            actor=command.actor,
            args=command.model_dump(exclude_defaults=True, exclude={"order", "command", "actor"}),
        )
        offset = await self.append(EVENTS, queue.encode(), value, partition)
        return {"id": event_id, "order": command.order, "partition": partition, "offset": offset}

    async def append(self, topic: str, key: bytes, value: bytes, partition: int) -> int:
        """Append a record to *topic* (its name without prefix); returns its offset once confirmed. Raises WorkError."""
        try:
            async with asyncio.timeout(CONFIRM_S), self._pending:
                producer = await self._started()
                sent = await producer.send_and_wait(
                    topic_name(self._kafka.prefix, topic), value, key=key, partition=partition
                )
                return int(sent.offset)
        except (KafkaError, OSError, TimeoutError) as error:
            raise WorkError(
                f"The broker {self._kafka.bootstrap} did not confirm the command ({type(error).__name__}): "
                "it may or may not be decided; look at the order's log before trying again"
            ) from error

    async def stop(self) -> None:
        """Flush and close; bounded, a dead broker must not hold up the end."""
        if self._producer is not None:
            try:
                async with asyncio.timeout(CONFIRM_S):
                    await self._producer.stop()
            except TimeoutError:
                pass
            self._producer = None

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    acks="all", request_timeout_ms=int(CONFIRM_S * 1000), **client_options(self._kafka)
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer
