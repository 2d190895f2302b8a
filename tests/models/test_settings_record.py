"""Settings as a record of the log: every catalogue comes back as it was, and what could harm is refused by name."""

from __future__ import annotations

import dataclasses
from importlib.resources import files
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.defaults import default_rules
from callwatch.settings import parse_settings
from models.catalogue import (
    Catalogue,
    Department,
    Duty,
    FlowOut,
    Formula,
    LoopLimits,
    OpeningHours,
    Person,
    QueueSettings,
    Rule,
    Site,
    Source,
)
from models.decode import read
from models.errors import SettingsError
from models.fields import queue_fault
from models.metric import FIGURES
from models.refusal import Reason, Refused
from models.settings_record import canonical, digest, packed, read_settings, settings_record, unpacked

DAYS = st.frozensets(st.integers(0, 6))
SPANS = st.tuples(DAYS, st.integers(0, 1439), st.integers(1, 1440)).map(lambda s: (s[0], s[1], s[1] + s[2]))
TEXT = st.text(min_size=1, max_size=12)
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])
MILLIS = st.integers(0, 86_400_000)
NUMBER = st.floats(0, 1e9) | st.integers(0, 10**9)
THREE = st.tuples(*[st.integers(1, 86_400_000)] * 3)


def names(of: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=3, unique_by=lambda item: getattr(item, key)).map(tuple)


SITE = TEXT.filter(lambda name: not queue_fault(f"{name}/*"))
SITES = st.builds(
    Site, SITE, ZONES, st.sampled_from([15, 30]), st.lists(SPANS.map(lambda s: OpeningHours(*s)), max_size=2).map(tuple)
)
QUEUES = st.builds(
    QueueSettings,
    TEXT,
    st.sampled_from(Formula),
    MILLIS,
    MILLIS,
    st.sampled_from(FlowOut),
    TEXT,
    st.none() | st.lists(SPANS.map(lambda s: OpeningHours(*s)), max_size=2).map(tuple),
)
RULES = st.builds(
    lambda rule_id, figure, *rest: Rule(rule_id, *figure, *rest),
    TEXT,
    st.sampled_from(sorted(FIGURES)),
    NUMBER,
    NUMBER,
    st.booleans(),
    TEXT,
    st.integers(1, 4),
    st.integers(0, 1_000),
    MILLIS,
    NUMBER,
    MILLIS,
)
PEOPLE = st.builds(
    Person, TEXT, TEXT, TEXT, st.integers(0, 4), ZONES, st.lists(SPANS.map(lambda s: Duty(*s)), max_size=2).map(tuple)
)
CATALOGUES = st.builds(
    Catalogue,
    sites=names(SITES, "name"),
    queues=st.lists(QUEUES, max_size=3).map(tuple),
    rules=names(RULES, "id"),
    departments=st.lists(st.builds(Department, TEXT, TEXT), max_size=2).map(tuple),
    people=names(PEOPLE, "id"),
    limits=st.builds(LoopLimits, THREE, THREE, st.integers(1, 100), MILLIS, MILLIS),
    sources=st.lists(st.builds(Source, TEXT, st.integers(1, 60_000)), max_size=2).map(tuple),
    causes=st.lists(TEXT, max_size=3).map(tuple),
)


def record(catalogue: Catalogue) -> dict[str, Any]:
    return read(settings_record(catalogue, id="1", source="test", ts_ms=5))


@settings(max_examples=150, deadline=None)
@given(CATALOGUES)
def test_every_catalogue_comes_back_as_it_was(catalogue: Catalogue) -> None:
    back = read_settings(record(catalogue))
    assert back == catalogue
    assert back == canonical(catalogue)
    assert digest(back) == digest(catalogue)
    assert orjson.dumps(packed(back)) == orjson.dumps(packed(catalogue))
    assert [type(rule.limit) for rule in back.rules] == [float] * len(back.rules)
    assert all(isinstance(q.formula, Formula) and isinstance(q.flow_out, FlowOut) for q in back.queues)


