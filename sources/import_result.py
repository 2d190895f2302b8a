"""What an import did: its counts and the rows that it could not use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Bad rows named one by one; beyond it only their number. A file of another format would fill the screen.
MAX_NAMED: Final = 1_000


class BadRowError(ValueError):
    """A row that cannot be used; the text is the reason. It is reported and skipped, never fatal."""


@dataclass(slots=True)
class ImportCounts:
    """Calls of an import. *skipped*: rows that are no calls, and bad rows (*bad* of them)."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    ivr_abandoned: int = 0
    blocked: int = 0
    skipped: int = 0
    bad: int = 0
    rows: int = 0
    events: int = 0

    def take(self, kind: str) -> None:
        """Count one event by its type on the wire."""
        self.events += 1
        name = {"ivr.abandoned": "ivr_abandoned"}.get(kind, kind.removeprefix("call."))
        if name != "completed":
            setattr(self, name, getattr(self, name) + 1)

    def line(self) -> str:
        """One line for a person; causes that an import does not have are left out when zero."""
        parts = [f"offered {self.offered}", f"answered {self.answered}", f"abandoned {self.abandoned}"]
        parts += [f"flowed out {self.flowed_out}"] if self.flowed_out else []
        parts += [f"blocked {self.blocked}"] if self.blocked else []
        return " / ".join([*parts, f"left in the menu {self.ivr_abandoned}", f"skipped {self.skipped}"])


class BadRows:
    """Counts bad rows and names the first `MAX_NAMED` of them through *say*."""

    def __init__(self, counts: ImportCounts, say: Callable[[str], None]) -> None:
        self._counts = counts
        self._say = say

    def report(self, file: str, line_no: int, reason: str) -> None:
        """Row *line_no* of *file* (the header is line 1) is skipped because of *reason*."""
        self._counts.bad += 1
        self._counts.skipped += 1
        if self._counts.bad <= MAX_NAMED:
            self._say(f"{file}: line {line_no}: skipped: {reason}")
        elif self._counts.bad == MAX_NAMED + 1:
            self._say(f"{file}: line {line_no}: skipped, as further rows from here on: they are only counted")
