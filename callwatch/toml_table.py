"""A table of the settings file that hands out checked values, and refuses with file, line and reason."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

from models.errors import SettingsError

T = TypeVar("T")

_HEADER: Final = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[A-Za-z0-9_.-]+)\s*\]\]?\s*(#.*)?")
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Source:
    """The file's name and text, to find lines in."""

    file: str
    text: str

    def line_of(self, table: str, n: int, key: str | None) -> int:
        """Line (from 1) of *key* in the *n*th table of that name (from 0); of its header when there is no such key.

        tomllib keeps no positions, so this looks for headers and keys as people write them, one a line. Anything
        else (inline tables, dotted keys) falls back to the nearest line that it does find, at worst line 1.
        """
        at, seen, inside = 1, -1, table == ""
        for number, line in enumerate(self.text.splitlines(), 1):
            header = _HEADER.fullmatch(line)
            if header is not None:
                if table == "" and header["name"] == key:
                    return number  # seen from the top level, a table is a key
                seen += header["name"] == table
                inside = header["name"] == table and (seen == n or header["open"] == "[")
                at = number if inside else at
            elif inside and key is not None and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return at


@dataclass(slots=True)
class Table:
    """One table: *values* as tomllib read them. Take what it may hold, then call `finish` to refuse the rest."""

    source: Source
    name: str
    values: Mapping[str, Any]
    n: int = 0  #: which of an array of tables, from 0
    many: bool = False
    taken: set[str] = field(default_factory=set)

    def fault(self, key: str | None, reason: str) -> str:
        """What is wrong with *key* (None: the table itself), with file and line."""
        line = self.source.line_of(self.name, self.n, key)
        what = f"[[{self.name}]] number {self.n + 1}" if self.many else f"[{self.name}]" if self.name else "top level"
        return f"{self.source.file}:{line}: {what}{f', {key}' if key else ''}: {reason}"

    def refuse(self, key: str | None, reason: str) -> NoReturn:
        """Raise SettingsError for *key* (None: the table itself)."""
        raise SettingsError(self.fault(key, reason))

    def has(self, key: str) -> bool:
        """Whether the table has *key*."""
        return key in self.values

    def take(self, key: str, kinds: tuple[type, ...], what: str, default: Any = _MISSING) -> Any:
        """The value of *key*, of one of *kinds* (named *what* in the refusal), or *default*; refused when required."""
        self.taken.add(key)
        if key not in self.values:
            if default is _MISSING:
                self.refuse(key, f"is missing; it must be {what}")
            return default
        value = self.values[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.refuse(key, f"{value!r} is not {what}")
        return value

    def string(self, key: str, default: Any = _MISSING, *, blank: bool = False) -> str:
        """A text, not blank unless *blank*."""
        value = str(self.take(key, (str,), "a text", default))
        if key in self.values and not blank and not value.strip():
            self.refuse(key, "is blank")
        return value

    def integer(self, key: str, default: Any = _MISSING, *, low: int = 0, high: int = 2**31) -> int:
        """A whole number from *low* to *high*."""
        value = int(self.take(key, (int,), "a whole number", default))
        if key in self.values and not low <= value <= high:
            self.refuse(key, f"{value} is not from {low} to {high}")
        return value

    def number(self, key: str, default: Any = _MISSING, *, low: float = 0.0, high: float = 1e12) -> float:
        """A finite number from *low* to *high*."""
        value = float(self.take(key, (int, float), "a number", default))
        if key in self.values and not low <= value <= high:  # also refuses nan
            self.refuse(key, f"{value:g} is not from {low:g} to {high:g}")
        return value

    def millis(self, key: str, default_ms: Any = _MISSING, *, unit_ms: int = 1000, low: float = 0.0) -> int:
        """A duration written in units of *unit_ms*, in milliseconds. At most a year, so that sums stay in range."""
        default = default_ms if default_ms is _MISSING else default_ms / unit_ms
        return round(self.number(key, default, low=low, high=365 * 86_400_000 / unit_ms) * unit_ms)

    def choice(self, key: str, choices: Mapping[str, T], default: Any = _MISSING) -> T:
        """One of the names in *choices*, as what it stands for; *default* is such a name."""
        value = self.take(key, (str,), "one of " + ", ".join(choices), default)
        if value not in choices:
            self.refuse(key, f'"{value}" is not one of {", ".join(choices)}{_nearest(value, choices)}')
        return choices[value]

    def boolean(self, key: str, default: Any = _MISSING) -> bool:
        """True or false."""
        return bool(self.take(key, (bool,), "true or false", default))

    def strings(self, key: str, default: Any = _MISSING) -> tuple[str, ...]:
        """A list of texts, none blank."""
        value = self.take(key, (list, tuple), "a list of texts", default)
        if not all(isinstance(item, str) and item.strip() for item in value):
            self.refuse(key, f"{value!r} is not a list of texts")
        return tuple(value)

    def finish(self) -> None:
        """Refuse keys that nothing took: a misspelt setting must not be silently without effect."""
        for key in self.values:
            if key not in self.taken:
                self.refuse(key, f"there is no such setting{_nearest(key, self.taken)}")


def _nearest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
