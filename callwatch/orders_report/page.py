"""The bulletin as a page: one HTML file that needs no network and runs no script.

It is made of the JSON alone (`callwatch.orders_report.bulletin`), so both show the same figures: whatever stands for a
figure carries its place in the JSON and its exact value (``data-figure``, ``data-value``). All text comes from outside
and is escaped; the page's own policy lets nothing be loaded or run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from alerts.episode import span
from alerts.words import STATES
from callwatch.orders_report.plots import Series, columns, rows

Json = dict[str, Any]

_KINDS: Final = {
    "shift": ("Shift bulletin", "班次通报"),
    "day": ("Daily bulletin", "日报"),
    "week": ("Weekly bulletin", "周报"),
    "month": ("Monthly bulletin", "月报"),
}
_TIMES: Final = {
    "detect": ("to detect", "发现用时"),
    "acknowledge": ("to acknowledge", "确认用时"),
    "resolve": ("to resolve", "处理用时"),
    "recover": ("to recover by itself", "自行恢复用时"),
    "verify": ("to verify", "验证用时"),
}
_COUNTS: Final = {
    "raised": ("raised", "新建"),
    "closed": ("closed", "关闭"),
    "resolved": ("resolves", "申请解决"),
    "recovered": ("recovered by themselves", "自行恢复"),
    "failed": ("verification failed", "验证未通过"),
    "relapsed": ("came back after closing", "关闭后复发"),
    "undecided": ("undecided", "未决"),
    "accepted": ("accepted as they are", "接受现状"),
    "on_hold": ("put on hold", "挂起"),
    "cancelled": ("cancelled", "取消"),
    "escalated": ("escalations", "升级"),
    "page": ("pages", "呼叫"),
    "page_suppressed": ("pages suppressed", "未发出的呼叫"),
    "command": ("commands", "指令"),
    "refused": ("commands refused", "被拒指令"),
}
_SHARES: Final = {
    "respond_kept": ("limit to respond kept", "响应时限达成率"),
    "resolve_kept": ("limit to resolve kept", "处理时限达成率"),
    "failed_share": ("verifications failed", "验证未通过率"),
    "relapse_share": ("came back after closing", "关闭后复发率"),
}
_CLOSED_BY: Final = {
    "calls": ("the next calls", "后续来电"),
    "held": ("the recovery held", "恢复得以保持"),
    "test_call": ("a test call", "拨测"),
    "signed": ("signed evidence", "签字佐证"),
}

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5c6b7c; --line: #d5dde6; --paper: #fff;
  --a: #2f6fde; --b: #1f9d6b; --c: #d9822b; --d: #c23a4b }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf5; --dim: #93a3b5; --line: #2f3b49; --paper: #10161d;
  --a: #6aa0ff; --b: #4fcf9b; --c: #f0a75a; --d: #f0707e } }
body { font: 15px/1.5 system-ui, "Noto Sans SC", sans-serif; color: var(--ink); background: var(--paper);
  max-width: 940px; margin: 2rem auto; padding: 0 1rem }
h1 { margin: 0 } h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem } .dim { color: var(--dim) }
table { border-collapse: collapse; width: 100%; font-size: 14px } .wide { overflow-x: auto }
th, td { text-align: left; padding: .28rem .6rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 0 } svg { width: 100%; height: auto } .axis { stroke: var(--line) }
.tick { fill: var(--dim); font-size: 11px }
.a { fill: var(--a) } .b { fill: var(--b) } .c { fill: var(--c) } .d { fill: var(--d) }
polyline { fill: none !important; stroke-width: 2 } polyline.c { stroke: var(--c) }
.legend { list-style: none; display: flex; gap: 1.2rem; padding: 0; margin: .2rem 0; color: var(--dim) }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em }
.key.a { background: var(--a) } .key.b { background: var(--b) }
.key.c { background: var(--c) } .key.d { background: var(--d) }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } svg, tr { break-inside: avoid } }
"""


