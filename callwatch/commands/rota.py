"""``callwatch rota``: whether the rota of a settings file is whole, and who it says is accountable when."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from datetime import date

    from models.catalogue import Catalogue, Department

File = Annotated[Path, typer.Argument(metavar="FILE", help="The settings file.")]
From = Annotated[str, typer.Option("--from", metavar="DAY", help="First day of the weeks looked at; else today.")]
Weeks = Annotated[int, typer.Option(min=1, max=520, help="How many weeks.")]
At = Annotated[str, typer.Option(metavar="TIME", help="2026-10-01T08:30, on the department's clock; else now.")]
Queue = Annotated[str, typer.Option(metavar="SITE/SKILL", help="Of this queue's department.")]
Named = Annotated[str, typer.Option("--department", metavar="NAME", help="Of this department; else of all.")]


def register(app: typer.Typer) -> None:
    """Register ``rota``."""
    rota = typer.Typer(
        help="Shifts, substitutes, holidays: is the rota whole, and who is it now.", no_args_is_help=True
    )
    app.add_typer(rota, name="rota")

    @rota.command()
    def check(file: File, first: From = "", weeks: Weeks = 8) -> None:
        """Check the rota as a whole: each fault on a line, with file, line and reason; exit code 2 when there is one.

        Names, holes in the hours of a department, a second accountable. What the settings name is looked at wherever
        it lies, what holds every week over a year; --from and --weeks look at more.
        """
        faults, said = _checked(file, first, weeks)
        sys.stdout.write("\n".join(faults or said) + "\n")
        if faults:
            raise typer.Exit(2)

    @rota.command()
    def who(file: File, at: At = "", queue: Queue = "", department: Named = "") -> None:
        """Who is accountable, responsible, consulted, informed; the next change of shift; the way up."""
        from callwatch.settings import load_settings

        catalogue = load_settings(file).catalogue
        found = _departments(catalogue, queue, department)
        sys.stdout.write("\n\n".join(_who(catalogue, one, at) for one in found) + "\n")


def _checked(file: Path, first: str, weeks: int) -> tuple[list[str], list[str]]:
    from callwatch.settings import load_settings, tables
    from callwatch.settings_rota import rota_faults

    try:
        catalogue = load_settings(file).catalogue
    except SettingsError as error:
        return str(error).splitlines(), []
    begin = _day(first)
    faults = rota_faults(catalogue, tables(file.read_text("utf-8"), str(file))[2], begin, weeks * 7)
    said = [f"{file}: the rota is whole, {weeks} weeks from {begin} included"]
    return faults, said + [f"  {_summary(catalogue, department)}" for department in catalogue.departments]


def _day(text: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else date.today()  # noqa: DTZ011 - the day on the wall beside the reader
    except ValueError:
        raise UsageError(f'--from "{text}" is not a day such as 2026-10-01') from None


def _summary(catalogue: Catalogue, department: Department) -> str:
    from models.rota_check import covered

    shifts = [shift for shift in catalogue.shifts if shift.department == department.name]
    if not any(shift.lead for shift in shifts):
        return f"{department.name}: no [[shift]] with a lead, so the duties of its people hold and nothing is checked"
    hours = "its own hours" if department.covered is not None else "the opening hours of its queues"
    if not covered(catalogue, department):
        hours = "no hours (no queue is its own, and it says none)"
    return f"{department.name}: {len(shifts)} shifts, always somebody accountable in {hours}, never two"


def _departments(catalogue: Catalogue, queue: str, name: str) -> list[Department]:
    from models.rota import department_of

    if queue and name:
        raise UsageError("Give --queue or --department, not both.")
    if queue:
        return [department_of(catalogue, queue)]
    found = [department for department in catalogue.departments if name in ("", department.name)]
    if not found:
        known = ", ".join(sorted(department.name for department in catalogue.departments)) or "there is none"
        raise UsageError(f'No [[department]] is called "{name}" ({known}).')
    return found


def _at_ms(text: str, zone: str) -> int:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    if not text:
        return int(datetime.now(ZoneInfo(zone)).timestamp()) * 1000
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--at "{text}" is not a time such as 2026-10-01T08:30 or 2026-10-01T08:30+08:00') from None
    return int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp()) * 1000


def _who(catalogue: Catalogue, department: Department, at: str) -> str:
    from models.rota import next_shift, raci_of, shifts_at

    shifts = [shift for shift in catalogue.shifts if shift.department == department.name]
    people = [person for person in catalogue.people if person.department == department.name]
    zone = shifts[0].zone if shifts else people[0].zone if people else department.zone
    now_ms = _at_ms(at, zone)
    roles, following = raci_of(catalogue, department, now_ms), next_shift(catalogue, department.name, now_ms)
    lines = [f"{department.title or department.name}, {_time(zone, now_ms)} {zone}"]
    for turn in shifts_at(catalogue, department.name, now_ms):
        lines.append(_row("shift", f"{turn.name}, {_time(zone, turn.starts_ms)} to {_time(zone, turn.ends_ms)}"))
        for seat in turn.seats:
            if seat.named != seat.person.id:
                lines.append(_row("", f"{_name(seat.person)} stands in for {seat.named}"))
    lines.append(_row("accountable", f"{_name(roles.accountable)}: {roles.reason.replace('_', ' ')}"))
    lines.append(_row("responsible", _name(roles.responsible)))
    lines.append(_row("consulted", ", ".join(map(_name, roles.consulted)) or "nobody"))
    lines.append(_row("informed", ", ".join(map(_name, roles.informed)) or "nobody"))
    if following is None:
        lines.append(_row("next shift", "none within two months"))
    else:
        lines.append(
            _row("next shift", f"{following.name}, {_time(zone, following.starts_ms)}: {_name(following.lead)}")
        )
    return "\n".join(lines + _ladder(catalogue, department, zone, now_ms))


def _ladder(catalogue: Catalogue, department: Department, zone: str, now_ms: int) -> list[str]:
    """The way up, tier by tier, and why a tier is skipped."""
    from alerts.routing import skipped
    from models.duty import duty_change_ms, on_duty
    from models.rota import ladder_of, staff_of

    lines: dict[int, list[str]] = {}
    for rung in ladder_of(catalogue, department.name, now_ms):
        change_ms = duty_change_ms(catalogue, rung.person, now_ms)
        until = f" until {_time(zone, change_ms)}" if change_ms is not None else ""
        beside = f" for {rung.named}" if rung.named != rung.person.id else ""
        elsewhere = f" of {rung.person.department}" if rung.person.department != department.name else ""
        lines.setdefault(rung.tier, []).append(f"{_name(rung.person)}{elsewhere}{beside}{until}")
    for gap in skipped(catalogue, department.name, now_ms):
        own = [
            p for p in staff_of(catalogue, department.name) if p.tier == gap.tier and not on_duty(catalogue, p, now_ms)
        ]
        back = [(ms, p) for p in own if (ms := duty_change_ms(catalogue, p, now_ms)) is not None]
        comes_ms, person = min(back, key=lambda pair: pair[0]) if back else (0, None)
        comes = f", {_name(person)} comes on duty {_time(zone, comes_ms)}" if person else ""
        lines[gap.tier] = [f"skipped: {gap.reason.replace('_', ' ')}{comes}"]
    return [
        _row(f"tier {tier}" if n == 0 else "", text) for tier in sorted(lines) for n, text in enumerate(lines[tier])
    ]


def _row(key: str, value: str) -> str:
    return f"  {key:<12} {value}"


def _name(person: Any) -> str:
    return f"{person.name} ({person.id})" if person else "nobody"


def _time(zone: str, at_ms: int) -> str:
    from models.hours import local

    return f"{local(zone, at_ms):%a %Y-%m-%d %H:%M}"
