"""The notification ledger, told as timelines: owed, claimed, sent once, stopped by an answer, told of the end."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from alerts import ledger as ledger_module
from alerts.backoff import LONGEST_MS, TRIES_MAX, wait_ms
from alerts.case import ENTRIES_KEPT, PAGES_KEPT, PASSED_KEPT, Case
from alerts.ledger import END_AGAIN_MS, LEASE_MS, WAITING_MAX, Ledger
from alerts.owed import NEWS_STALE_MS, PAGE_STALE_MS
from models.notification import Notification
from models.notify_settings import Channel, Contact, NotifySettings
from models.topics import ALERTS, NOTIFICATIONS
from tests.alerts.desk import HOOK, MANAGER, PAGER, SETTINGS, WALL, Desk
from tests.alerts.test_loop import after_resolve, resolve
from tests.alerts.world import MIN, UNREACHED, S, World, breach, catalogue

PAGED = ("lead", "LEAD_CHAT", "page")


def desk(*channels: Channel, world: World | None = None) -> Desk:
    """A desk at which an order has just been opened."""
    settings = replace(SETTINGS, channels=channels)
    made = Desk(settings, world or World())
    breach(made.world)
    made.publish()
    return made


def close(made: Desk) -> None:
    """The order is resolved and verified."""
    resolve(made.world)
    after_resolve(made.world, 1.0, 10)
    made.world.run(S)
    assert made.world.order()["state"] == "closed"
    made.publish()


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_page_goes_out_once_however_long_the_notifier_runs() -> None:
    made = desk()
    made.run(10 * MIN)
    assert made.sent == [PAGED]


def test_a_restart_sends_nothing_twice() -> None:
    made = desk()
    made.turn()
    made.kill("n1")
    made.add("n2")
    made.run(10 * MIN)
    assert made.sent == [PAGED]


def test_notifiers_side_by_side_share_the_work_and_repeat_nothing() -> None:
    made = desk(PAGER, MANAGER, HOOK)
    made.add("n2")
    made.add("n3")
    made.run(MIN)
    close(made)
    made.run(MIN)
    assert len(made.sent) == len(set(made.sent))
    assert sorted(made.sent) == sorted(
        [
            PAGED,
            ("lead", "LEAD_CHAT", "ended"),
            ("pager", "", "trigger"),
            ("pager", "", "resolve"),
            ("am", "", "firing 2"),
            ("am", "", "resolved"),
            ("crm", "", "dispatched|lead|2|0"),
            ("crm", "", "closed|lead|2|0"),
        ]
    )


def test_a_crash_between_claim_and_word_is_taken_over_after_the_lease_under_the_same_key() -> None:
    made = desk()
    (job,) = made.turn(finish=False)  # sent or not: nobody will ever know
    made.kill("n1")
    made.add("n2")
    made.run(LEASE_MS - S)
    assert made.sent == []
    made.run(2 * S)
    assert made.sent == [PAGED]
    keys = {record.key for topic, record, _ in made.log if topic == NOTIFICATIONS}
    assert keys == {job.item.key}


def test_the_first_claim_in_the_log_has_it() -> None:
    made = desk()
    made.add("n2")
    made.publish()
    made.read()
    claims = [record for ledger in made.ledgers.values() for record in ledger.steps(made.now_ms)]
    assert [c.notifier for c in claims] == ["n1", "n2"]
    for record in reversed(claims):
        made.append(record)
    made.read()
    assert made.ledgers["n1"].jobs(made.now_ms) == []
    assert [job.item.to for job in made.ledgers["n2"].jobs(made.now_ms)] == ["lead"]


def test_an_old_claim_of_our_own_is_not_used() -> None:
    made = desk()
    made.publish()
    made.read()
    made.log += [(NOTIFICATIONS, r, made.now_ms) for r in made.ledgers["n1"].steps(made.now_ms)]
    made.now_ms += LEASE_MS - S  # the process was asleep: another is about to take over
    made.read()
    assert made.ledgers["n1"].jobs(made.now_ms) == []


# --- retried, bounded -----------------------------------------------------------------------------------------------


def test_attempts_come_later_and_later_and_end() -> None:
    made = desk()
    made.broken = {"LEAD_CHAT"}
    made.run(50 * MIN)
    failed = [r for t, r, _ in made.log if t == NOTIFICATIONS and r.state == "failed" and r.to == "lead"]
    assert [r.tries for r in failed] == list(range(1, TRIES_MAX + 1))
    gaps = [b.at_ms - a.at_ms for a, b in itertools.pairwise(failed)]
    assert all(gap >= wait_ms(failed[0].key, n) for n, gap in enumerate(gaps, 1))
    assert made.states() == [("lead", "page", "given_up", "10 attempts failed")]


def test_the_wait_doubles_has_jitter_and_a_ceiling() -> None:
    waits = [[wait_ms(key, n) for n in range(1, 12)] for key in ("a", "b", "c")]
    assert waits[0] != waits[1] != waits[2]
    assert waits == [[wait_ms(key, n) for n in range(1, 12)] for key in ("a", "b", "c")]
    for row in waits:
        for n, wait in enumerate(row):
            step = min(LONGEST_MS, 5_000 * 2**n)
            assert step / 2 <= wait <= step


def test_one_way_that_fails_holds_up_no_other() -> None:
    made = Desk(world=World(catalogue(rules=(replace(UNREACHED, hold_ms=0),))))
    made.world.put("15m", unreached_share=0.9, arrivals=30)
    made.world.run(2 * S)
    made.broken = {"LEAD_SMS"}
    made.run(5 * S)
    assert made.sent == [PAGED]
    made.broken.clear()
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_SMS", "page")]


def test_beyond_the_bound_the_least_urgent_is_dropped_and_said() -> None:
    settings = NotifySettings(contacts=SETTINGS.contacts)
    made = Ledger(settings, "n1")
    for n in range(WAITING_MAX + 5):
        page: dict[str, Any] = {
            "kind": "page",
            "order": f"o{n}",
            "queue": "a/b",
            "owner": "team",
            "severity": 1 if n % 2 else 3,
        }
        page |= {"at_ms": 5, "title": "t", "text": "t", "zh": "z", "pos": [0, n, 0]}
        made.take(ALERTS, page, WALL, WALL)
    steps = made.steps(WALL)
    dropped = [s for s in steps if s.state == "dropped"]
    waits = len(made.waiting(WALL))
    assert waits - len(dropped) == WAITING_MAX
    assert {d.reason for d in dropped} == {"no_room"}
    severe = {item.key for item in made.waiting(WALL) if item.urgency[1] == 1}
    assert not severe & {d.key for d in dropped}


def test_settled_orders_are_forgotten_at_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "ENDED_KEPT", 3)
    made = Ledger(SETTINGS, "n1")
    for n in range(10):
        order = {"id": f"o{n}", "version": 1, "state": "closed", "queue": "a/b", "closed_ms": 5, "updated_ms": 5}
        made.take("workorders", order | {"severity": 2, "pos": [0, n, 0]}, WALL + n, WALL + n)
    made.steps(WALL)
    assert sorted(made.cases) == ["o7", "o8", "o9"]


def test_at_the_start_too_what_is_over_is_bounded_and_what_is_owed_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "ENDED_KEPT", 3)
    made = Ledger(replace(SETTINGS, channels=(PAGER,)), "n1")
    shown = Notification(
        key="k", order="o0", queue="a/b", to="pager", occasion="trigger", cause="1", state="sent", at_ms=WALL
    )
    made.take(NOTIFICATIONS, shown, WALL, WALL)
    for n in range(50):
        order = {"id": f"o{n}", "version": 1, "state": "closed", "queue": "a/b", "closed_ms": 5, "updated_ms": 5}
        order |= {"severity": 2, "pos": [0, n, 0], "opened_ms": 1}
        made.take("workorders", order, WALL + n, WALL + n)
        made.trim(WALL + n)
        assert len(made.cases) <= 8
    assert [(i.order, i.occasion) for i in made.waiting(WALL)] == [("o0", "resolve")]


def test_what_was_told_of_one_order_is_bounded_and_what_somebody_knows_is_kept() -> None:
    made = desk()
    made.turn()
    case = made.ledgers["n1"].cases[made.world.order()["id"]]
    told = Notification(
        key="",
        order=case.id,
        queue="bank/PS",
        to="lead",
        way="LEAD_CHAT",
        occasion="page",
        cause="",
        state="sent",
        at_ms=1,
    )
    later = case.entries[next(iter(case.entries))].record.since_ms + 1
    for n in range(2 * ENTRIES_KEPT):  # a page each quarter of an hour, for days; the last ones were not sent
        state = "sent" if n < ENTRIES_KEPT else "dropped"
        record = {"key": f"k{n}", "cause": f"{n}.0@{n}", "since_ms": later + n, "state": state}
        made.append(told.model_copy(update=record))
        made.read()
        assert len(case.entries) <= ENTRIES_KEPT
    assert f"k{ENTRIES_KEPT - 1}" in case.entries, "the newest that was told"
    made.run(MIN)
    assert made.sent == [PAGED], "a page that is still known is not sent again"


# --- stopped --------------------------------------------------------------------------------------------------------


def test_an_acknowledgement_stops_what_is_pending_at_once() -> None:
    made = desk()
    made.broken = {"LEAD_CHAT"}
    made.run(20 * S)
    made.tell("acknowledge")
    made.broken.clear()
    made.run(10 * MIN)
    assert made.sent == []
    assert made.states() == [("lead", "page", "dropped", "answered")]


def test_between_claim_and_sending_an_acknowledgement_still_stops_it() -> None:
    made = desk()
    made.publish()
    made.read()
    for record in made.ledgers["n1"].steps(made.now_ms):
        made.append(record)
    made.tell("acknowledge")
    made.read()
    assert made.ledgers["n1"].jobs(made.now_ms) == []


def test_what_is_claimed_and_not_begun_is_dropped_at_once_by_whoever_claimed_it() -> None:
    made = desk()
    made.add("n2")
    made.publish()
    made.read()
    for record in made.ledgers["n2"].steps(made.now_ms):
        made.append(record)
    made.tell("acknowledge")
    made.run(2 * S)
    assert made.sent == []
    assert made.states() == [("lead", "page", "dropped", "answered")]
    assert not next(r for t, r, _ in made.log if t == NOTIFICATIONS and r.state == "dropped").doubt


def test_a_claim_that_the_order_has_overtaken_holds_up_nothing() -> None:
    """What a tool is to show changes between the claim and its reading: the claim is for nothing any more."""
    made = desk(HOOK)
    made.add("n2")
    made.run(2 * S)
    made.tell("acknowledge")
    made.publish()
    made.read()
    for record in made.ledgers["n2"].steps(made.now_ms):
        made.append(record)
    made.tell("analyse")
    made.run(3 * S)
    assert [s[1] for s in made.states() if s[0] == "crm" and s[2] == "sent"] == [
        "dispatched|lead|2|0",
        "analysing|lead|2|0",
    ]
    assert [r.state for t, r, _ in made.log if t == NOTIFICATIONS and r.occasion == "acknowledged|lead|2|0"] == [
        "claimed",
        "failed",
    ]


def test_what_waits_for_a_thread_is_stopped_by_an_answer_too() -> None:
    made = desk()
    (job,) = made.turn(finish=False)
    ledger = made.ledgers["n1"]
    assert ledger.stopped(job, made.now_ms) == ""
    made.tell("acknowledge")
    made.read()
    assert ledger.stopped(job, made.now_ms) == "answered"
    made.append(ledger.done(job, "dropped", "answered", made.now_ms))
    made.run(MIN)
    assert (made.sent, made.states()) == ([], [("lead", "page", "dropped", "answered")])


def test_a_drop_that_crosses_a_claim_does_not_hide_what_was_sent() -> None:
    """One notifier has read the answer, another has not and sends."""
    made = desk()
    made.add("n2")
    made.publish()
    made.read()
    claim = made.ledgers["n2"].steps(made.now_ms)
    made.tell("acknowledge")
    ahead, behind = made.ledgers["n1"], made.ledgers["n2"]
    for topic, payload, appended_ms in made.log[made.at["n1"] :]:
        ahead.take(topic, payload, appended_ms, made.now_ms)
    made.at["n1"] = len(made.log)
    drop = ahead.steps(made.now_ms)
    assert [r.state for r in drop] == ["dropped"]
    (record,) = claim
    behind.take(NOTIFICATIONS, record, made.now_ms, made.now_ms)
    (job,) = behind.jobs(made.now_ms)
    for appended in (record, *drop, behind.done(job, "sent", "", made.now_ms)):
        made.append(appended)
    made.sent.append(PAGED)
    close_taken(made)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "ended")]


def test_a_word_that_came_too_late_does_not_survive_compaction_as_the_last() -> None:
    made = desk()
    made.add("n2")
    made.publish()
    made.read()
    (late,) = made.ledgers["n2"].steps(made.now_ms)
    made.kill("n2")
    made.run(2 * S)
    made.append(late)  # it was under way to the broker for long
    made.run(2 * S)
    last = {r.key: (t, r, at) for t, r, at in made.log if t == NOTIFICATIONS}
    made.log = [r for r in made.log if r[0] != NOTIFICATIONS] + list(last.values())
    made.kill("n1")
    made.add("n3")
    made.run(2 * MIN)
    assert made.sent == [PAGED]


def test_a_clock_that_is_set_back_makes_nothing_wait() -> None:
    made = desk()
    made.broken = {"LEAD_CHAT"}
    made.run(3 * S)
    made.now_ms -= 60 * MIN
    made.broken.clear()
    made.run(20 * S)
    assert made.sent == [PAGED]


def test_a_page_decided_after_the_answer_is_owed_whatever_is_read_first() -> None:
    made = desk()
    made.turn()
    made.tell("acknowledge")
    made.turn()
    made.world.run(61 * MIN)  # the limit to resolve is broken: up to the next, with a page
    made.publish()
    records = made.log[:]
    made.run(MIN)
    assert ("lead2", "LEAD2_CHAT", "page") in made.sent
    for seed in range(20):
        told = [r for r in records if r[0] != NOTIFICATIONS]
        random.Random(seed).shuffle(told)
        other = Ledger(made.settings, "other")
        for topic, payload, appended_ms in told:
            other.take(topic, payload, appended_ms, made.now_ms)
        pages = [i for i in other.waiting(made.now_ms) if i.occasion == "page" and not i.stopped]
        assert [i.to for i in pages] == ["lead2"]


def test_a_page_is_not_sent_when_it_has_grown_old() -> None:
    made = desk()
    made.kill("n1")
    made.now_ms += PAGE_STALE_MS + S
    made.add("n2")
    made.run(MIN)
    assert made.sent == []
    assert made.states() == []  # what was there before it is nothing to a new notifier


def test_somebody_without_a_way_is_told_of_in_the_ledger() -> None:
    made = Desk(NotifySettings())
    breach(made.world)
    made.run(10 * S)
    assert made.states() == [("lead", "page", "dropped", "no_way_in_settings")]


# --- the end --------------------------------------------------------------------------------------------------------


def test_whoever_was_told_of_the_fault_is_told_of_the_end() -> None:
    made = desk()
    made.turn()
    close(made)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "ended")]


def test_nobody_is_told_of_the_end_of_what_they_never_heard_of() -> None:
    made = desk()
    made.broken = {"LEAD_CHAT"}
    made.run(5 * S)
    made.tell("acknowledge")
    made.broken.clear()
    close(made)
    made.run(MIN)
    assert made.sent == []


def test_also_when_it_was_reassigned() -> None:
    made = desk()
    made.turn()
    made.tell("reassign", person="team")
    made.run(MIN)
    assert made.sent[1:] == [("team", "TEAM_CHAT", "page"), ("lead", "LEAD_CHAT", "passed_on")]
    close_as(made, "team")
    made.run(MIN)
    assert sorted(made.sent[3:]) == [("lead", "LEAD_CHAT", "ended"), ("team", "TEAM_CHAT", "ended")]


def close_as(made: Desk, actor: str) -> None:
    """The order is acknowledged, resolved and verified by *actor*."""
    made.tell("acknowledge", actor)
    made.world.service(0.9, 5, "5m")
    made.tell("resolve", actor, cause="staffing", measure="two agents moved over")
    after_resolve(made.world, 1.0, 10)
    made.world.run(S)
    made.publish()
    assert made.world.order()["state"] == "closed"


def test_also_when_it_was_cancelled() -> None:
    made = desk()
    made.turn()
    made.tell("cancel", "lead", reason="false alarm: a test")
    made.tell("confirm_cancel", "team")
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "ended")]


def test_also_when_it_was_accepted_and_again_when_it_is_over() -> None:
    made = desk()
    made.turn()
    made.tell("acknowledge")
    made.tell("accept", "super", reason="short of people", until_ms=made.world.now_ms + 30 * MIN)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "accepted")]
    close(made)
    made.run(MIN)
    assert made.sent[2:] == [("lead", "LEAD_CHAT", "ended")]


def test_a_relapse_ends_a_second_time() -> None:
    made = desk()
    made.turn()
    close(made)
    made.run(MIN)
    made.world.run(17 * MIN)  # the same order again: its owner is paged
    assert made.world.order()["reopened"] == 1
    made.run(MIN)
    close(made)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "ended")] * 2


def test_whoever_was_told_of_the_end_is_told_that_it_came_back_and_of_the_second_end_once() -> None:
    made = desk()
    made.turn()
    made.tell("reassign", person="team")
    made.run(MIN)
    close_as(made, "team")
    made.run(MIN)
    made.sent.clear()
    made.add("n2")
    made.world.run(17 * MIN)  # back with team, who is paged; lead was told that it is over
    assert made.world.order()["reopened"] == 1
    made.publish()
    made.kill("n1")
    made.run(MIN)
    assert made.sent == [("team", "TEAM_CHAT", "page"), ("lead", "LEAD_CHAT", "relapsed")]
    close_as(made, "team")
    made.add("n3")
    made.run(MIN)
    assert sorted(made.sent[2:]) == [("lead", "LEAD_CHAT", "ended"), ("team", "TEAM_CHAT", "ended")]
    made.run(MIN)
    assert len(made.sent) == 4


def test_whoever_could_not_be_told_that_it_came_back_is_not_told_of_the_end_again() -> None:
    made = desk()
    made.turn()
    made.tell("reassign", person="team")
    made.run(MIN)
    close_as(made, "team")
    made.run(MIN)
    made.broken = {"LEAD_CHAT"}
    made.world.run(17 * MIN)
    made.run(20 * S)
    close_as(made, "team")
    made.broken.clear()
    made.run(MIN)
    assert [s for s in made.sent if s[0] == "lead"] == [
        PAGED, ("lead", "LEAD_CHAT", "passed_on"), ("lead", "LEAD_CHAT", "ended"),
    ]  # fmt: skip


def test_who_is_paged_when_it_comes_back_is_not_told_so_beside_whatever_is_read_first() -> None:
    made = desk()
    made.turn()
    close(made)
    made.run(MIN)
    made.world.run(17 * MIN)
    made.publish()
    late = [r for r in made.log if r[0] == ALERTS]
    made.log = [r for r in made.log if r[0] != ALERTS]  # the topic of pages is behind
    made.kill("n1")
    made.add("n2")
    made.run(3 * S)
    made.log += late
    made.run(MIN)
    assert made.sent[2:] == [PAGED]


def test_a_page_that_may_have_arrived_has_an_end_too() -> None:
    made = desk()
    made.turn(finish=False)  # sent or not: nobody will ever know
    made.kill("n1")
    made.add("n2")
    made.tell("acknowledge")
    made.run(LEASE_MS + 5 * S)
    assert made.states() == [("lead", "page", "dropped", "answered")]
    close_taken(made)
    made.run(MIN)
    assert made.sent == [("lead", "LEAD_CHAT", "ended")]


def close_taken(made: Desk) -> None:
    """The order, acknowledged by now, is resolved and verified."""
    made.world.service(0.9, 5, "5m")
    made.tell("resolve", cause="staffing", measure="two agents moved over")
    after_resolve(made.world, 1.0, 10)
    made.world.run(S)
    made.publish()
    assert made.world.order()["state"] == "closed"


def test_a_way_that_left_the_settings_is_replaced_by_another_of_that_person() -> None:
    made = desk()
    made.turn()
    made.kill("n1")
    made.settings = replace(SETTINGS, contacts=(Contact("lead", ("LEAD_NEW",)),))
    made.add("n2")
    close(made)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_NEW", "ended")]


def test_without_any_way_left_that_stands_in_the_ledger() -> None:
    made = desk()
    made.turn()
    made.kill("n1")
    made.settings = replace(SETTINGS, contacts=())
    made.add("n2")
    close(made)
    made.run(MIN)
    assert ("lead", "ended", "dropped", "no_way_in_settings") in made.states()


def test_who_is_asked_to_take_part_hears_of_it_whatever_the_owner_does_and_of_the_end() -> None:
    made = desk()
    made.turn()
    made.broken = {"BOSS_CHAT"}
    made.tell("acknowledge")
    made.tell("consult", person="boss", text="what does the carrier say")
    made.run(3 * S)
    made.tell("analyse")  # no answer of the one who was asked
    made.broken.clear()
    made.run(MIN)
    assert made.sent == [PAGED, ("boss", "BOSS_CHAT", "page")]
    close_taken(made)
    made.run(MIN)
    assert sorted(made.sent[2:]) == [("boss", "BOSS_CHAT", "ended"), ("lead", "LEAD_CHAT", "ended")]


def test_news_of_an_end_grows_old_too() -> None:
    made = desk()
    made.turn()
    close(made)
    made.kill("n1")
    made.now_ms += NEWS_STALE_MS + S
    made.add("n2")
    made.run(MIN)
    assert made.sent == [PAGED]
    assert ("lead", "ended", "dropped", "too_late") in made.states()


def test_pages_of_one_order_are_bounded() -> None:
    case = Case("o")
    for n in range(PAGES_KEPT + 10):
        page: dict[str, Any] = {"kind": "page", "order": "o", "queue": "a/b", "owner": "lead", "severity": 1}
        case.take_alert(page | {"at_ms": n, "title": "t", "text": "t", "zh": "z", "pos": [0, n, 0]}, WALL)
        moved = {"actor": "system", "event": "resolve_due", "decision": "escalated", "pos": [0, n, 1], "version": n}
        moved |= {"at_ms": n}
        case.take_decision(moved | {"data": {"from": "a"}, "order_after": {"owner": "b"}}, WALL)
    assert (len(case.pages), min(case.pages)) == (PAGES_KEPT, (10, 0))
    assert len(case.passed) == PASSED_KEPT


# --- tools ----------------------------------------------------------------------------------------------------------


def words(made: Desk, channel: str) -> list[str]:
    """What went out to *channel*."""
    return [occasion for to, _, occasion in made.sent if to == channel]


def test_a_tool_stays_open_until_our_verification_passes() -> None:
    made = desk(PAGER, MANAGER)
    made.run(10 * S)
    resolve(made.world)
    made.run(MIN)
    assert words(made, "pager") == ["trigger", "acknowledge"]
    assert words(made, "am") == ["firing 2"]
    (again,) = made.ledgers["n1"].again("am", made.now_ms)
    assert (again.case.id, again.ended_ms) == (made.world.order()["id"], None)
    after_resolve(made.world, 0.2, 10)
    made.world.run(S)  # failed: it stays open
    made.run(MIN)
    assert words(made, "pager") == ["trigger", "acknowledge"]
    close_as_failed(made)
    made.run(MIN)
    assert words(made, "pager") == ["trigger", "acknowledge", "resolve"]
    assert words(made, "am") == ["firing 2", "resolved"]
    (again,) = made.ledgers["n1"].again("am", made.now_ms)
    assert (again.severities, again.ended_ms) == ([2], made.world.order()["closed_ms"])
    assert list(made.ledgers["n1"].again("am", made.now_ms + END_AGAIN_MS)) == []


def close_as_failed(made: Desk) -> None:
    """Resolve again after a failed verification, with success."""
    made.world.service(0.9, 5, "5m")
    made.tell("resolve", "lead2", cause="staffing", measure="two more")
    after_resolve(made.world, 1.0, 10)
    made.world.run(S)
    assert made.world.order()["state"] == "closed"


def test_resolved_outside_while_open_here_is_triggered_again_and_says_why() -> None:
    made = desk(PAGER)
    made.tell("acknowledge")
    made.run(10 * S)
    assert words(made, "pager") == ["trigger", "acknowledge"]
    order = made.world.order()
    seen = Notification(
        key="evt-1", order=order["id"], queue=order["queue"], to="pager", occasion="resolve", cause="evt-1",
        state="seen", reason="resolve needs a cause", at_ms=made.now_ms,
    )  # fmt: skip
    made.append(seen)
    made.append(seen)  # PagerDuty delivers at least once
    made.run(MIN)
    assert words(made, "pager") == ["trigger", "acknowledge", "trigger"]
    made.tell("analyse")
    made.run(MIN)
    assert words(made, "pager")[3:] == ["acknowledge"]
    made.kill("n1")
    made.add("n2")
    made.run(2 * MIN)
    assert words(made, "pager")[4:] == []


def test_a_graver_symptom_fires_beside_the_first_and_both_end_together() -> None:
    made = desk(MANAGER)
    made.run(5 * S)
    made.world.put("15m", unreached_share=0.9, arrivals=30)
    made.world.run(2 * MIN)
    assert made.world.order()["severity"] == 1
    made.run(5 * S)
    assert words(made, "am") == ["firing 2", "firing 1 2"]
    (again,) = made.ledgers["n1"].again("am", made.now_ms)
    assert again.severities == [1, 2]
    assert again.since_ms == made.world.order()["opened_ms"]


def test_a_tool_hears_nothing_of_orders_that_are_not_for_it() -> None:
    made = desk(replace(PAGER, severity=1), replace(MANAGER, pattern="north/*"))
    made.run(10 * S)
    close(made)
    made.run(MIN)
    assert made.sent == [PAGED, ("lead", "LEAD_CHAT", "ended")]


def test_what_may_have_arrived_is_resolved_too() -> None:
    made = desk(PAGER)
    made.broken = {"pager"}
    made.run(20 * S)
    close(made)
    made.broken.clear()
    made.run(10 * MIN)
    assert words(made, "pager") == ["resolve"]


def test_a_relapse_triggers_again_with_a_start_of_its_own() -> None:
    made = desk(PAGER, MANAGER)
    made.run(5 * S)
    close(made)
    made.run(5 * S)
    made.world.run(17 * MIN)
    made.run(5 * S)
    assert words(made, "pager") == ["trigger", "resolve", "trigger"]
    assert words(made, "am") == ["firing 2", "resolved", "firing 2"]
    (again,) = made.ledgers["n1"].again("am", made.now_ms)
    assert again.since_ms > made.world.order()["opened_ms"] + 10 * MIN


def test_a_webhook_hears_of_each_state_in_order() -> None:
    made = desk(HOOK)
    made.broken = {"crm"}
    made.run(3 * S)
    made.tell("acknowledge")
    made.broken.clear()
    made.run(MIN)  # what it stands at now: the state before has lost its meaning
    close(made)
    made.run(MIN)
    assert words(made, "crm") == ["acknowledged|lead|2|0", "closed|lead|2|0"]


@pytest.mark.parametrize("seed", range(5))
def test_in_any_order_of_reading_everything_is_sent_once(seed: int) -> None:
    made = desk(PAGER, MANAGER, HOOK)
    close(made)
    told = made.log[:]
    random.Random(seed).shuffle(told)
    made.log = told
    made.add("n2")
    made.run(2 * MIN)
    assert made.sent == []  # all over before anybody was told: nothing to say
