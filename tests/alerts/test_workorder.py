"""The table of legal moves against an expectation written down independently: a grid, one letter a cell."""

from __future__ import annotations

import pytest

from alerts.workorder import MOVES, NEW, OPEN, STATES, SYSTEM_EVENTS, legal_commands, moved
from models.command import COMMANDS

#: Columns of the grid, and the letter of the state a cell leads to. ``.`` = not legal, ``<`` = back, ``=`` = stays.
COLUMNS = ("new", "detected", "dispatched", "acknowledged", "analysing", "verifying", "closed", "on_hold", "accepted")
LETTERS = {
    "D": "detected",
    "P": "dispatched",
    "K": "acknowledged",
    "N": "analysing",
    "V": "verifying",
    "C": "closed",
    "H": "on_hold",
    "A": "accepted",
    "X": "cancelled",
}
#:                  new det dis ack ana ver clo hol acc cancelled
GRID = """
acknowledge          .   K   K   .   .   .   .   .   .   .
take                 .   K   K   =   =   =   .   =   =   .
analyse              .   .   .   N   .   .   .   .   .   .
consult              .   =   =   =   =   =   .   =   =   .
note                 .   =   =   =   =   =   =   =   =   =
propose_limit        .   =   =   =   =   .   .   =   .   .
agree_limit          .   =   =   =   =   .   .   =   .   .
hold                 .   H   H   H   H   H   .   .   H   .
resume               .   .   .   .   .   .   .   <   .   .
resolve              .   .   .   V   V   .   .   .   V   .
accept               .   A   A   A   A   A   .   .   .   .
cancel               .   =   =   =   =   =   .   =   =   .
confirm_cancel       .   X   X   X   X   X   .   X   X   .
reassign             .   P   =   =   =   =   .   =   =   .
hand_over            .   =   =   =   =   =   .   =   =   .
accept_handover      .   =   =   =   =   =   .   =   =   .
sign_evidence        .   .   .   .   .   =   .   .   .   .
verdict              .   =   =   =   =   =   =   =   =   =
report               D   =   =   =   =   =   .   =   =   .
over                 .   =   =   =   =   =   .   =   =   .
sign_check           .   .   .   .   .   =   .   .   .   .
supervise            .   =   =   =   =   =   .   =   =   .
release              .   =   =   =   =   =   .   =   =   .
close_problem        .   =   =   =   =   =   =   =   =   =
helped               .   =   =   =   =   =   =   =   =   =
floor_note           .   .   .   .   .   .   .   .   .   .
accept_shift         .   .   .   .   .   .   .   .   .   .
plan                 .   .   .   .   .   .   .   .   .   .
shorten_plan         .   .   .   .   .   .   .   .   .   .
cancel_plan          .   .   .   .   .   .   .   .   .   .
declare_emergency    .   .   .   .   .   .   .   .   .   .
stand_down           .   .   .   .   .   .   .   .   .   .
adopt                .   =   =   =   =   =   .   =   =   .
mark_odd             .   .   .   .   .   .   .   .   .   .
breached             D   P   .   .   .   .   .   .   .   .
joined               .   =   =   =   =   =   .   =   =   .
recovered            .   V   V   V   V   .   .   V   V   .
verified             .   .   .   .   .   C   .   .   .   .
failed               .   .   .   .   .   N   .   .   .   .
undecided            .   .   .   .   .   =   .   .   .   .
relapsed             .   .   .   .   .   <   N   .   .   .
respond_due          .   =   =   .   .   .   .   .   .   .
resolve_due          .   =   =   =   =   .   .   .   .   .
hold_due             .   .   .   .   .   .   .   <   .   .
accept_due           .   .   .   .   .   .   .   .   N   .
remind_due           .   .   .   =   =   =   .   .   .   .
shift_ends           .   =   =   =   =   =   .   =   =   .
handover_due         .   =   =   =   =   =   .   =   =   .
planned_begins       .   =   =   =   =   =   .   =   =   .
planned_over         .   =   =   =   =   =   .   =   =   .
storm_begins         .   P   =   =   =   =   .   =   =   .
storm_over           .   =   =   =   =   =   .   =   =   .
"""
ROWS = {line.split()[0]: line.split()[1:] for line in GRID.strip().splitlines()}
CELLS = [
    (state, event, ROWS[event][column])
    for event in (*COMMANDS, *SYSTEM_EVENTS)
    for column, state in enumerate((*COLUMNS, "cancelled"))
]


def test_the_grid_is_whole() -> None:
    assert set(ROWS) == set(MOVES) == {*COMMANDS, *SYSTEM_EVENTS}
    assert {*COLUMNS, "cancelled"} == {NEW, *STATES}
    assert all(len(row) == 10 for row in ROWS.values())
    assert set(OPEN) == set(STATES) - {"closed", "cancelled"}


@pytest.mark.parametrize(("state", "event", "letter"), CELLS)
def test_every_pair(state: str, event: str, letter: str) -> None:
    for came_from in ("dispatched", "acknowledged", "analysing", "verifying"):
        expected = {".": None, "=": state, "<": came_from}.get(letter, LETTERS.get(letter))
        assert moved(state, event, came_from) == expected


def test_back_without_a_past_is_analysis() -> None:
    assert moved("on_hold", "resume") == "analysing"


def test_closed_is_reached_by_verification_alone() -> None:
    assert {(s, e) for e in MOVES for s in (NEW, *STATES) if s != "closed" and moved(s, e) == "closed"} == {
        ("verifying", "verified")
    }


def test_a_cancelled_order_never_moves_again() -> None:
    assert {e for e in MOVES if moved("cancelled", e) not in (None, "cancelled")} == set()
    assert legal_commands("cancelled") == ("note", "verdict", "close_problem", "helped")
