from __future__ import annotations

import pytest

from sources import pseudonym
from sources.pseudonym import Pseudonyms, pseudonyms_from_environment


def test_equal_under_one_key_and_different_under_another() -> None:
    assert Pseudonyms("k").agent("Ann") == Pseudonyms("k").agent("Ann")
    assert Pseudonyms("k").agent("Ann") != Pseudonyms("l").agent("Ann")
    assert Pseudonyms("k" * 65).agent("Ann") != Pseudonyms("k" * 66).agent("Ann")


def test_kinds_do_not_meet() -> None:
    people = Pseudonyms("k")
    assert people.agent("7")[2:] != people.customer("7")[2:]
    assert people.agent("7").startswith("a-")
    assert people.customer("7").startswith("c-")


def test_without_a_key_it_says_so_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pseudonym, "_noticed", False)
    monkeypatch.delenv(pseudonym.KEY_VARIABLE, raising=False)
    assert pseudonyms_from_environment().agent("Ann") == pseudonyms_from_environment().agent("Ann")
    assert capsys.readouterr().err.count(pseudonym.KEY_VARIABLE) == 1
    monkeypatch.setenv(pseudonym.KEY_VARIABLE, "secret")
    assert pseudonyms_from_environment().agent("Ann") == Pseudonyms("secret").agent("Ann")
    assert capsys.readouterr().err == ""
