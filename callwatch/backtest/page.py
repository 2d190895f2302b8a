"""The report of a backtest as a page: one HTML file that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.episode import over
from callwatch.backtest.plot import plot
from callwatch.backtest.traces import Panel
from callwatch.orders_report.markup import both, cell, heading, table, text_cell
from callwatch.orders_report.page import STYLE
from models.hours import local
from models.metric import METRIC

Json = dict[str, Any]
#: Plots of a page: some 20 KB each, and nobody reads more.
PLOTS: Final = 60
#: Rows of the list of orders.
ORDERS: Final = 500


def page(found: Json, panels: Sequence[Panel], left_out: int, zone: ZoneInfo) -> str:
    """The whole page. *left_out* panels were not kept."""
    title = f"Backtest 回测 {found['recording']}"
    body = [_head(found), _rules(found), _troubles(found), *_plots(panels, left_out, zone), _orders(found)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(filter(None, body)) + "\n</body></html>\n"
    )


def _head(found: Json) -> str:
    said = (
        f"{found['from']} – {found['to']} ({found['zone']}), {found['events']:,} events, "
        f"{len(found['queues'])} queues, {found['queue_weeks']:.2f} queue-weeks"
    )
    lines = [f'<p class="dim">{escape(said)}</p>']
    if found.get("acknowledgement"):
        lines.append(f'<p class="dim">{escape(found["acknowledgement"])}</p>')
    return "\n".join(lines)


_HEADS: Final = (
    ("rule", "规则"),
    ("episodes", "异动"),
    ("opened", "新建"),
    ("joined", "并入"),
    ("reopened", "复发"),
)
_TRUE_HEADS: Final = (
    ("found", "发现"),
    ("delay, median", "延迟中位数"),
    ("delay, 95 %", "延迟95分位"),
    ("from 5 calls lost, median", "自损失5通起"),
    ("false orders", "误报"),
    ("a queue and week", "每队列每周"),
)


def _rules(found: Json) -> str:
    known = found["troubles"] is not None
    lines = [_row(f"rules.{n}", row, row["rule"], known) for n, row in enumerate(found["rules"])]
    lines.append(_row("all", found["all"], "all 合计", known))
    note = "" if known else '<p class="dim">The truth is not known: nothing is said of what was found.</p>'
    return (
        heading("What each rule said", "各规则")
        + note
        + table([*_HEADS, *(_TRUE_HEADS if known else ())], lines, numbers_from=1)
    )


def _row(path: str, row: Json, name: str, known: bool) -> str:
    cells = [text_cell(name)]
    cells += [cell(f"{path}.{key}", row[key]) for key in ("episodes", "opened", "joined", "reopened")]
    if known:
        cells += [
            cell(f"{path}.found", row["found"], f"{row['found']} of {row['of']}"),
            _seconds(f"{path}.delay.median_s", row["delay"]["median_s"]),
            _seconds(f"{path}.delay.p95_s", row["delay"]["p95_s"]),
            _seconds(f"{path}.delay_from_five.median_s", row["delay_from_five"]["median_s"]),
            cell(f"{path}.false_orders", row["false_orders"]),
            cell(f"{path}.false_per_queue_week", row["false_per_queue_week"], _two(row["false_per_queue_week"])),
        ]
    return "".join(cells)


def _seconds(path: str, seconds: float | None) -> str:
    return cell(path, seconds, None if seconds is None else f"{seconds:.0f} s")


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _troubles(found: Json) -> str:
    if not found["troubles"]:
        return ""
    zone = ZoneInfo(found["zone"])
    heads = (("queue", "队列"), ("what", "事件"), ("from", "起"), ("to", "止"), ("by", "规则"), ("delay", "延迟"))
    lines = []
    for n, one in enumerate(found["troubles"]):
        by = one["rule"] if one["rule"] is not None else "not found 未发现"
        lines.append(
            "".join(
                (
                    text_cell(one["queue"]),
                    text_cell(f"{one['kind']} {one['size']:g}"),
                    text_cell(_clock(zone, one["start_ms"])),
                    text_cell(_clock(zone, one["end_ms"])),
                    text_cell(by),
                    _seconds(f"troubles.{n}.delay_s", one["delay_s"]),
                )
            )
        )
    return heading("What is known to have happened", "已知事件") + table(heads, lines, numbers_from=5)


def _plots(panels: Sequence[Panel], left_out: int, zone: ZoneInfo) -> Iterator[str]:
    """By queue, the gravest panels when there are too many."""
    drawn = [panel for panel in panels if len(panel.samples) > 1]
    ranked = sorted(drawn, key=lambda panel: min(one.severity for one in panel.episodes))[:PLOTS]
    ranked.sort(key=lambda panel: (panel.queue, panel.samples[0].at_ms))
    left_out += len(drawn) - len(ranked)
    if left_out:
        yield f'<p class="dim">{left_out} plots of lesser episodes are left out. 另有{left_out}图未绘。</p>'
    queue = ""
    for n, panel in enumerate(ranked):
        if panel.queue != queue:
            queue = panel.queue
            yield heading(escape(queue), "")
        yield _figure(panel, n, zone)


def _figure(panel: Panel, n: int, zone: ZoneInfo) -> str:
    metric = METRIC[panel.view.metric]
    (en, zh), day = over(panel.view.window), _clock(zone, panel.samples[0].at_ms)
    title = f"{metric.en} of {panel.queue} {en}, from {day}"
    said = [f"{_clock(zone, one.told_ms)} {one.rule}: {one.sentence}" for one in panel.episodes]
    words = "".join(f"<li>{escape(text)}</li>" for text in said)
    caption = f"<figcaption>{both((title, f'{zh}{metric.zh}'))}<ul>{words}</ul></figcaption>"
    return f"<figure>{caption}{plot(panel, f'plot-{n}', title, zone)}</figure>"


def _orders(found: Json) -> str:
    heads = (("raised", "新建"), ("until", "至"), ("queue", "队列"), ("rules", "规则"), ("why", "原因"), ("", ""))
    lines = []
    for order in found["orders"][:ORDERS]:
        false = {None: "", True: "false 误报", False: "true 属实"}[order["false"]]
        until = order["until"][:16].replace("T", " ") if order["until"] else "open 未结"
        told = (order["raised"][:16].replace("T", " "), until, order["queue"])
        lines.append("".join(text_cell(text) for text in (*told, ", ".join(order["rules"]), order["sentence"], false)))
    more = len(found["orders"]) - len(lines)
    note = f'<p class="dim">{more} more are in the JSON.</p>' if more > 0 else ""
    return heading("Orders", "工单") + table(heads, lines, numbers_from=6) + note


def _clock(zone: ZoneInfo, at_ms: int) -> str:
    return local(zone.key, at_ms).strftime("%Y-%m-%d %H:%M:%S")
