"""Who an order goes to: always exactly one accountable person on duty, as long as there is anybody."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import routing
from models.catalogue import Catalogue, Duty, Person, QueueSettings
from models.duty import on_duty
from tests.alerts.world import HOUR, PEOPLE, T0, WEEK, catalogue, person

DAY = (Duty(WEEK, 8 * 60, 18 * 60),)
NIGHT = (Duty(WEEK, 20 * 60, 30 * 60),)


def owner(*people: Person, now_ms: int = T0) -> tuple[str | None, str]:
    choice = routing.first_owner(catalogue(people=people), "bank/PS", now_ms)
    return (choice.person.id if choice.person else None), choice.reason


def test_the_shift_lead_on_duty_is_first_and_the_liaison_beside() -> None:
    assert owner(*PEOPLE) == ("lead", "shift_lead")
    assert routing.liaison(catalogue(), "bank/PS", T0) == "lia"


def test_a_tier_with_nobody_on_duty_is_skipped() -> None:
    night, team = person("n", 1, duty=NIGHT), person("t", 2, duty=DAY)
    assert owner(night, team) == ("t", "tier_skipped_nobody_on_duty")
    assert owner(night, team, now_ms=T0 + 12 * HOUR) == ("n", "shift_lead")  # 22:00


def test_with_nobody_on_duty_the_highest_of_the_department_has_it() -> None:
    lead, team = person("n", 1, duty=NIGHT), person("t", 3, duty=NIGHT)
    boss = person("b", 4, "other", NIGHT)
    assert owner(lead, team, boss) == ("t", "nobody_on_duty_highest_tier")
    assert owner(person("x", 0, duty=NIGHT), boss) == ("b", "nobody_on_duty_any_manager")


def test_a_manager_of_another_department_comes_before_a_department_that_sleeps() -> None:
    assert owner(person("n", 1, duty=NIGHT), person("b", 4, "other")) == ("b", "tier_skipped_nobody_on_duty")


def test_liaisons_alone_and_nobody_at_all() -> None:
    assert owner(person("x", 0)) == ("x", "only_liaisons_exist")
    assert owner() == (None, "no_people_in_settings")


def test_a_queue_without_a_department_asks_everybody() -> None:
    world = Catalogue(
        people=(person("a", 2, "one"), person("b", 1, "two")), queues=(QueueSettings("x/*", department="z"),)
    )
    assert [p.id for p in routing.ladder(world, "bank/PS", T0)] == ["b", "a"]
    assert [p.id for p in routing.ladder(world, "x/y", T0)] == ["b", "a"]  # a department with nobody in it


def test_the_climb_goes_along_the_tier_then_up() -> None:
    climb, now, tried = [], "lead", ["lead"]
    while (choice := routing.next_owner(catalogue(), "bank/PS", now, tried, T0)).person is not None:
        now = choice.person.id
        tried.append(now)
        climb.append((now, choice.reason))
    assert climb == [
        ("lead2", "next_on_duty_in_tier"),
        ("team", "next_tier"),
        ("super", "next_tier"),
        ("boss", "next_tier"),
    ]
    assert choice.reason == "top_of_the_ladder"


people = st.lists(
    st.builds(
        Person,
        id=st.uuids().map(str),
        name=st.just("N"),
        department=st.sampled_from(["desk", "other"]),
        tier=st.integers(0, 4),
        zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
        duty=st.sampled_from([(), DAY, NIGHT]),
    ),
    max_size=8,
    unique_by=lambda p: p.id,
)


@settings(deadline=None)
@given(people, st.integers(0, 47))
def test_never_unassigned_and_never_off_duty_while_somebody_is_on(staff: list[Person], half_hours: int) -> None:
    now_ms = T0 + half_hours * HOUR // 2
    world = catalogue(people=tuple(staff))
    chosen = routing.first_owner(world, "bank/PS", now_ms).person
    assert (chosen is None) == (not staff)
    own = [p for p in staff if p.department == "desk"] or staff
    if chosen is not None and any(p.tier > 0 and on_duty(world, p, now_ms) for p in own):
        assert on_duty(world, chosen, now_ms)
        assert chosen.tier == min(p.tier for p in own if p.tier > 0 and on_duty(world, p, now_ms))
