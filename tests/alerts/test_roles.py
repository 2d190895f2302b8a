"""Every (role, command, strict or not) against an expectation written down independently: a grid, one row a command."""

from __future__ import annotations

import pytest

from alerts import roles
from alerts.order import Consultation, Finding, WorkOrder
from models.catalogue import Catalogue, Department, QueueSettings
from models.command import COMMANDS, OrderCommand
from tests.alerts.world import T0, person

#: Who asks, and what makes them so. ``centre`` is of the monitoring centre, ``outer`` of neither department.
WHO = (
    "stranger",
    "sender",
    "agent",
    "owner",
    "lia",
    "lead",
    "boss3",
    "boss4",
    "consulted",
    "checker",
    "centre",
    "outer",
)
#: Two letters a cell, usual then strict: ``Y`` may, ``.`` may not.
#:               stran send  agent owner lia   lead  boss3 boss4 consu check centr outer
GRID = """
acknowledge      Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.
take             ..    ..    ..    YY    ..    YY    YY    YY    Y.    ..    Y.    Y.
analyse          Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.
consult          Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    YY    Y.
note             Y.    Y.    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
propose_limit    Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    YY    Y.
agree_limit      Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    YY    Y.
hold             Y.    Y.    Y.    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.    Y.
resume           Y.    Y.    Y.    YY    Y.    Y.    Y.    Y.    Y.    Y.    YY    Y.
resolve          Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.
accept           ..    ..    ..    ..    ..    ..    YY    YY    ..    ..    ..    YY
cancel           Y.    Y.    Y.    YY    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.
confirm_cancel   ..    ..    Y.    YY    Y.    YY    YY    YY    Y.    Y.    YY    Y.
reassign         Y.    Y.    Y.    YY    Y.    Y.    YY    YY    Y.    Y.    YY    YY
hand_over        Y.    Y.    Y.    YY    Y.    Y.    Y.    Y.    Y.    Y.    Y.    Y.
accept_handover  Y.    Y.    Y.    YY    Y.    YY    YY    YY    Y.    Y.    Y.    Y.
sign_evidence    ..    ..    ..    YY    ..    YY    YY    YY    Y.    ..    Y.    Y.
verdict          Y.    Y.    Y.    YY    Y.    YY    YY    YY    Y.    Y.    YY    Y.
report           YY    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
over             ..    YY    ..    ..    ..    ..    ..    ..    ..    ..    ..    ..
sign_check       ..    ..    ..    ..    ..    ..    ..    ..    ..    YY    ..    ..
supervise        ..    ..    ..    ..    ..    ..    ..    ..    ..    ..    YY    ..
release          ..    ..    ..    YY    YY    ..    ..    ..    YY    ..    YY    ..
close_problem    ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
helped           Y.    Y.    Y.    YY    YY    YY    YY    YY    Y.    Y.    Y.    Y.
floor_note       ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
accept_shift     Y.    Y.    Y.    YY    Y.    YY    YY    YY    Y.    Y.    Y.    Y.
plan             ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
shorten_plan     ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
cancel_plan      ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
declare_emergency ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
stand_down       ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
adopt            ..    ..    ..    YY    ..    YY    YY    YY    Y.    ..    YY    Y.
mark_odd         ..    ..    YY    YY    YY    YY    YY    YY    YY    YY    YY    YY
"""
ROWS = {line.split()[0]: line.split()[1:] for line in GRID.strip().splitlines()}
CELLS = [
    (command, who, ROWS[command][column][strict] == "Y", bool(strict))
    for command in COMMANDS
    for column, who in enumerate(WHO)
    for strict in (0, 1)
]
PEOPLE = (
    person("agent", 0),
    person("owner", 1),
    person("lia", 0),
    person("lead", 1),
    person("boss3", 3),
    person("boss4", 4, "north"),
    person("consulted", 1, "trunks"),
    person("checker", 0, "trunks"),
    person("centre", 2, "monitoring"),
    person("outer", 3, "north"),
)


def settings(strict: bool) -> Catalogue:
    departments = (Department("desk", strict=strict), Department("trunks"), Department("monitoring", supervises=True))
    return Catalogue(queues=(QueueSettings(department="desk"),), departments=departments, people=PEOPLE)


def an_order() -> WorkOrder:
    order = WorkOrder("WO-1", "bank/PS", "analysing", 2, T0, owner="owner", owner_name="Owner", liaison="lia")
    order.consultation = Consultation(["consulted"], [], "centre")
    order.findings = [
        Finding("FI-1", "external", "x", 2, "sender", T0, "sender", "", "", None, False, "", "k"),
        Finding("FI-2", "on_site", "x", 2, "agent", T0, "signed", "", "", None, False, "checker", ""),
    ]
    return order


def test_the_grid_is_whole() -> None:
    assert set(ROWS) == set(roles.MAY) == set(COMMANDS)
    assert all(len(row) == len(WHO) for row in ROWS.values())
    in_use = {role for may in roles.MAY.values() for role in may.usual | may.strict}
    assert in_use == set(roles.ROLES)


@pytest.mark.parametrize(("command", "who", "may", "strict"), CELLS)
def test_every_role(command: str, who: str, may: bool, strict: bool) -> None:
    asked = OrderCommand.model_validate({"order": "WO-1", "command": command, "actor": who})
    refused = roles.refusal(settings(strict), an_order(), asked)
    assert (refused is None) == may
    assert refused is None or (refused[0] and refused[1])


@pytest.mark.parametrize("strict", [False, True])
def test_without_people_in_the_settings_everybody_may_all(strict: bool) -> None:
    nobody = Catalogue(departments=(Department("desk", strict=strict),), queues=(QueueSettings(department="desk"),))
    for command in COMMANDS:
        asked = OrderCommand.model_validate({"order": "WO-1", "command": command, "actor": "x"})
        assert roles.refusal(nobody, an_order(), asked) is None


@pytest.mark.parametrize(
    ("who", "centre", "single"),
    [
        ("stranger", None, None),
        ("agent", "handling", "handling"),
        ("owner", "handling", "monitoring"),
        ("lia", "handling", "handling"),
        ("lead", "handling", "monitoring"),
        ("boss4", None, "monitoring"),
        ("consulted", "handling", "handling"),
        ("centre", "monitoring", None),
        ("outer", None, None),
    ],
)
def test_the_two_sides(who: str, centre: str | None, single: str | None) -> None:
    assert roles.side(settings(False), an_order(), who) == centre
    alone = Catalogue(queues=(QueueSettings(department="desk"),), departments=(Department("desk"),), people=PEOPLE)
    assert roles.side(alone, an_order(), who) == single


def test_without_a_liaison_the_owner_handles() -> None:
    people = (person("owner", 1), person("lead", 1))
    alone = Catalogue(queues=(QueueSettings(department="desk"),), departments=(Department("desk"),), people=people)
    order = an_order()
    order.liaison = order.consultation = None
    assert [roles.side(alone, order, who) for who in ("owner", "lead")] == ["handling", "monitoring"]