@settings(max_examples=50, deadline=None)
@given(CATALOGUES, CATALOGUES)
def test_the_digest_tells_settings_apart(one: Catalogue, other: Catalogue) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@pytest.mark.parametrize("name", ["demo.toml", "bank.toml"])
def test_the_settings_of_the_demo_enter_the_log(name: str) -> None:
    text = files("callwatch").joinpath("demo", name).read_text("utf-8")
    catalogue = parse_settings(text, name).catalogue
    assert read_settings(record(catalogue)) == catalogue


def test_a_field_that_is_not_there_has_its_default() -> None:
    body = packed(Catalogue(rules=default_rules()))
    del body["limits"]["verify_calls"], body["causes"], body["rules"][0]["recover_hold_ms"]
    assert unpacked(body) == Catalogue(rules=default_rules())


BAD: list[tuple[list[str | int], Any, str]] = [
    (["limits", "verify_calls"], 0, "verify_calls"),
    (["limits", "verify_calls"], "10", "verify_calls"),
    (["limits", "respond_ms"], [1, 2], "respond_ms"),
    (["sites", 0, "zone"], "Mars/Olympus", "Mars"),
    (["sites", 0, "zone"], "../../etc/passwd", "zone"),
    (["sites", 0, "interval_min"], 20, "interval_min"),
    (["sites", 0, "hours", 0, "days"], [7], "days"),
    (["sites", 0, "hours", 0, "closes_min"], 2881, "2881"),
    (["queues", 0, "threshold_ms"], 2**31, "threshold_ms"),
    (["queues", 0, "threshold_ms"], 2**70, "64-bit"),
    (["queues", 0, "formula"], 9, "formula"),
    (["rules", 0, "metric"], "mood", "mood"),
    (["rules", 0, "window"], "2m", "2m"),
    (["rules", 0, "severity"], 5, "severity"),
    (["rules", 0, "hold_ms"], -1, "hold_ms"),
    (["rules", 0, "limit"], None, "limit"),
    (["rules", 0, "colour"], "red", "colour"),
    (["rules", 1, "id"], "r0", "r0"),
    (["people", 0, "tier"], 5, "tier"),
    (["people", 0, "id"], "", "people"),
    (["sources", 0, "cadence_ms"], 0, "cadence_ms"),
    (["magic"], True, "magic"),
]


def small() -> Catalogue:
    hours = (OpeningHours(frozenset({0, 1}), 480, 1080),)
    rules = tuple(dataclasses.replace(rule, id=f"r{n}") for n, rule in enumerate(default_rules()))
    return Catalogue(
        sites=(Site("north", hours=hours),),
        queues=(QueueSettings(),),
        rules=rules,
        people=(Person("ann", "Ann", "floor"),),
        sources=(Source("pbx", 1_000),),
    )


@pytest.mark.parametrize(("path", "value", "part"), BAD, ids=lambda x: ".".join(map(str, x)) if type(x) is list else "")
def test_what_would_harm_is_refused_with_its_place(path: list[str | int], value: Any, part: str) -> None:
    body: Any = packed(small())
    assert unpacked(body) == small()
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(Refused, match=part) as refused:
        unpacked(body)
    assert refused.value.reason == Reason.BAD_SETTINGS
    assert len(refused.value.detail) <= 200


@pytest.mark.parametrize("body", [None, [], "x", 5, {"rules": {}}, {"rules": [None]}, {"people": [[]]}])
def test_what_is_no_catalogue_is_refused(body: Any) -> None:
    with pytest.raises(Refused):
        unpacked(body)


def test_settings_too_large_for_the_log_are_refused_with_the_way_out() -> None:
    people = tuple(Person(f"p{n}", "x" * 300, "floor") for n in range(700))
    with pytest.raises(SettingsError, match="patterns"):
        settings_record(Catalogue(people=people), id="1", source="test", ts_ms=5)


def test_settings_that_no_reader_would_take_are_not_written() -> None:
    with pytest.raises(SettingsError, match="Mars"):
        settings_record(Catalogue(sites=(Site("north", "Mars"),)), id="1", source="test", ts_ms=5)
