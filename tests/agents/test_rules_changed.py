"""Settings that change in the log: where the record lies, on every replay alike, and refused by name when wrong."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from models.catalogue import Catalogue, Formula, OpeningHours, Person, Site, Source
from models.encode import clock_record
from models.settings_record import digest, packed, settings_record
from models.topics import ALERTS, ANOMALIES, DEAD_LETTERS, WORKORDER_LOG
from tests.agents.dense import START, catalogue, dense_log, fresh, payloads
from tests.agents.logs import Log, run


def told(settings: Catalogue, ident: str = "1", ts_ms: int = START) -> bytes:
    return settings_record(settings, id=ident, source="test", ts_ms=ts_ms)


def looser() -> Catalogue:
    """No silence, the longest wait of "late" alone and later, ann has left, "late" never closes, another formula."""
    old = catalogue()
    longest, abandoned, _ = old.rules
    return replace(
        old,
        sites=(old.sites[0], replace(old.sites[1], hours=())),
        queues=(replace(old.queues[0], formula=Formula.NEGATIVE),),
        rules=(
            replace(longest, limit=8_000, target=8_000, pattern="late/*"),
            replace(abandoned, metric="answer_rate", below=True),
        ),
        people=(old.people[1], Person("cy", "Cy", "floor", 1)),
        sources=(Source("pbx", 60_000), Source("other", 1_000)),
    )


@pytest.fixture(scope="module")
def log() -> Log:
    """The settings change to and fro; one change is no settings, one cuts the intervals anew."""
    log = dense_log(7, seconds=40)
    cut = packed(replace(catalogue(), sites=(Site("day", "Asia/Tokyo", 15), catalogue().sites[1])))
    parts: list[tuple[float, bytes]] = [
        (0.37, told(looser(), "a")),
        (0.45, b'{"id":"b","source":"test","type":"rules.changed","ts":1,"catalogue":{"rules":[{}]}}'),
        (0.45, b"garbage"),
        (0.5, orjson.dumps({"id": "c", "source": "test", "type": "rules.changed", "ts": 1, "catalogue": cut})),
        (0.6, told(catalogue(), "d")),
        (0.7, told(looser(), "a")),  # sent again: it was obeyed once
        (0.8, told(looser(), "e")),
    ]
    for share, value in reversed(parts):
        log.insert(int(len(log) * share), value)
    return log


@pytest.fixture(scope="module")
def whole(log: Log) -> dict[str, list[bytes]]:
    return payloads(run(fresh(), log))


def test_the_log_has_all_that_matters_in_it(whole: dict[str, list[bytes]]) -> None:
    entries = [orjson.loads(value) for value in whole[WORKORDER_LOG]]
    assert {"withdrawn", "reassigned"} <= {entry["decision"] for entry in entries}
    ends = [orjson.loads(value)["sentence"] for value in whole[ANOMALIES]]
    assert any(sentence.startswith("Withdrawn") for sentence in ends)


def restored(actor: PartitionActor, settings: Catalogue) -> PartitionActor:
    """A new owner, whose own file holds *settings*."""
    again = PartitionActor(0, 1, settings)
    common = orjson.loads(orjson.dumps(actor.freeze_common()))
    again.thaw(actor.position, common, actor.freeze(actor.kept()))
    return again


@pytest.mark.parametrize("share", [0.0, 0.2, 0.369, 0.372, 0.4, 0.5, 0.61, 0.7, 0.81, 0.95])
def test_whoever_restores_goes_on_with_what_is_in_force(log: Log, whole: dict[str, list[bytes]], share: float) -> None:
    cut, first = int(len(log) * share), fresh()
    out = run(first, log[:cut], 50)
    again = restored(first, Catalogue())
    assert again.digest == first.digest
    assert payloads(out + run(again, log, 17, cut)) == whole


@pytest.mark.parametrize("batch", [1, 10**9])
def test_batching_does_not_matter(log: Log, whole: dict[str, list[bytes]], batch: int) -> None:
    assert payloads(run(fresh(), log, batch)) == whole


def test_what_is_no_settings_is_a_dead_letter_by_name_and_changes_nothing(
    log: Log, whole: dict[str, list[bytes]]
) -> None:
    letters = [orjson.loads(value) for value in whole[DEAD_LETTERS]]
    reasons = {letter["reason"]: letter for letter in letters}
    assert sorted(reasons) == ["bad_settings", "not_json", "site_changed"]
    assert "rules" in reasons["bad_settings"]["detail"]
    assert "day/" in reasons["site_changed"]["detail"]
    at = reasons["site_changed"]["offset"]
    assert orjson.loads(base64.b64decode(reasons["site_changed"]["value"])) == orjson.loads(log[at] or b"")
    actor = fresh()
    run(actor, log[: at + 1])
    assert actor.digest == digest(looser())


def test_dead_letters_of_a_batch_lie_in_the_order_of_the_log(log: Log) -> None:
    offsets = [record.pos for record in run(fresh(), log, 10**9) if record.topic == DEAD_LETTERS]
    assert offsets == sorted(offsets)
    assert len(offsets) == 3


def small(*settings: Catalogue) -> tuple[PartitionActor, list[Record]]:
    """One call waits at ``late/c``; the settings come one after the other, a clock after each."""
    actor = fresh()
    offered = {"id": "1", "source": "pbx", "type": "call.offered", "ts": START, "queue": "late/c", "call": "c"}
    log: Log = [clock_record(START, "t"), orjson.dumps(offered), clock_record(START + 100, "t")]
    for n, told_now in enumerate(settings):
        log += [told(told_now, str(n)), clock_record(START + 200 + n, "t")]
    return actor, run(actor, log)


def test_hours_that_change_hold_from_the_next_clock() -> None:
    before = small()[0]
    assert before.windows.value("late/c", "open", "now") == 0.0
    always = replace(catalogue(), sites=(catalogue().sites[0], replace(catalogue().sites[1], hours=())))
    assert small(always)[0].windows.value("late/c", "open", "now") == 1.0
    never = (OpeningHours(frozenset(range(7)), 0, 1),)
    shut = replace(always, sites=(always.sites[0], replace(always.sites[1], hours=never)))
    assert small(always, shut)[0].windows.value("late/c", "open", "now") == 0.0


def test_a_source_that_is_no_longer_declared_is_forgotten() -> None:
    actor = fresh()
    beat: dict[str, Any] = {"id": "h", "source": "pbx", "type": "source.heartbeat", "ts": START}
    run(actor, [clock_record(START, "t"), orjson.dumps(beat)])
    assert actor.sources.heard == {"pbx": START}
    run(actor, [told(replace(catalogue(), sources=()))])
    assert actor.sources.heard == {}


def test_settings_that_are_in_force_change_nothing_and_say_nothing() -> None:
    actor, out = small(catalogue())
    assert actor.digest == digest(catalogue())
    assert [record for record in out if record.topic in (ALERTS, WORKORDER_LOG, DEAD_LETTERS)] == []


def test_settings_before_the_first_clock_are_taken() -> None:
    actor = fresh()
    assert run(actor, [told(looser())]) == []
    assert actor.digest == digest(looser())
    assert actor.catalogue.rules[0].limit == 8_000
