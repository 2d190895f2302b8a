"""``callwatch lost``: lost calls by day and cause, the days on which their share turns, and what became of callers."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from models.errors import UsageError

#: Callers listed: what a shift can ring. All of them are in ``--json``.
LISTED: Final = 50
_STATES: Final = {
    "to_ring_back": ("to ring back", "待回拨"),
    "got_through": ("got through", "自行接通"),
    "reached": ("reached", "已回拨"),
}


def register(app: typer.Typer) -> None:
    """Add ``lost``."""
    app.command("lost")(lost)


def lost(
    source: Annotated[
        str, typer.Argument(metavar="REC|topic", help="A recording (- is standard input), or the word topic: Kafka.")
    ],
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Of this queue alone; wildcards are possible.")] = "",
    site: Annotated[str, typer.Option(metavar="SITE", help="Of the queues of this site alone.")] = "",
    is_open: Annotated[
        bool | None, typer.Option("--open/--done", help="Only callers still to ring, or only those who are done.")
    ] = None,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="From this local day on.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Up to this local day, included.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with every caller.")] = False,
    settings: Annotated[Path | None, typer.Option(metavar="FILE", help="Sites, short-abandon limits, broker.")] = None,
    bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")] = "",
    prefix: Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")] = None,
) -> None:
    """Show the lost calls by local day and cause, where their share turns, and what became of their callers.

    Callers are shown by the last four characters of their pseudonym: still to ring back (with the tries so far), got
    through by themselves, or reached.
    """
    import orjson

    from callwatch.commands.orders_log import of_queues, with_broker
    from callwatch.lost_report import Days, listened, summary
    from callwatch.progress import Progress

    days = Days(_day(first, "--from"), _day(last, "--to"))
    known = with_broker(settings, bootstrap, prefix)
    with Progress() as progress:
        found, catalogue = listened(known, source, of_queues(queue, site), progress.show)
    told = summary(found, catalogue, days)
    if is_open is not None:
        told["lost_callers"] = [c for c in told["lost_callers"] if (c["state"] == "to_ring_back") == is_open]
    sys.stdout.write(orjson.dumps(told).decode() + "\n" if as_json else text(told))


def _day(said: str, option: str) -> str:
    try:
        return date.fromisoformat(said).isoformat() if said else ""
    except ValueError:
        raise UsageError(f"{option} {said} is not a date such as 2026-03-02") from None


def text(told: dict[str, Any]) -> str:
    """The summary for a terminal."""
    from alerts.lost_calls import CAUSES, WORDS

    heads = ["day", "arrivals", "lost", *(f"{WORDS[c][0]} {WORDS[c][1]}" for c in CAUSES), "share"]
    lines = [
        [day["day"], str(day["arrivals"]), str(sum(day["lost"].values())), *(str(day["lost"][c]) for c in CAUSES),
         f"{sum(day['lost'].values()) / day['arrivals']:.1%}" if day["arrivals"] else "-"]
        for day in told["days"]
    ]  # fmt: skip
    out = [_aligned([heads, *lines]), ""]
    out += [f"{one['en']} / {one['zh']}" for one in (*told["bad_days"], *told["turning_points"])]
    if not told["turning_points"]:
        out.append("no turning point: the share of lost calls did not change beyond its own unrest / 无转折点")
    callers = told["callers"]
    out += [
        "",
        f"{callers['lost']} known callers lost 流失客户: {callers['to_ring_back']} to ring back 待回拨, "
        f"{callers['got_through']} got through by themselves 自行接通, {callers['reached']} reached 已回拨; "
        f"{callers['recovered']} of them within 24 h",
    ]
    shown = told["lost_callers"]
    if shown:
        rows = [_row(caller, WORDS[caller["cause"]]) for caller in shown[:LISTED]]
        out.append(_aligned([["caller", "queue", "lost last", "cause", "times", "state", "tries"], *rows], left=True))
    if len(shown) > LISTED:
        out.append(f"... and {len(shown) - LISTED} more: --json has all")
    return "\n".join(out) + "\n"


def _row(caller: dict[str, Any], cause: tuple[str, str]) -> list[str]:
    state = " ".join(_STATES[caller["state"]])
    tried = f"{caller['tries']}, last {caller['tried']}" if caller["tries"] else "-"
    done = f"{state} {caller['cleared']}" if caller["cleared"] else state
    return [caller["caller"], caller["queue"], caller["last"], cause[0], f"{caller['times']}x", done, tried]


def _aligned(rows: list[list[str]], left: bool = False) -> str:
    from rich.cells import cell_len

    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def padded(text: str, width: int) -> str:
        blank = " " * (width - cell_len(text))
        return text + blank if left else blank + text

    return "\n".join(
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
