"""The rota in the settings: read as written, and everything wrong refused in one go, each fault on its line."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callwatch.settings import load_settings, parse_settings
from models.catalogue import Catalogue, Duty, OnHoliday, OpeningHours, Roles, Substitution
from models.decode import read
from models.errors import SettingsError
from models.refusal import Refused
from models.rota_check import all_faults
from models.settings_record import digest, packed, read_settings, settings_record, unpacked
from tests.models.rota_twin import WEEK

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "rota" / "rota.toml"

#: 34 lines: two shifts that hold the day from eight to eight, with nobody wanted at night.
FLOOR = """\
[[department]]
name = "floor"
zone = "Europe/Berlin"
covered = ["daily 08:00-20:00"]

[[person]]
id = "lia"
name = "Lia"
department = "floor"

[[person]]
id = "ann"
name = "Ann"
department = "floor"
tier = "shift_lead"

[[person]]
id = "bob"
name = "Bob"
department = "floor"
tier = "shift_lead"

[[shift]]
name = "early"
department = "floor"
hours = ["daily 08:00-14:00"]
lead = "ann"

[[shift]]
name = "late"
department = "floor"
hours = ["daily 14:00-20:00"]
lead = "bob"

"""
AFTER = 35  #: the line of what is added


def catalogue(text: str = FLOOR) -> Catalogue:
    return parse_settings(text, "s.toml", {}).catalogue


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        catalogue(text)
    return str(refused.value).splitlines()


def test_the_example_is_read_as_written() -> None:
    found = load_settings(EXAMPLE, {}).catalogue
    early, _, feast, night = found.shifts
    assert (early.zone, early.lead, early.people) == ("Asia/Shanghai", ("chen", "wang"), (("zhao",), ("zhou",)))
    assert (early.hours, early.turns_from) == ((Duty(WEEK, 480, 960),), dt.date(2026, 8, 31))
    assert (feast.holidays, feast.on_holidays, early.on_holidays) == ("cn", OnHoliday.ONLY, OnHoliday.OFF)
    assert (night.lead, night.turns_from, night.holidays) == (("li",), None, "")
    assert len(found.holidays[0].dates) == 8
    assert found.substitutions == (Substitution("li", "zheng", dt.date(2026, 11, 23), dt.date(2026, 12, 6)),)
    floor, management = found.departments
    assert (floor.liaisons, floor.zone, floor.covered) == (("zhao", "sun"), "Asia/Shanghai", None)
    assert floor.roles == Roles(consulted_tiers=frozenset({2}), informed_tiers=frozenset({3, 4}))
    assert management.roles == Roles()


def test_all_that_a_rota_may_say() -> None:
    text = (
        FLOOR.replace('tier = "shift_lead"', 'tier = "shift_lead"\nzone = "Europe/Berlin"')
        + """
[[shift]]
name = "help"
department = "floor"
zone = "Asia/Shanghai"
hours = ["Mon 22:00-06:00"]
people = ["lia", ["ann", "bob"]]
turn_weeks = 2
turns_from = 2026-01-05
from = "2026-02-02"
until = 2026-03-01

