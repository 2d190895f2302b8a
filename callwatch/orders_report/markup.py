"""Pieces of the bulletin's page: escaped text, figures with their place in the JSON, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from alerts.episode import span

Json = dict[str, Any]


def both(words: tuple[str, str]) -> str:
    """English and Chinese, escaped."""
    return escape(f"{words[0]} {words[1]}")


def heading(en: str, zh: str) -> str:
    """The title of a section."""
    return f"<h2>{both((en, zh))}</h2>"


def cell(path: str, value: float | None, shown: str | None = None) -> str:
    """A figure: where it stands in the JSON, its exact value, and how it reads; a dash when there is none."""
    exact = "" if value is None else repr(value)
    text = "–" if value is None else shown if shown is not None else f"{value:g}"
    return f'<td class="n" data-figure="{escape(path)}" data-value="{exact}">{escape(text)}</td>'


def time_cell(path: str, ms: float | None) -> str:
    """A length of time in milliseconds, as people say it."""
    return cell(path, ms, None if ms is None else span(ms)[0])


def share_cell(path: str, share: Json) -> str:
    """A share with what it is of."""
    text = None if share["share"] is None else f"{share['share'] * 100:.1f} % ({share['part']}/{share['of']})"
    return cell(f"{path}.share", share["share"], text)


def text_cell(value: Any) -> str:
    """Words from outside."""
    return f"<td>{escape('' if value is None else str(value))}</td>"


def when_cell(at: str | None) -> str:
    """A local time, short; all of it when pointed at."""
    if at is None:
        return "<td></td>"
    return f'<td class="at" title="{escape(at)}">{escape(f"{at[5:10]} {at[11:16]}")}</td>'


def table(heads: Sequence[tuple[str, str]], lines: Iterable[str], numbers_from: int) -> str:
    """A table; columns from *numbers_from* on are of numbers."""
    cells = "".join(f"<th{' class=n' if at >= numbers_from else ''}>{both(head)}</th>" for at, head in enumerate(heads))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def nothing() -> str:
    """A section without anything in it."""
    return '<p class="dim">None in this period. 本期无。</p>'


def card(path: str, value: float | None, shown: str, words: tuple[str, str], mood: str = "") -> str:
    """A key figure; *mood* is good, bad or neither."""
    exact, text = ("", "–") if value is None else (repr(value), shown)
    figure = f'<strong data-figure="{escape(path)}" data-value="{exact}">{escape(text)}</strong>'
    return f'<div class="card {mood}">{figure}<span>{escape(words[0])}</span><span>{escape(words[1])}</span></div>'
