"""Which units are in a storm: worked examples, and what holds for any numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.storm import MANY, Total, explains, found, gathers, parts_of, together
from models.catalogue import Catalogue, Site
from models.unit import Layout, Trouble, units_of

QUEUES, SHARE = 3, 0.4


def layout(**regions: str) -> Layout:
    """Sites by name, each with its region or none."""
    return units_of(Catalogue(sites=tuple(Site(name, region=region) for name, region in regions.items())), 1)


def totals(units: Layout, beside: tuple[int, int] = (0, 0), **sites: tuple[int, int]) -> dict[str, Total]:
    """The totals of all units from (bad, live) of each site; *beside* are queues of no declared site."""
    out = {name: Total() for name in units.names}
    out["*"].bad, out["*"].live = beside
    for site, (bad, live) in sites.items():
        for number in units.members(f"{site}/x"):
            if number >= 0:
                out[units.names[number]].bad += bad
                out[units.names[number]].live += live
    return out


def storms(units: Layout, beside: tuple[int, int] = (0, 0), **sites: tuple[int, int]) -> list[str]:
    return found(units, totals(units, beside, **sites), QUEUES, SHARE)


THREE = layout(ash="east", birch="east", cedar="")


def test_two_queues_are_no_storm() -> None:
    assert storms(THREE, ash=(2, 2)) == []
    assert storms(THREE, ash=(3, 3)) == ["ash/*"]


def test_a_small_part_of_a_unit_is_none() -> None:
    assert storms(THREE, ash=(3, 8), birch=(0, 8), cedar=(0, 8)) == []
    assert storms(THREE, ash=(4, 10), birch=(0, 10), cedar=(0, 10)) == ["ash/*"]


def test_many_are_one_whatever_their_share() -> None:
    assert storms(THREE, ash=(MANY - 1, 1000)) == []
    assert storms(THREE, ash=(MANY, 1000), cedar=(0, 1000)) == ["*"], "no part of it is struck by itself"


def test_a_trunk_over_half_of_two_sites_is_their_region() -> None:
    assert storms(THREE, ash=(5, 10), birch=(6, 12), cedar=(0, 40)) == ["east/*"]


def test_one_site_of_a_region_is_that_site() -> None:
    assert storms(THREE, ash=(10, 10), birch=(1, 10), cedar=(0, 10)) == ["ash/*"]


def test_the_platform_is_everything() -> None:
    assert storms(THREE, ash=(9, 10), birch=(9, 10), cedar=(9, 10)) == ["*"]


def test_two_sites_far_apart_are_two() -> None:
    wide = layout(ash="east", birch="west", cedar="", dew="", elm="")
    assert storms(wide, ash=(4, 4), birch=(4, 4), cedar=(0, 10), dew=(0, 10), elm=(0, 10)) == ["ash/*", "birch/*"]


def test_single_queues_of_several_sites_make_up_the_region() -> None:
    assert storms(layout(a="r", b="r", c="r", d=""), a=(1, 1), b=(1, 1), c=(1, 1), d=(0, 20)) == ["r/*"]


def test_queues_of_no_declared_site_belong_to_everything() -> None:
    assert storms(layout(), beside=(200, 200)) == ["*"]
    assert storms(THREE, beside=(4, 4), ash=(4, 4)) == ["*"]


def test_off_finds_nothing() -> None:
    assert found(THREE, totals(THREE, ash=(200, 200)), 0, SHARE) == []


def test_half_way_gathers() -> None:
    assert gathers(Total(bad=2, live=10), QUEUES, SHARE)
    assert not gathers(Total(bad=2, live=11), QUEUES, SHARE)
    assert not gathers(Total(bad=1, live=1), QUEUES, SHARE)
    assert gathers(Total(bad=10, live=10_000), QUEUES, SHARE)
    assert not gathers(Total(bad=5, live=5), 0, SHARE)


def test_shares_of_partitions_add_up() -> None:
    one = Trouble(live=4, n=3, bad=2, worst=2, last_ms=7, rules={"sl": 2}, names=["a/b", "a/d"])
    two = Trouble(live=3, n=2, bad=1, worst=1, last_ms=5, rules={"sl": 1, "ab": 1}, names=["a/c"], held=4)
    total = together([one, two], 3)
    assert (total.live, total.bad, total.worst, total.last_ms, total.held) == (7, 3, 1, 7, 4)
    assert total.rules == {"sl": 3, "ab": 1}
    assert total.names == ["a/b", "a/c", "a/d"]
    assert not total.current
    assert together([one, two], 2).current


COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 60)).map(lambda n: (min(n), n[1]))


@given(a=COUNTS, b=COUNTS, c=COUNTS, beside=COUNTS)
def test_what_is_found_explains_and_nothing_is_found_twice(
    a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], beside: tuple[int, int]
) -> None:
    all_of = totals(THREE, beside, ash=a, birch=b, cedar=c)
    units = found(THREE, all_of, QUEUES, SHARE)
    assert all(explains(all_of[unit], QUEUES, SHARE) for unit in units)
    inside = parts_of(THREE)
    for unit in units:
        below = [*inside[unit], *(part for middle in inside[unit] for part in inside[middle])]
        assert not set(below) & set(units)
    if explains(all_of["*"], QUEUES, SHARE) or any(explains(of, QUEUES, SHARE) for of in all_of.values()):
        assert units