[[substitution]]
person = "ann"
by = "bob"
from = 2026-02-03
shift = "help"
"""
    )
    found = catalogue(text)
    shift = found.shifts[2]
    assert (shift.hours, shift.lead, shift.people) == (
        (Duty(frozenset({0}), 1320, 1800),),
        (),
        (("lia",), ("ann", "bob")),
    )
    assert (shift.turn_weeks, shift.first_day, shift.last_day) == (2, dt.date(2026, 2, 2), dt.date(2026, 3, 1))
    assert found.substitutions[0].last_day == dt.date(2026, 2, 3)
    assert found.departments[0].covered == (OpeningHours(WEEK, 480, 1200),)
    assert found.shifts[0].zone == "Europe/Berlin"  # the department's


def test_who_is_consulted_is_a_person_before_it_is_a_tier() -> None:
    text = FLOOR.replace(
        "[[department]]\n", '[[department]]\nconsulted = ["manager", "ann"]\ninformed = ["bob", "liaison"]\n'
    )
    text += '[[person]]\nid = "liaison"\nname = "L"\ndepartment = "floor"\n'
    assert catalogue(text).departments[0].roles == Roles(("ann",), ("bob", "liaison"), frozenset({4}), frozenset())


X = '[[shift]]\nname = "x"\ndepartment = "floor"\nhours = ["Mon 00:00-01:00"]\n'
SUB = '[[substitution]]\nperson = "ann"\nby = "bob"\nfrom = 2026-02-02\n'

BAD = [
    # what, added to the floor, line, words of the reason
    ("unknown lead", X + 'lead = "eve"\n', 39,
     'no [[person]] has the id "eve"'),
    ("unknown on it", X + 'people = ["eve"]\n', 39,
     'no [[person]] has the id "eve"'),
    ("liaison leads", X + 'lead = "lia"\n', 39,
     "cannot be accountable"),
    ("nobody on it", X, 35, "nobody is on it"),
    ("no hours", '[[shift]]\nname = "x"\ndepartment = "floor"\nlead = "ann"\n', 35, "list of times"),
    ("no length", '[[shift]]\nname = "x"\ndepartment = "floor"\nhours = ["Mon 07:00-07:00"]\n', 38,
     "starts where it ends"),
    ("unknown department", '[[shift]]\nname = "x"\ndepartment = "flor"\nhours = ["Mon 00:00-01:00"]\nlead = "ann"\n',
     37,
     'no [[department]] is called "flor"'),
    ("turns without a beginning", X + 'lead = ["ann", "bob"]\n', 35, "whose turn it is"),
    ("ends before it starts", X + 'lead = "ann"\n'
     "from = 2026-02-02\nuntil = 2026-02-01\n", 41, "ends before it starts"),
    ("unknown calendar", X + 'lead = "ann"\n'
     'holidays = "cn"\n', 40, 'no [[holidays]] is called "cn" (there is none)'),
    ("on which holidays", X + 'lead = "ann"\n'
     'on_holidays = "only"\n', 40, "of which calendar"),
    ("unknown key", X + 'led = "ann"\n', 39,
     'did you mean "lead"'),
    ("no day", '[[holidays]]\nname = "cn"\ndates = ["2026-02-30"]\n', 37, "a day such as 2026-10-01"),
    ("a time", '[[holidays]]\nname = "cn"\ndates = [2026-02-03T10:00:00]\n', 37, "a day such as 2026-10-01"),
    ("far day", '[[holidays]]\nname = "cn"\ndates = [2300-01-01]\n', 37, "from 1970-01-05"),
    ("days backwards", '[[holidays]]\nname = "cn"\ndates = ["2026-02-03..2026-02-01"]\n', 37, "range of 1 to 366 days"),
    ("two calendars", '[[holidays]]\nname = "cn"\ndates = []\n[[holidays]]\nname = "cn"\ndates = []\n', 39,
     "two calendars"),
    ("unknown replaced", '[[substitution]]\nperson = "eve"\nby = "ann"\nfrom = 2026-02-01\n', 36, '"eve"'),
    ("unknown substitute", '[[substitution]]\nperson = "ann"\nby = "eve"\nfrom = 2026-02-01\n', 37, '"eve"'),
    ("oneself", '[[substitution]]\nperson = "ann"\nby = "ann"\nfrom = 2026-02-01\n', 37, "for themselves"),
    ("liaison for a lead", '[[substitution]]\nperson = "ann"\nby = "lia"\nfrom = 2026-02-01\n', 37,
     "cannot be accountable"),
    ("substitution backwards", SUB + 'until = 2026-02-01\n', 39,
     "ends before it starts"),
    ("substitution of an unknown shift", SUB + 'shift = "x"\n', 39,
     'no [[shift]] is called "x"'),
    ("replaced twice", SUB + 'until = 2026-02-08\n'
     '[[substitution]]\nperson = "ann"\nby = "bob"\nfrom = 2026-02-08\nshift = "early"\n', 41,
     "is replaced by number 1 too"),
    ("a ring", SUB + 'until = 2026-02-08\n'
     '[[substitution]]\nperson = "bob"\nby = "ann"\nfrom = 2026-02-08\n', 42, "in a ring: "),
    ("no first day", '[[substitution]]\nperson = "ann"\nby = "bob"\n', 35, "from: is missing"),
    ("a second accountable", '[[shift]]\nname = "x"\ndepartment = "floor"\nhours = ["Tue 13:00-15:00"]\nlead = "bob"\n',
     38,
     '"bob" is a second accountable beside "ann" of "early" from Tue 2024-01-02 13:00 to 14:00 Europe/Berlin'),
]  # fmt: skip


@pytest.mark.parametrize(("added", "line", "reason"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_is_wrong_is_refused_with_its_line(added: str, line: int, reason: str) -> None:
    found = faults(FLOOR + added)
    assert len(found) == 1
    assert found[0].startswith(f"s.toml:{line}: "), found
    assert reason in found[0]


def test_every_fault_has_its_line() -> None:
    text = (
        FLOOR.replace('lead = "ann"', 'lead = "eve"')
        + '[[substitution]]\nperson = "ann"\nby = "adam"\nfrom = 2026-02-01\n'
    )
    assert [fault.partition(": ")[0] for fault in faults(text)] == ["s.toml:27", "s.toml:37"]


HOLES = [
    ("in the day", ("14:00-20:00", "15:00-20:00"), "from Mon 2024-01-01 14:00 to 15:00 Europe/Berlin"),
    ("at the end", ("14:00-20:00", "14:00-19:30"), "from Mon 2024-01-01 19:30 to 20:00 Europe/Berlin"),
    ("on one day", ("daily 14:00-20:00", "Thu-Tue 14:00-20:00"), "from Wed 2024-01-03 14:00 to 20:00 Europe/Berlin"),
]


@pytest.mark.parametrize(("change", "when"), [h[1:] for h in HOLES], ids=[h[0] for h in HOLES])
def test_a_hole_is_refused_with_its_first_instants(change: tuple[str, str], when: str) -> None:
    (found,) = faults(FLOOR.replace(*change))
    assert found.startswith("s.toml:1: [[department]] number 1: nobody is accountable " + when)
    assert found.endswith(" times more")


def test_a_holiday_that_nobody_holds_is_a_hole_and_says_why() -> None:
    text = FLOOR.replace('lead = "ann"', 'lead = "ann"\nholidays = "de"')
    text += '[[holidays]]\nname = "de"\ndates = [2026-12-25]\n'
    (found,) = faults(text)
    assert found.endswith(
        'nobody is accountable from Fri 2026-12-25 08:00 to 14:00 Europe/Berlin ("early" is off on holidays "de")'
    )
    closed = text.replace("[[department]]\n", '[[department]]\nclosed_on = "de"\n')
    assert catalogue(closed).departments[0].closed_on == "de"
    held = text + '[[shift]]\nname = "feast"\ndepartment = "floor"\nhours = ["daily 08:00-14:00"]\nlead = "bob"\n'
    assert len(catalogue(held + 'holidays = "de"\non_holidays = "only"\n').shifts) == 3
    assert "second accountable" in faults(held)[0]


def test_shifts_in_another_zone_leave_a_hole_when_one_of_the_clocks_jumps() -> None:
    text = FLOOR.replace('hours = ["daily 08', 'zone = "Asia/Shanghai"\nhours = ["daily 15')
    text = text.replace("15:00-14:00", "15:00-21:00")
    text = text.replace('["daily 14:00-20:00"]', '["daily 21:00-03:00"]\nzone = "Asia/Shanghai"')
    (found,) = faults(text)  # Berlin's summer begins on 31 March 2024: eight o'clock there is two in Shanghai
    assert "nobody is accountable from Sun 2024-03-31 08:00 to 09:00 Europe/Berlin" in found


def test_shifts_that_adjoin_on_paper_adjoin_when_the_clock_jumps() -> None:
    text = FLOOR.replace("08:00-20:00", "00:00-24:00").replace("08:00-14:00", "02:30-14:00")
    text = text.replace("14:00-20:00", "14:00-02:30")
    assert len(catalogue(text).shifts) == 2  # half past two never comes in spring and comes twice in autumn


def test_the_hours_of_a_department_are_those_of_its_queues_unless_it_says_others() -> None:
    text = FLOOR.replace('covered = ["daily 08:00-20:00"]\n', "\n")
    assert len(catalogue(text).shifts) == 2  # no queue is its own
    queue = '[[queue]]\npattern = "north/*"\ndepartment = "floor"\n'
    site = '[[site]]\nname = "north"\nzone = "Europe/Berlin"\nhours = ["daily 08:00-20:00"]\n'
    assert len(catalogue(text + site + queue).shifts) == 2
    assert "from Mon 2024-01-01 00:00 to 08:00" in faults(text + site.replace("hours", "#") + queue)[0]
    assert "20:00 to 21:00" in faults(text + site + queue + 'hours = ["daily 08:00-21:00"]\n')[0]
    other = '[[queue]]\npattern = "north/*"\n' + queue.replace("north/*", "*/x")  # the first match wins
    assert len(catalogue(text + site.replace("hours", "#") + other).shifts) == 2


def test_people_with_duties_alone_are_not_checked() -> None:
    text = FLOOR[: FLOOR.index("[[shift]]")]
    assert catalogue(text).shifts == ()


def test_faults_do_not_depend_on_the_day_of_reading_but_more_weeks_may_be_asked_for() -> None:
    text = FLOOR.replace('lead = "bob"', 'lead = "bob"\nuntil = 2026-01-31') + (
        X.replace("Mon 00:00-01:00", "daily 14:00-20:00") + 'lead = "bob"\nfrom = 2026-02-02\n'
    )
    (found,) = faults(text)
    assert "from Sun 2026-02-01 14:00 to 20:00 Europe/Berlin" in found
    good = catalogue(text.replace("2026-02-02", "2026-02-01"))
    assert all_faults(good, dt.date(2030, 5, 6), 60) == []
    broken = replace(good, shifts=(good.shifts[0],))
    assert "Mon 2030-05-06 14:00" in all_faults(broken, dt.date(2030, 5, 6), 1)[0].reason


# --- through the log ------------------------------------------------------------------------------------------------


def test_a_rota_enters_the_log_and_comes_back() -> None:
    found = load_settings(EXAMPLE, {}).catalogue
    back = read_settings(read(settings_record(found, id="1", source="test", ts_ms=5)))
    assert back == found
    assert digest(back) == digest(found)
    assert digest(replace(found, substitutions=())) != digest(found)


IN_THE_LOG: list[tuple[list[str | int], Any, str]] = [
    (["shifts", 0, "zone"], "Mars", "Mars"),
    (["shifts", 0, "hours", 0, "ends_min"], 3000, "3000"),
    (["shifts", 0, "lead"], ["nobody"], "nobody"),
    (["shifts", 0, "turn_weeks"], 0, "turn_weeks"),
    (["shifts", 0, "turns_from"], "0001-01-01", "0001-01-01"),
    (["shifts", 0, "last_day"], "9999-12-31", "9999-12-31"),
    (["shifts", 0, "holidays"], "x", "x"),
    (["shifts", 0, "on_holidays"], 7, "on_holidays"),
    (["shifts", 0, "people"], [["zhao"]] * 101, "101"),
    (["shifts", 0, "colour"], "red", "colour"),
    (["holidays", 0, "dates"], ["2026-13-01"], "dates"),
    (["holidays", 0, "dates"], [f"{y}-01-01" for y in range(1971, 2190)] + [f"{y}-01-02" for y in range(1971, 2190)]
     + [f"{y}-01-03" for y in range(1971, 2190)], "657"),
    (["substitutions", 0, "by"], "nobody", "nobody"),
    (["substitutions", 0, "first_day"], "1800-01-01", "1800"),
    (["departments", 0, "zone"], "Mars", "Mars"),
    (["departments", 0, "closed_on"], "x", "x"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "part"), IN_THE_LOG, ids=lambda x: ".".join(map(str, x)) if type(x) is list else ""
)
def test_a_rota_that_would_harm_is_refused_from_the_log_too(path: list[str | int], value: Any, part: str) -> None:
    body: Any = packed(load_settings(EXAMPLE, {}).catalogue)
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(Refused, match=part):
        unpacked(body)


def test_more_shifts_or_substitutions_than_a_rota_may_have_are_refused() -> None:
    found = load_settings(EXAMPLE, {}).catalogue
    with pytest.raises(Refused, match="substitutions: 501"):
        unpacked(packed(replace(found, substitutions=found.substitutions * 501)))
    with pytest.raises(Refused, match="shifts: 504"):
        unpacked(packed(replace(found, shifts=found.shifts * 126)))
