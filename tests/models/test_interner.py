"""The interner numbers names densely and stops at its limit."""

from __future__ import annotations

import pytest

from models.interner import Names, NamesFullError


def test_numbers_in_order_of_appearance() -> None:
    names = Names()
    assert [names.index(name) for name in ("b/x", "a/x", "b/x")] == [0, 1, 0]
    assert names.names == ["b/x", "a/x"]
    assert len(names) == 2
    assert names.find("a/x") == 1
    assert names.find("c/x") is None
    assert "c/x" not in names


def test_at_the_limit_known_names_go_on() -> None:
    names = Names(limit=1)
    names.index("a/x")
    with pytest.raises(NamesFullError, match="b/x"):
        names.index("b/x")
    assert names.index("a/x") == 0
    assert names.names == ["a/x"]
