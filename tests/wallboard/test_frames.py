"""Rows with the figures that a screen shows: named, checked, encoded once, and everything else untouched."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from models.errors import UsageError
from models.metric import FIGURES
from tests.wallboard.payloads import alert, order, row
from tests.wallboard.wall import Wall, until, watching
from wallboard import frames, hub
from wallboard.board import Board, Event
from wallboard.hub import Hub
from wallboard.position import Position

SOME = "waiting@now,service_level_live@5m"


def _hub() -> Hub:
    """A hub with an empty board that nothing is read into."""
    found = Hub(Redis(), "", 1, lambda: 0)
    found.board = Board(Position("e", (0,)))
    return found


def _queue(found: Hub, number: int) -> Event:
    name = f"north/q{number}"
    assert found.board is not None
    told = {"queue": name, "wall_ms": 1, "figures": {"waiting@now": 3, "arrivals@5m": 9}}
    return next(found.board.take({"kind": "queue", "partition": 0, "rows": [told]}, 1))


def _data(chunk: bytes) -> list[Any]:
    return [orjson.loads(line[6:]) for line in chunk.splitlines() if line.startswith(b"data: ")]


def test_names_are_checked() -> None:
    assert frames.chosen(None) is None
    assert frames.chosen("") == frozenset()
    for text in (SOME, f"{SOME},{SOME},"):
        assert frames.chosen(text) == frozenset({"waiting@now", "service_level_live@5m"})
    with pytest.raises(UsageError, match="there is no waiting@5y; /api/metrics-dictionary"):
        frames.chosen("waiting@now,waiting@5y")
    many = [f"{metric}@{window}" for metric, window in FIGURES][: frames.CHOSEN_MAX + 1]
    assert len(many) > frames.CHOSEN_MAX
    with pytest.raises(UsageError, match=f"at most {frames.CHOSEN_MAX}"):
        frames.chosen(",".join(many))


@pytest.mark.stack
def test_a_screen_gets_the_figures_that_it_named_and_all_else_of_a_row(wall: Wall) -> None:
    wall.put("metrics", row("north/report"))
    wall.put("workorders", order("north/report"))
    wall.put("alerts", alert("north/report", 10))
    until(lambda: wall.get("/api/orders")["orders"])
    with watching(wall) as whole, watching(wall, figures=SOME) as slim, watching(wall, figures="") as bare:
        screens = (whole, slim, bare)
        begun = [[event.data for event in screen.take(4)] for screen in screens]
        assert begun[0][2:] == begun[1][2:] == begun[2][2:], "orders and alerts are whole"
        wall.put("metrics", row("north/report", 0.4))
        for rows in ([data[1] for data in begun], [screen.next().data for screen in screens]):
            figures = [one.pop("figures") for one in rows]
            assert figures[1].keys() == set(SOME.split(","))
            assert figures[1].items() < figures[0].items()
            assert figures[2] == {}
            for one in rows:
                del one["age_ms"]
            assert rows[0] == rows[1] == rows[2]


@pytest.mark.stack
def test_a_name_that_there_is_not_is_refused(wall: Wall) -> None:
    answer = httpx.get(f"{wall.url}/events", params={"figures": "service_level"})
    assert answer.status_code == 422
    assert "there is no service_level" in answer.text


def test_frames_are_encoded_once_for_all_screens_that_named_the_same() -> None:
    async def main() -> list[bytes]:
        found = _hub()
        streams = [found.stream("", frames.chosen(text)) for text in (SOME, SOME, None, None)]
        for stream in streams:
            await anext(stream)
        found._gather([_queue(found, 1), _queue(found, 2)])
        taken = [await asyncio.wait_for(anext(stream), 5) for stream in streams]
        for stream in streams:
            await stream.aclose()
        assert not found._clients
        return taken

    one, same, whole, also = asyncio.run(main())
    assert one is same
    assert whole is also
    assert [data["figures"] for data in _data(one)] == [{"waiting@now": 3}] * 2
    assert [len(data["figures"]) for data in _data(whole)] == [2, 2]


def test_too_many_different_sets_get_whole_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SETS", 1)

    async def main() -> list[bytes]:
        found = _hub()
        streams = [found.stream("", frames.chosen(text)) for text in (SOME, "arrivals@5m", SOME)]
        for stream in streams:
            await anext(stream)
        found._gather([_queue(found, 1)])
        return [await asyncio.wait_for(anext(stream), 5) for stream in streams]

    assert [len(_data(chunk)[0]["figures"]) for chunk in asyncio.run(main())] == [1, 2, 1]


def test_what_is_gathered_comes_once_to_a_screen_that_begins_meanwhile() -> None:
    async def main() -> tuple[bytes, bytes]:
        found = _hub()
        found._gather([_queue(found, 1)])
        late = found.stream("")
        begun = await anext(late)
        await asyncio.sleep(2 * hub.GATHER_S)
        found._gather([_queue(found, 2)])
        return begun, await asyncio.wait_for(anext(late), 5)

    begun, after = asyncio.run(main())
    assert [data["queue"] for data in _data(begun)[1:]] == ["north/q1"]
    assert [data["queue"] for data in _data(after)] == ["north/q2"]
