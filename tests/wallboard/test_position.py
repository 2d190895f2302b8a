"""SSE ids are read back as written, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallboard.position import Position

offsets = st.lists(st.integers(0, 10**15), min_size=1, max_size=64).map(tuple)


@given(st.from_regex(r"[0-9a-f]{0,16}", fullmatch=True), offsets)
def test_an_id_is_read_back(epoch: str, at: tuple[int, ...]) -> None:
    position = Position(epoch, at)
    assert Position.parse(str(position)) == position


@given(st.text())
def test_any_text_is_a_position_or_none(text: str) -> None:
    found = Position.parse(text)
    assert found is None or Position.parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "a", "a:", "a:1,", "a:-1", "a:1 2", "a:1\nb", "a:" + "9" * 30])
def test_garbage_is_none(text: str) -> None:
    assert Position.parse(text) is None
