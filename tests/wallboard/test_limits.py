"""Bounds of the wallboard: bodies, screens, connections, alerts to catch up on, closed orders, commands under way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from callwatch.stack import EmbeddedStack
from models.command import OrderCommand
from models.errors import WorkError
from models.keys import CLOSED_KEPT
from models.runtime import KafkaSettings
from tests.wallboard.payloads import PARTITIONS, alert, order, row
from tests.wallboard.wall import Wall, running, until
from wallboard import commands, hub, server, store
from wallboard.access import BODY_LIMIT
from wallboard.board import RECENT_ALERTS, Board
from wallboard.position import Position


@pytest.mark.stack
def test_a_body_beyond_the_limit_is_refused_with_and_without_its_length(wall: Wall) -> None:
    wall.put("workorders", order("north/report"))
    until(lambda: wall.get("/api/orders")["orders"])
    url = f"{wall.url}/api/orders/{order('north/report').id}/commands"

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 4_096

    for answer in (httpx.post(url, content=b" " * (BODY_LIMIT + 1)), httpx.post(url, content=chunks())):
        assert answer.status_code == 413
        assert str(BODY_LIMIT) in answer.text
    assert httpx.post(url, content=b" " * BODY_LIMIT).status_code == 422  # taken, and no command
    form = httpx.post(f"{wall.url}/login", content=b"token=" + b"x" * server.FORM_LIMIT)
    assert form.status_code == 413
    assert wall.get("/healthz")["status"] == "ok"


@pytest.mark.stack
def test_one_screen_too_many_is_told_to_go_elsewhere(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CLIENTS", 2)
    with httpx.stream("GET", f"{wall.url}/events"), httpx.stream("GET", f"{wall.url}/events"):
        third = httpx.get(f"{wall.url}/events")
        assert third.status_code == 503
        assert "start another" in third.text
    until(lambda: _screen_works(wall))  # those that left made room


@pytest.mark.stack
def test_a_screen_that_takes_nothing_loses_its_place(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CLIENTS", 1)
    monkeypatch.setattr(server, "SEND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(server, "PING_S", 1)
    at = urlsplit(wall.url)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect((at.hostname, at.port or 80))
        deaf.sendall(f"GET /events HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
        until(lambda: httpx.get(f"{wall.url}/events").status_code == 503)
        for n in range(40):  # more than the system's buffers take for it
            wall.put("metrics", *(row(f"north/q{i:02}", (n * 50 + i) / 2_000) for i in range(50)))
        until(lambda: _screen_works(wall), 20.0)


def _screen_works(wall: Wall) -> bool:
    with httpx.stream("GET", f"{wall.url}/events") as answer:
        return answer.status_code == 200


@pytest.mark.stack
def test_connections_are_bounded(stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 4)
    with running(KafkaSettings(stack.bootstrap, prefix, PARTITIONS), stack.valkey_url) as wall:
        at = urlsplit(wall.url)
        held = [socket.create_connection((at.hostname, at.port or 80), timeout=5) for _ in range(6)]
        until(lambda: httpx.get(f"{wall.url}/healthz").status_code == 503)
        for one in held:
            one.close()
        until(lambda: httpx.get(f"{wall.url}/healthz").status_code == 200)


@pytest.mark.stack
def test_a_screen_that_missed_too_many_alerts_begins_anew(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RESUME_LIMIT", 5)
    wall.put("alerts", *(alert("north/report", n) for n in range(10, 20)))
    until(lambda: wall.get("/healthz")["epoch"])
    epoch = wall.get("/healthz")["epoch"]
    since = f"{epoch}:{','.join(['0'] * PARTITIONS)}"
    with httpx.stream("GET", f"{wall.url}/events", headers={"last-event-id": since}) as answer:
        lines = answer.iter_lines()
        first = [next(lines) for _ in range(3)]
    assert first[1] == "event: reset"
    assert "trimmed" in first[2]


def test_the_board_keeps_a_bounded_number_of_closed_orders_and_alerts() -> None:
    board = Board(Position("e", (0,)))
    for n in range(CLOSED_KEPT + 50):
        closed = {"id": f"o{n}", "version": 1, "state": "closed", "closed_ms": n, "updated_ms": n}
        list(board.take({"kind": "order", "partition": 0, "rows": [closed]}, 0))
        told = {"id": n + 1, "alert": {"at_ms": n}}
        list(board.take({"kind": "alert", "partition": 0, "rows": [told]}, 0))
    assert len(board.orders) == CLOSED_KEPT
    assert "o0" not in board.orders
    assert f"o{CLOSED_KEPT + 49}" in board.orders
    assert len(board.alerts) == RECENT_ALERTS


@pytest.mark.stack
def test_commands_under_way_are_bounded_and_do_not_wait_for_ever(
    stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "CONFIRM_S", 0.3)

    async def main() -> None:
        sender = commands.Commands(KafkaSettings(stack.bootstrap, prefix, PARTITIONS))
        for _ in range(commands.PENDING):
            await sender._pending.acquire()
        command = OrderCommand(order="o", command="note", actor="a", text="t")
        with pytest.raises(WorkError, match="did not confirm"):
            await sender.send(command, "a/b", 1)
        await sender.stop()

    asyncio.run(main())
