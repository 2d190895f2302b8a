"""``callwatch rota check`` and ``who``: exit codes, every fault on its line, and who it is at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from models.errors import UsageError
from tests.callwatch.test_settings_rota import EXAMPLE, FLOOR


def run(*args: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(build(), ["rota", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines()


def who(at: str, *more: str) -> dict[str, str]:
    """The lines of ``who`` by what stands before them."""
    code, lines = run("who", str(EXAMPLE), "--at", at, *(more or ("--queue", "north/billing")))
    assert code == 0
    return {line[:14].strip(): line[14:].strip() for line in lines if line.startswith("  ") and line[2] != " "}


def test_a_whole_rota_is_told_so() -> None:
    code, lines = run("check", str(EXAMPLE), "--from", "2026-11-22")
    assert code == 0
    assert lines[0].endswith("the rota is whole, 8 weeks from 2026-11-22 included")
    assert lines[1] == "  floor: 4 shifts, always somebody accountable in the opening hours of its queues, never two"
    assert lines[2].startswith("  management: no [[shift]] with a lead")


def test_every_fault_is_told_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rota.toml"
    path.write_text(FLOOR.replace('lead = "ann"', 'lead = "eve"').replace('lead = "bob"', 'lead = "lia"'))
    code, lines = run("check", str(path))
    assert code == 2
    assert [line.removeprefix(str(path)).partition(" ")[0] for line in lines] == [":27:", ":33:"]
    path.write_text(FLOOR.replace("14:00-20:00", "14:30-20:00"))
    code, lines = run("check", str(path))
    assert code == 2
    assert lines[0].startswith(f"{path}:1: [[department]] number 1: nobody is accountable from ")


def test_what_is_no_settings_file_is_told_too(tmp_path: Path) -> None:
    code, lines = run("check", str(tmp_path / "none.toml"))
    assert code == 2
    assert "cannot read the settings" in lines[0]
    with pytest.raises(UsageError, match="is not a day"):
        run("check", str(EXAMPLE), "--from", "soon")


def test_who_it_is_on_a_holiday() -> None:
    found = who("2026-10-01T09:00")
    assert found["shift"] == "holiday 节日班, Thu 2026-10-01 08:00 to Fri 2026-10-02 00:00"
    assert found["accountable"] == "周颖 (zhou): shift lead"
    assert found["responsible"] == "赵敏 (zhao)"
    assert found["consulted"] == "郑宇 (zheng)"
    assert found["informed"] == "吴涛 (wu), 林芳 (lin)"
    assert found["next shift"] == "night 夜班, Fri 2026-10-02 00:00: 李娜 (li)"


def test_who_it_is_at_night_with_a_substitute_and_which_tiers_are_skipped() -> None:
    found = who("2026-11-25T03:00")
    assert found["accountable"] == "郑宇 (zheng): stands in for the shift lead"
    assert found["tier 1"] == "郑宇 (zheng) for li until Wed 2026-11-25 08:00"
    assert found["tier 2"] == "skipped: nobody on duty, 周颖 (zhou) comes on duty Wed 2026-11-25 08:00"
    assert found["tier 3"] == "skipped: nobody on duty, 吴涛 (wu) comes on duty Wed 2026-11-25 09:00"
    assert found["tier 4"] == "林芳 (lin) of management"
    assert found["responsible"] == "nobody"


def test_a_time_may_have_its_own_zone() -> None:
    assert who("2026-11-24T19:00+00:00") == who("2026-11-25T03:00")


def test_of_one_department_or_all() -> None:
    code, lines = run("who", str(EXAMPLE), "--at", "2026-11-25T03:00")
    assert code == 0
    assert [line.partition(",")[0] for line in lines if line[:1] not in (" ", "")] == [
        "北区话务部 North floor",
        "运营管理 Operations management",
    ]
    assert who("2026-11-25T03:00", "--department", "floor") == who("2026-11-25T03:00")
    with pytest.raises(UsageError, match=r'called "cellar" \(floor, management\)'):
        run("who", str(EXAMPLE), "--department", "cellar")
    with pytest.raises(UsageError, match="not both"):
        run("who", str(EXAMPLE), "--department", "floor", "--queue", "north/x")
    with pytest.raises(UsageError, match="is not a time"):
        run("who", str(EXAMPLE), "--at", "noon")
