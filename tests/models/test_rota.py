"""The rota against a slow twin that walks the clock: its jumps, midnight, holidays, turns, substitutes."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import (
    Catalogue,
    Department,
    Duty,
    Holidays,
    OnHoliday,
    Person,
    QueueSettings,
    Roles,
    Shift,
    Substitution,
)
from models.hours import instant_ms
from models.rota import (
    accountable,
    after_duty_ms,
    duty_between_ms,
    duty_change_ms,
    ladder,
    liaison,
    next_shift,
    on_duty,
    raci,
    shift_at,
    shifts_at,
)
from models.shifts import Rota, rota_of
from tests.models.rota_twin import DAY_MIN, MIN, WEEK, Twin, rotas

ZONE = "Asia/Shanghai"
Q = "north/billing"
slowly = settings(max_examples=25, deadline=None)


def at(text: str, zone: str = ZONE) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


# --- against the twin -----------------------------------------------------------------------------------------------


@slowly
@given(rotas())
def test_at_every_quarter_of_a_day_the_shifts_are_those_of_the_walk(world: tuple[Catalogue, date]) -> None:
    catalogue, day = world
    twin = Twin(catalogue, day)
    for minute in range(twin.begin, twin.begin + DAY_MIN, 15):
        turns = shifts_at(catalogue, "floor", minute * MIN)
        found = {(t.name, t.lead.id if t.lead else "", *(s.person.id for s in t.seats)) for t in turns}
        assert found == {(name, lead, *seats) for name, lead, seats in twin.on(minute)}, (minute, day)


@slowly
@given(rotas(), st.sampled_from("abcd"))
def test_at_every_quarter_of_a_day_who_is_on_duty_is_whom_the_walk_finds(
    world: tuple[Catalogue, date], who: str
) -> None:
    catalogue, day = world
    twin, person = Twin(catalogue, day), next(p for p in catalogue.people if p.id == who)
    walk = [twin.on_duty(who, minute) for minute in range(twin.begin, twin.begin + 2 * DAY_MIN, 15)]
    for n in range(DAY_MIN // 15):
        now_ms = (twin.begin + n * 15) * MIN
        assert on_duty(catalogue, person, now_ms) == on_duty(catalogue, person, now_ms + 14 * MIN) == walk[n]
    change_ms = duty_change_ms(catalogue, person, twin.begin * MIN)
    other = next((n for n, state in enumerate(walk) if state != walk[0]), None)
    if other is not None:
        assert change_ms == (twin.begin + other * 15) * MIN
    else:
        assert change_ms is None or change_ms >= (twin.begin + 2 * DAY_MIN) * MIN


@slowly
@given(rotas(), st.sampled_from("abcd"), st.integers(0, 96), st.integers(1, 96))
def test_duty_counted_is_the_minutes_of_duty_walked(
    world: tuple[Catalogue, date], who: str, after: int, work: int
) -> None:
    catalogue, day = world
    twin, person = Twin(catalogue, day), next(p for p in catalogue.people if p.id == who)
    start = twin.begin + after * 15
    walk = [twin.on_duty(who, minute) for minute in range(start, start + 2 * DAY_MIN, 15)]
    span = (start * MIN, (start + 2 * DAY_MIN) * MIN)
    assert duty_between_ms(catalogue, person, *span) == sum(walk) * 15 * MIN
    done_ms, left = after_duty_ms(catalogue, person, start * MIN, work * 15 * MIN), work
    for n, state in enumerate(walk):
        left -= state
        if left == 0:
            assert done_ms == (start + (n + 1) * 15) * MIN
            return
    assert done_ms is None or done_ms > span[1]


@slowly
@given(rotas())
def test_the_next_shift_is_the_next_that_the_walk_comes_to(world: tuple[Catalogue, date]) -> None:
    catalogue, day = world
    twin = Twin(catalogue, day)
    found = next_shift(catalogue, "floor", twin.begin * MIN)
    was = {name for name, _, _ in twin.on(twin.begin)}
    for minute in range(twin.begin + 15, twin.begin + 2 * DAY_MIN, 15):
        on = {name for name, _, _ in twin.on(minute)}
        if on - was:
            assert found is not None
            assert found.starts_ms <= minute * MIN
            assert any(name == found.name for name in on - was) or found.starts_ms < minute * MIN
            return
        was = on
    assert found is None or found.starts_ms > twin.begin * MIN


@slowly
@given(rotas(), st.lists(st.integers(-9 * DAY_MIN, 9 * DAY_MIN), max_size=20))
def test_answers_do_not_depend_on_what_was_asked_before(world: tuple[Catalogue, date], minutes: list[int]) -> None:
    catalogue, day = world
    begin = Twin(catalogue, day).begin
    asked = [shifts_at(catalogue, "floor", (begin + n) * MIN) for n in minutes]
    fresh = Catalogue(**{name: getattr(catalogue, name) for name in Catalogue.__slots__})
    for n, found in reversed(list(zip(minutes, asked, strict=True))):
        assert shifts_at(fresh, "floor", (begin + n) * MIN) == found


# --- by name --------------------------------------------------------------------------------------------------------


def someone(pid: str, tier: int = 1, department: str = "floor", duty: tuple[Duty, ...] = ()) -> Person:
    return Person(pid, pid.title(), department, tier, ZONE, duty)


EARLY = Shift("early", "floor", ZONE, (Duty(WEEK, 480, 960),), ("ann", "bob"), (("lia",), ("tea", "tom")),
              turns_from=date(2026, 11, 2), holidays="cn")  # fmt: skip
LATE = Shift("late", "floor", ZONE, (Duty(WEEK, 960, 1440),), ("bob", "ann"), (("lia",),), turns_from=date(2026, 11, 2))
NIGHT = Shift("night", "floor", ZONE, (Duty(WEEK, 0, 480),), ("nic",))
FEAST = Shift("feast", "floor", ZONE, (Duty(WEEK, 480, 960),), ("tea",), (), holidays="cn", on_holidays=OnHoliday.ONLY)
PEOPLE = (
    someone("lia", 0),
    someone("ann"),
    someone("bob"),
    someone("nic"),
    someone("tea", 2),
    someone("tom", 2),
    someone("sue", 3, duty=(Duty(frozenset(range(5)), 540, 1080),)),
    someone("max", 4, "top"),
)
AWAY = Substitution("ann", "tom", date(2026, 11, 3), date(2026, 11, 4))


def floor(*substitutions: Substitution, roles: Roles | None = None, liaisons: tuple[str, ...] = ()) -> Catalogue:
    return Catalogue(
        queues=(QueueSettings(department="floor"),),
        departments=(Department("floor", liaisons=liaisons, zone=ZONE, roles=roles or Roles()), Department("top")),
        people=PEOPLE,
        holidays=(Holidays("cn", frozenset({date(2026, 11, 6)})),),
        shifts=(EARLY, LATE, NIGHT, FEAST),
        substitutions=substitutions,
    )


def lead(catalogue: Catalogue, text: str) -> tuple[str, str]:
    turn = shift_at(catalogue, "floor", at(text))
    assert turn is not None
    assert turn.lead is not None
    return turn.name, turn.lead.id


def test_leads_take_turns_by_the_week() -> None:
    assert lead(floor(), "2026-11-02T08:00") == ("early", "ann")
    assert lead(floor(), "2026-11-08T15:59") == ("early", "ann")
    assert lead(floor(), "2026-11-08T16:00") == ("late", "bob")
    assert lead(floor(), "2026-11-09T08:00") == ("early", "bob")
    assert lead(floor(), "2026-10-30T08:00") == ("early", "bob")  # the week before the first turn


def test_a_holiday_has_its_own_shift() -> None:
    assert lead(floor(), "2026-11-06T09:00") == ("feast", "tea")
    assert lead(floor(), "2026-11-06T16:00") == ("late", "bob")


def test_a_substitute_leads_and_the_one_replaced_is_off() -> None:
    catalogue, now = floor(AWAY), at("2026-11-04T09:00")
    assert lead(catalogue, "2026-11-04T09:00") == ("early", "tom")
    assert not on_duty(catalogue, PEOPLE[1], now)
    assert accountable(catalogue, Q, now).reason == "stands_in_for_the_shift_lead"
    assert [(r.person.id, r.tier, r.named) for r in ladder(catalogue, Q, now)] == [
        ("tom", 1, "ann"),
        ("tea", 2, "tea"),
        ("sue", 3, "sue"),
        ("max", 4, "max"),
    ]
    assert lead(catalogue, "2026-11-05T09:00") == ("early", "ann")


def test_a_substitute_has_a_substitute_and_a_shift_may_have_its_own() -> None:
    chain = floor(AWAY, Substitution("tom", "nic", date(2026, 11, 4), date(2026, 11, 4)))
    assert lead(chain, "2026-11-03T09:00") == ("early", "tom")
    assert lead(chain, "2026-11-04T09:00") == ("early", "nic")
    only_late = floor(Substitution("bob", "nic", date(2026, 11, 2), date(2026, 11, 20), "late"))
    assert lead(only_late, "2026-11-03T17:00") == ("late", "nic")
    assert lead(only_late, "2026-11-10T09:00") == ("early", "bob")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = Shift("night", "floor", ZONE, (Duty(WEEK, 1320, 1800),), ("nic",), holidays="cn")
    catalogue = Catalogue(people=PEOPLE, shifts=(night,), holidays=floor().holidays)
    assert shift_at(catalogue, "floor", at("2026-11-06T05:59")) is not None  # begun on the 5th
    assert shift_at(catalogue, "floor", at("2026-11-06T22:00")) is None
    assert shift_at(catalogue, "floor", at("2026-11-07T05:59")) is None
    assert shift_at(catalogue, "floor", at("2026-11-07T22:00")) is not None


def test_roles_of_an_order() -> None:
    now = at("2026-11-02T09:30")
    found = raci(floor(), Q, now)
    assert found.accountable is not None
    assert (found.accountable.id, found.reason) == ("ann", "shift_lead")
    assert found.responsible is not None
    assert found.responsible.id == "lia"
    assert [p.id for p in found.consulted] == ["tea"]
    assert [p.id for p in found.informed] == ["sue", "max"]  # their own, and the managers of others where it has none
    chosen = Roles(("nic", "ann"), ("tea", "sue"), frozenset(), frozenset())
    found = raci(floor(AWAY, roles=chosen), Q, at("2026-11-03T09:30"))
    assert [p.id for p in found.consulted] == ["nic"]  # whoever stands in for ann is accountable already
    assert [p.id for p in found.informed] == ["tea", "sue"]


def test_everybody_has_one_role() -> None:
    chosen = Roles(("ann", "lia", "tea"), ("ann", "lia", "tea", "sue"))
    found = raci(floor(roles=chosen), Q, at("2026-11-02T09:30"))
    all_of_it = [found.accountable, found.responsible, *found.consulted, *found.informed]
    assert [p.id for p in all_of_it if p] == ["ann", "lia", "tea", "sue", "max"]


def test_the_liaison_named_first_who_is_on_duty() -> None:
    assert liaison(floor(), Q, at("2026-11-02T03:00")) is None
    named = floor(liaisons=("nic", "lia"))
    for text, wanted in (("2026-11-02T03:00", "nic"), ("2026-11-02T09:00", "lia")):
        found = liaison(named, Q, at(text))
        assert found is not None
        assert found.id == wanted


def test_in_a_hole_the_lowest_tier_on_duty_has_it() -> None:
    catalogue = Catalogue(queues=floor().queues, people=PEOPLE, shifts=(NIGHT,))
    assert shift_at(catalogue, "floor", at("2026-11-02T09:30")) is None
    assert accountable(catalogue, Q, at("2026-11-02T09:30")).reason == "shift_lead"
    off = Catalogue(queues=floor().queues, people=PEOPLE[6:], shifts=())
    choice = accountable(off, Q, at("2026-11-02T09:30"))
    assert choice.person is not None
    assert (choice.person.id, choice.reason) == ("sue", "tier_skipped_nobody_on_duty")


def test_a_department_without_shifts_has_those_of_its_leads_duties() -> None:
    people = (someone("day", duty=(Duty(WEEK, 480, 1200),)), someone("eve", duty=(Duty(WEEK, 1200, 1920),)))
    catalogue = Catalogue(people=people)
    turn = shift_at(catalogue, "floor", at("2026-11-02T09:00"))
    assert turn is not None
    assert (turn.name, turn.lead, turn.starts_ms) == ("08:00-20:00", people[0], at("2026-11-02T08:00"))
    after = next_shift(catalogue, "floor", at("2026-11-02T09:00"))
    assert after is not None
    assert (after.name, after.starts_ms, after.ends_ms) == ("20:00-08:00", turn.ends_ms, at("2026-11-03T08:00"))
    always = Catalogue(people=(someone("one"), *people))
    assert shift_at(always, "floor", at("2026-11-02T09:00")) is None  # somebody who is always there has no shift


def test_duty_over_midnight() -> None:
    night = someone("nic", duty=(Duty(frozenset({0}), 22 * 60, 30 * 60),))
    alone = Catalogue(people=(night, someone("ann")))
    for text, wanted in (("01T21:59", False), ("01T22:00", True), ("02T05:59", True), ("02T06:00", False)):
        assert on_duty(alone, night, at(f"2024-01-{text}")) is wanted
    assert duty_change_ms(alone, night, at("2024-01-02T07:00")) == at("2024-01-08T22:00")
    assert on_duty(alone, alone.people[1], 0)
    assert duty_change_ms(alone, alone.people[1], 0) is None


def test_a_department_that_nobody_is_in_has_no_shift() -> None:
    assert shift_at(floor(), "cellar", at("2026-11-02T09:00")) is None
    assert next_shift(floor(), "cellar", at("2026-11-02T09:00")) is None


def test_a_ring_of_substitutes_ends() -> None:
    ring = floor(AWAY, Substitution("tom", "ann", date(2026, 11, 3), date(2026, 11, 3)))
    assert shift_at(ring, "floor", at("2026-11-03T09:00")) is not None  # settings refuse it; the log may hold it


@pytest.mark.parametrize(
    ("zone", "day", "minute", "wanted"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 150, "2026-03-29T01:00:00+00:00"),  # 02:30 never comes
        ("Europe/Berlin", date(2026, 3, 29), 120, "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), 180, "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", date(2026, 10, 25), 150, "2026-10-25T00:30:00+00:00"),  # it comes twice: the first
        ("Asia/Beirut", date(2026, 3, 29), 0, "2026-03-28T22:00:00+00:00"),  # midnight itself is skipped
        ("Pacific/Apia", date(2011, 12, 30), 600, "2011-12-30T10:00:00+00:00"),  # a whole day is skipped
        ("UTC", date(2026, 1, 1), 1500, "2026-01-02T01:00:00+00:00"),
    ],
)
def test_the_instant_of_a_time_of_day(zone: str, day: date, minute: int, wanted: str) -> None:
    assert instant_ms(zone, day, minute) == int(datetime.fromisoformat(wanted).timestamp()) * 1000


def test_days_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.shifts._DAYS_KEPT", 10)
    rota = Rota(floor(AWAY))
    for n in range(50):
        day = date.fromordinal(740_000 + n)
        rota.turns("floor", day)
        rota.stints(PEOPLE[1], day)
        rota.once(("ann", n, n, 50), lambda: None)
    assert (len(rota._turns), len(rota._stints), len(rota._answers)) == (10, 10, 10)


def test_rotas_kept_are_bounded_and_never_those_of_another_catalogue() -> None:
    for n in range(20):
        one = Catalogue(people=(someone(f"p{n}"),))
        assert rota_of(one).catalogue is one
        assert list(rota_of(one).people) == [f"p{n}"]
    from models import shifts

    assert len(shifts._kept) <= shifts._ROTAS_KEPT