def page(found: Json) -> str:
    """The whole page of a bulletin."""
    period, (en, zh) = found["period"], _KINDS[found["period"]["kind"]]
    scope = found["scope"]
    of = scope.get("queue") or (f"{scope['site']}/*" if scope.get("site") else "")
    title = " ".join(part for part in (en, zh, period["name"], of) if part)
    sections = (_head, _key_figures, _times, _flow, _half_hours, _states, _queues, _rules, _people, _orders, _notes)
    body = "\n".join(section(found) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


# --- parts ----------------------------------------------------------------------------------------------------------


def _both(words: tuple[str, str]) -> str:
    return escape(f"{words[0]} {words[1]}")


def _h2(en: str, zh: str) -> str:
    return f"<h2>{_both((en, zh))}</h2>"


def _cell(path: str, value: float | None, shown: str | None = None) -> str:
    """A figure: where it stands in the JSON, its exact value, and how it reads; a dash when there is none."""
    exact = "" if value is None else repr(value)
    text = "–" if value is None else shown if shown is not None else f"{value:g}"
    return f'<td class="n" data-figure="{escape(path)}" data-value="{exact}">{escape(text)}</td>'


def _time(path: str, ms: float | None) -> str:
    return _cell(path, ms, None if ms is None else span(ms)[0])


def _share(path: str, share: Json) -> str:
    text = None if share["share"] is None else f"{share['share'] * 100:.1f} % ({share['part']}/{share['of']})"
    return _cell(f"{path}.share", share["share"], text)


def _text(value: Any) -> str:
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _table(heads: Sequence[tuple[str, str]], lines: Iterable[str], numbers_from: int) -> str:
    """A table; columns from *numbers_from* on are of numbers."""
    cells = "".join(
        f"<th{' class=n' if at >= numbers_from else ''}>{_both(head)}</th>" for at, head in enumerate(heads)
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _nothing() -> str:
    return '<p class="dim">None in this period. 本期无。</p>'


# --- sections -------------------------------------------------------------------------------------------------------


def _head(found: Json) -> str:
    period = found["period"]
    said = f"{period['from']} – {period['to']} ({period['zone']})"
    lines = [f'<p class="dim">{escape(said)}</p>']
    if not found["is_over"]:
        until = found["log_until"] or "–"
        lines.append(f"<p>The log reaches to {escape(until)}: the period is not over in it. 日志尚未到期末。</p>")
    for left in found["left_out"]:
        lines.append(f"<p>Left out: {escape(left['order'])}. {escape(left['reason'])}</p>")
    return "\n".join(lines)


def _key_figures(found: Json) -> str:
    figures = found["figures"]
    counts = [
        f"<td>{_both(words)}</td>" + _cell(f"figures.counts.{name}", figures["counts"][name])
        for name, words in _COUNTS.items()
    ]
    counts.insert(0, f"<td>{_both(('open at the beginning', '期初未结'))}</td>" + _open(figures, "open_at_start"))
    counts.append(f"<td>{_both(('open at the end', '期末未结'))}</td>" + _open(figures, "open_at_end"))
    for kind, n in figures["closed_by"].items():
        en, zh = _CLOSED_BY.get(kind, (kind, kind))
        counts.append(
            f"<td>{_both((f'closed by {en}', f'关闭依据:{zh}'))}</td>" + _cell(f"figures.closed_by.{kind}", n)
        )
    for kind, n in figures["cancelled_as"].items():
        words = f"<td>{_both((f'cancelled as {kind}', '取消原因'))}</td>"
        counts.append(words + _cell(f"figures.cancelled_as.{kind}", n))
    shares = [f"<td>{_both(words)}</td>" + _share(f"figures.{name}", figures[name]) for name, words in _SHARES.items()]
    heads = (("figure", "指标"), ("orders", "工单数"))
    return (
        _h2("Orders", "工单")
        + _table(heads, counts, 1)
        + _h2("Limits kept and proof", "时限与验证")
        + _table((("share", "占比"), ("value", "数值")), shares, 1)
    )


def _open(figures: Json, name: str) -> str:
    return _cell(f"figures.{name}", figures[name])


def _times(found: Json) -> str:
    lines = []
    groups = [("figures", "all 全部", found["figures"])]
    groups += [(f"by_severity.{s}", f"severity {s} 级", figures) for s, figures in found["by_severity"].items()]
    for path, label, figures in groups:
        for name, words in _TIMES.items():
            times, at = figures["times"][name], f"{path}.times.{name}"
            if times["count"] or path == "figures":
                lines.append(
                    _text(label) + f"<td>{_both(words)}</td>" + _cell(f"{at}.count", times["count"])
                    + "".join(_time(f"{at}.{of}", times[of]) for of in ("p50_ms", "p90_ms", "mean_ms", "max_ms"))
                )  # fmt: skip
    heads = (("orders", "工单"), ("time", "用时"), ("count", "数量"), ("median", "中位数"), ("90 %", "90分位"),
             ("mean", "平均"), ("longest", "最长"))  # fmt: skip
    return _h2("Times", "用时") + _table(heads, lines, 2)


def _flow(found: Json) -> str:
    flow = found["flow"]
    series = [
        Series("raised 新建", "a", [row["raised"] for row in flow]),
        Series("over 结束", "b", [row["over"] for row in flow]),
        Series("open 未结", "c", [row["open_at_end"] for row in flow], line=True),
    ]
    title = "Orders raised, over and open"
    plot = columns(title, [row["label"] for row in flow], series)
    return _h2(title, "新建、结束与未结工单") + f'<figure id="flow">{plot}</figure>'


def _half_hours(found: Json) -> str:
    labels = [f"{at // 2:02}:{at % 2 * 30:02}" for at in range(len(found["half_hours"]))]
    plot = columns("Orders raised by half-hour", labels, [Series("raised 新建", "a", found["half_hours"])])
    return (
        _h2("Half-hours of the day in which they were raised", "按半小时分布") + f'<figure id="hours">{plot}</figure>'
    )


def _states(found: Json) -> str:
    states = {name: times for name, times in found["figures"]["in_state"].items() if times["count"]}
    if not states:
        return _h2("Time in state", "各状态用时") + _nothing()
    lines = [
        f"<td>{_both(STATES[name])}</td>"
        + _cell(f"figures.in_state.{name}.count", times["count"])
        + "".join(_time(f"figures.in_state.{name}.{of}", times[of]) for of in ("p50_ms", "p90_ms", "mean_ms", "max_ms"))
        for name, times in states.items()
    ]
    minutes = [round(times["mean_ms"] / 60_000, 1) for times in states.values()]
    labels = [f"{STATES[name][0]} {STATES[name][1]}" for name in states]
    plot = rows("Mean minutes in each state", labels, [Series("mean minutes 平均分钟", "a", minutes)])
    heads = (("state", "状态"), ("orders", "工单"), ("median", "中位数"), ("90 %", "90分位"), ("mean", "平均"),
             ("longest", "最长"))  # fmt: skip
    return _h2("Time in state", "各状态用时") + f'<figure id="states">{plot}</figure>' + _table(heads, lines, 1)


def _queues(found: Json) -> str:
    lines = []
    for n, row in enumerate(found["by_queue"]):
        counts = ("raised", "closed", "failed", "relapsed", "undecided", "cancelled", "open_at_end")
        lines.append(
            _text(row["queue"])
            + "".join(_cell(f"by_queue.{n}.{name}", row[name]) for name in counts)
            + "".join(_share(f"by_queue.{n}.{name}", row[name]) for name in ("respond_kept", "resolve_kept"))
        )
    heads = (("queue", "队列"), ("raised", "新建"), ("closed", "关闭"), ("failed", "未通过"), ("came back", "复发"),
             ("undecided", "未决"), ("cancelled", "取消"), ("open", "未结"), ("responded in time", "按时响应"),
             ("resolved in time", "按时处理"))  # fmt: skip
    return _h2("Queues", "队列") + (_table(heads, lines, 1) if lines else _nothing())


def _rules(found: Json) -> str:
    rules = found["rules"]
    if not rules:
        return _h2("Rules and their verdicts", "规则与判定") + _nothing()
    lines = [
        _text(rule["rule"])
        + _cell(f"rules.{n}.raised", rule["raised"])
        + "".join(_cell(f"rules.{n}.verdicts.{v}", rule["verdicts"][v]) for v in ("true", "false", "expected"))
        + _cell(f"rules.{n}.cancelled_as_false", rule["cancelled_as_false"])
        + _share(f"rules.{n}.false_share", rule["false_share"])
        for n, rule in enumerate(rules)
    ]
    series = [
        Series(name, kind, [rule["verdicts"][verdict] for rule in rules])
        for verdict, name, kind in (
            ("true", "true 属实", "b"),
            ("expected", "expected 预期", "c"),
            ("false", "false 误报", "d"),
        )
    ]
    plot = rows("Verdicts by rule", [rule["rule"] for rule in rules], series)
    heads = (("rule", "规则"), ("orders raised", "新建工单"), ("true", "属实"), ("false", "误报"), ("expected", "预期"),
             ("cancelled as false", "误报取消"), ("false share", "误报率"))  # fmt: skip
    return (
        _h2("Rules and their verdicts", "规则与判定") + f'<figure id="rules">{plot}</figure>' + _table(heads, lines, 1)
    )


def _people(found: Json) -> str:
    people = found["people"]
    if not people:
        return _h2("Load of people", "人员负荷") + _nothing()
    counts = ("orders", "most_open", "commands", "refused", "pages", "pages_suppressed", "shifts_paged",
              "most_pages_in_a_shift")  # fmt: skip
    lines = [
        _text(load["person"])
        + _time(f"people.{n}.held_ms", load["held_ms"])
        + "".join(_cell(f"people.{n}.{name}", load[name]) for name in counts)
        for n, load in enumerate(people)
    ]
    series = [
        Series("commands 指令", "a", [load["commands"] for load in people]),
        Series("pages 呼叫", "c", [load["pages"] for load in people]),
    ]
    plot = rows("Commands and pages by person", [load["person"] for load in people], series)
    heads = (("person", "人员"), ("held for", "负责时长"), ("orders", "工单"), ("most at once", "同时最多"),
             ("commands", "指令"), ("refused", "被拒"), ("pages", "呼叫"), ("suppressed", "未发出"),
             ("shifts with pages", "有呼叫的班次"), ("most in a shift", "单班最多"))  # fmt: skip
    return _h2("Load of people", "人员负荷") + f'<figure id="people">{plot}</figure>' + _table(heads, lines, 1)


def _orders(found: Json) -> str:
    lines = []
    for n, row in enumerate(found["orders"]):
        state = STATES.get(row["state"], (row["state"], ""))
        lines.append(
            _text(row["id"]) + _text(row["queue"]) + _text(row["severity"]) + f"<td>{_both(state)}</td>"
            + _text(row["opened"]) + _text(row["closed"]) + _text(row["owner_name"])
            + _text(", ".join(row["symptoms"])) + _text(row["sentence"])
            + _text("; ".join(part for part in (row["cause"], row["measure"]) if part))
            + _text(", ".join(row["late"])) + _text(row["verdict"])
            + _cell(f"orders.{n}.reopened", row["reopened"])
        )  # fmt: skip
    heads = (("order", "工单"), ("queue", "队列"), ("severity", "级别"), ("state", "状态"), ("raised", "新建"),
             ("over", "结束"), ("owner", "责任人"), ("symptoms", "症状"), ("said", "说明"),
             ("cause and measure", "原因与措施"),
             ("limits broken", "超时"), ("verdict", "判定"), ("reopened", "重开"))  # fmt: skip
    return _h2("Orders of the period", "本期工单") + (_table(heads, lines, 12) if lines else _nothing())


def _notes(found: Json) -> str:
    state = {"open": "open 持续", "over": "over 结束", None: ""}
    lines = [
        _text(note["at"]) + _text(note["queue"]) + _text(note["text"]) + _text(note["zh"])
        + _text(state.get(note["state"], note["state"]))
        for note in found["notes"]
    ]  # fmt: skip
    heads = (("since", "始于"), ("queue", "队列"), ("trend", "趋势"), ("in Chinese", "中文"), ("state", "状态"))
    return _h2("Trend notes", "趋势类工作联系单") + (_table(heads, lines, 9) if lines else _nothing())
