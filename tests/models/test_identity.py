"""Identity is the same number in every run: known values, and the slow twin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.identity import key, keys
from tests.models import naive


@given(st.lists(st.text(max_size=40)))
def test_equals_its_slow_twin(texts: list[str]) -> None:
    assert keys(texts).tolist() == [naive.hash_text(text) for text in texts]


def test_never_changes() -> None:
    # snapshots hold these numbers: a change here makes every worker forget the calls it knows
    assert key("q", "north/report", "pbx:1", 1) == 0x68425FD3A7FFE5B9
    assert keys([""]).tolist() == [naive.hash_text("")]


def test_legs_menus_and_blocks_of_a_call_are_told_apart() -> None:
    marks = [key(mark, "north/report", "pbx:1", leg) for mark in "qmb" for leg in (1, 2, 11)]
    assert len(set(marks)) == len(marks)


def test_parts_are_told_apart() -> None:
    assert key("r", "ab", "c") != key("r", "a", "bc")
