"""What outside tools hear of the orders of a storm: of the parent, and of no child that they do not show already."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.case import Case, Shown
from alerts.order import Storm, WorkOrder, public
from alerts.owed import owed, wanted
from models.notify_settings import Channel, NotifySettings

CHANNELS = [Channel(kind, kind) for kind in ("alertmanager", "alertmanager_webhook", "pagerduty", "webhook")]


def case(**fields: Any) -> Case:
    order = WorkOrder("WO-1", fields.pop("queue", "north/x"), fields.pop("state", "dispatched"), 2, 1_000, version=3)
    for name, value in fields.items():
        setattr(order, name, value)
    made = Case("WO-1")
    made.take_order({**public(order), "pos": [0, 5, 0]}, 2_000)
    return made


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.kind)
def test_a_child_is_no_incident_of_its_own_and_its_parent_is(channel: Channel) -> None:
    settings = NotifySettings(channels=(channel,))
    assert owed(case(parent="WO-9"), settings, 3_000) == []
    assert len(owed(case(queue="north/*", storm=Storm(1_000)), settings, 3_000)) == 1
    assert len(owed(case(), settings, 3_000)) == 1


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.kind)
def test_a_tool_hears_of_an_order_with_its_page(channel: Channel) -> None:
    settings, there = NotifySettings(channels=(channel,)), case(withheld=True)
    assert owed(there, settings, 3_000) == []
    assert there.order is not None
    there.take_order({**there.order, "version": 4, "withheld": False, "pos": [0, 6, 0]}, 4_000)
    assert len(owed(there, settings, 5_000)) == 1


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.kind)
def test_one_that_ended_before_its_page_is_never_told(channel: Channel) -> None:
    assert owed(case(withheld=True, state="closed", closed_ms=2_000), NotifySettings(channels=(channel,)), 3_000) == []


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.kind)
def test_what_a_tool_shows_already_goes_on_to_its_end(channel: Channel) -> None:
    shows = {"pagerduty": "trigger", "webhook": "dispatched|ann|2|0"}.get(channel.kind, "firing 2")
    there = case(parent="WO-9")
    assert wanted(channel, there, Shown(serial=1, what=shows)) is not None
    over = case(parent="WO-9", state="closed", closed_ms=9_000)
    assert wanted(channel, over, Shown(serial=1, what=shows)) not in (None, shows)


def test_orders_of_before_storms_are_told_as_they_were() -> None:
    there = case()
    assert there.order is not None
    old = {name: value for name, value in there.order.items() if name not in ("storm", "parent", "withheld")}
    there.take_order({**old, "version": 4}, 4_000)
    assert len(owed(there, NotifySettings(channels=(CHANNELS[2],)), 5_000)) == 1
