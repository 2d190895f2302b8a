"""The bulletin as a page: one HTML file that needs no network and runs no script.

It is made of the JSON alone (`callwatch.orders_report.bulletin`), so both show the same figures: whatever stands for a
figure carries its place in the JSON and its exact value (``data-figure``, ``data-value``). All text comes from outside
and is escaped; the page's own policy lets nothing be loaded or run.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final

from alerts.episode import span
from alerts.words import STATES
from callwatch.orders_report.markup import (
    both,
    card,
    cell,
    heading,
    nothing,
    share_cell,
    table,
    text_cell,
    time_cell,
    when_cell,
)
from callwatch.orders_report.page_beside import floor, lost, planned, problems, trend_notes
from callwatch.orders_report.plots import Series, columns, rows

Json = dict[str, Any]

#: From this share of limits kept on a card is green, red below: ours.
KEPT: Final = 0.9
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
_OPEN_AT_END: Final = ("open at the end", "期末未结")
_SPREAD: Final = ("p50_ms", "p90_ms", "mean_ms", "max_ms")
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
    "check": ("a signed check", "签字核查"),
    "sender": ("the word of its sender", "上报方通知"),
    "withdrawn": ("its rule being withdrawn", "规则撤销"),
}

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5c6b7c; --line: #d5dde6; --paper: #fff;
  --a: #2f6fde; --b: #1f9d6b; --c: #d9822b; --d: #c23a4b }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf5; --dim: #93a3b5; --line: #2f3b49; --paper: #10161d;
  --a: #6aa0ff; --b: #4fcf9b; --c: #f0a75a; --d: #f0707e } }
body { font: 15px/1.5 system-ui, "Noto Sans SC", sans-serif; color: var(--ink); background: var(--paper);
  max-width: 940px; margin: 2rem auto; padding: 0 1rem }
h1 { margin: 0 } h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem } .dim { color: var(--dim) }
table { border-collapse: collapse; width: 100%; font-size: 14px } .wide { overflow-x: auto }
th, td { text-align: left; padding: .28rem .6rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.at { white-space: nowrap } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 0 } svg { width: 100%; height: auto }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: .7rem; margin: 1.2rem 0 }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem }
.card strong { display: block; font-size: 1.4rem; line-height: 1.25; font-variant-numeric: tabular-nums }
.card span { display: block; color: var(--dim); font-size: 13px }
.bad strong { color: var(--d) } .good strong { color: var(--b) }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } svg, tr, .card { break-inside: avoid } }
"""


def page(found: Json) -> str:
    """The whole page of a bulletin."""
    period, (en, zh) = found["period"], _KINDS[found["period"]["kind"]]
    scope = found["scope"]
    of = scope.get("queue") or (f"{scope['site']}/*" if scope.get("site") else "")
    title = " ".join(part for part in (en, zh, period["name"], of) if part)
    sections = (
        _head, _cards, _open_orders, _limits, _flow, _half_hours, _times, _states, _queues, _rules, _people,
        trend_notes, floor, problems, planned, lost, _counts, _orders,
    )  # fmt: skip
    body = "\n".join(section(found) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


# --- sections -------------------------------------------------------------------------------------------------------


def _head(found: Json) -> str:
    period = found["period"]
    said = f"{_clock(period['from'])} – {_clock(period['to'])} ({period['zone']})"
    lines = [f'<p class="dim">{escape(said)}</p>']
    if not found["is_over"]:
        until = _clock(found["log_until"]) if found["log_until"] else "–"
        lines.append(f"<p>The log reaches to {escape(until)}: the period is not over in it. 日志尚未到期末。</p>")
    for left in found["left_out"]:
        lines.append(f"<p>Left out: {escape(left['order'])}. {escape(left['reason'])}</p>")
    return "\n".join(lines)


def _clock(at: str) -> str:
    """A local time to the minute."""
    return at[:16].replace("T", " ")


def _cards(found: Json) -> str:
    """What a manager looks at first."""
    figures = found["figures"]
    counts, open_now = figures["counts"], figures["open_at_end"]
    undecided = sum(row["verification"] == "undecided" for row in found["orders"] if row["is_open"])
    cards = [
        card("figures.counts.raised", counts["raised"], str(counts["raised"]), ("orders raised", "新建工单")),
        card("figures.counts.closed", counts["closed"], str(counts["closed"]), ("closed, proven", "验证关闭")),
        card(
            "figures.open_at_end", open_now, str(open_now), ("open at the end", "期末未结"), "bad" if open_now else ""
        ),
        f'<div class="card {"bad" if undecided else ""}"><strong>{undecided}</strong>'
        "<span>of them undecided</span><span>其中未决</span></div>",
    ]
    for name in ("respond_kept", "resolve_kept"):
        share = figures[name]
        shown = "" if share["share"] is None else f"{share['share'] * 100:.0f} %"
        mood = "" if share["share"] is None else "good" if share["share"] >= KEPT else "bad"
        cards.append(card(f"figures.{name}.share", share["share"], shown, _SHARES[name], mood))
    for name in ("acknowledge", "resolve"):
        ms = figures["times"][name]["p50_ms"]
        en, zh = _TIMES[name]
        shown = "" if ms is None else span(ms)[0]
        cards.append(card(f"figures.times.{name}.p50_ms", ms, shown, (f"median {en}", f"{zh}中位数")))
    cards.append(
        card("figures.counts.relapsed", counts["relapsed"], str(counts["relapsed"]), _COUNTS["relapsed"],
             "bad" if counts["relapsed"] else "")
    )  # fmt: skip
    return f'<div class="cards">{"".join(cards)}</div>'


def _open_orders(found: Json) -> str:
    """What the period leaves to the next one."""
    lines = []
    for row in found["orders"]:
        if row["is_open"]:
            state = both(STATES.get(row["state"], (row["state"], "")))
            held = row["hold_until"] and f"until {row['hold_until'][5:16].replace('T', ' ')}"
            state += {"undecided": " · undecided 未决", "paused": " · paused 暂停"}.get(row["verification"] or "", "")
            lines.append(
                text_cell(row["id"]) + text_cell(row["queue"]) + text_cell(row["severity"]) + f"<td>{state}</td>"
                + text_cell(row["owner_name"]) + when_cell(row["opened"]) + when_cell(row["resolve_by"])
                + text_cell(row["sentence"]) + text_cell(row["waits_for"] or held)
            )  # fmt: skip
    heads = (("order", "工单"), ("queue", "队列"), ("severity", "级别"), ("state", "状态"), ("owner", "责任人"),
             ("raised", "新建"), ("resolve by", "处理期限"), ("said", "说明"), ("waits for", "等待"))  # fmt: skip
    return heading("Open at the end", "期末未结工单") + (table(heads, lines, 9) if lines else nothing())


def _limits(found: Json) -> str:
    figures = found["figures"]
    shares = [
        f"<td>{both(words)}</td>" + share_cell(f"figures.{name}", figures[name]) for name, words in _SHARES.items()
    ]
    return heading("Limits kept and proof", "时限与验证") + table((("share", "占比"), ("value", "数值")), shares, 1)


def _counts(found: Json) -> str:
    figures = found["figures"]
    counts = [
        f"<td>{both(words)}</td>" + cell(f"figures.counts.{name}", figures["counts"][name])
        for name, words in _COUNTS.items()
    ]
    counts.insert(0, f"<td>{both(('open at the beginning', '期初未结'))}</td>" + _open(figures, "open_at_start"))
    counts.append(f"<td>{both(('open at the end', '期末未结'))}</td>" + _open(figures, "open_at_end"))
    for kind, n in figures["closed_by"].items():
        en, zh = _CLOSED_BY.get(kind, (kind, kind))
        counts.append(f"<td>{both((f'closed by {en}', f'关闭依据:{zh}'))}</td>" + cell(f"figures.closed_by.{kind}", n))
    for kind, n in figures["cancelled_as"].items():
        counts.append(
            f"<td>{both((f'cancelled as {kind}', '取消原因'))}</td>" + cell(f"figures.cancelled_as.{kind}", n)
        )
    return heading("All counts", "全部计数") + table((("figure", "指标"), ("orders", "工单数")), counts, 1)


def _open(figures: Json, name: str) -> str:
    return cell(f"figures.{name}", figures[name])


def _times(found: Json) -> str:
    lines = []
    groups = [("figures", "all 全部", found["figures"])]
    groups += [(f"by_severity.{s}", f"severity {s} 级", figures) for s, figures in found["by_severity"].items()]
    for path, label, figures in groups:
        for name, words in _TIMES.items():
            times, at = figures["times"][name], f"{path}.times.{name}"
            if times["count"] or path == "figures":
                lines.append(
                    text_cell(label) + f"<td>{both(words)}</td>" + cell(f"{at}.count", times["count"])
                    + "".join(time_cell(f"{at}.{of}", times[of]) for of in _SPREAD)
                )  # fmt: skip
    heads = (("orders", "工单"), ("time", "用时"), ("count", "数量"), ("median", "中位数"), ("90 %", "90分位"),
             ("mean", "平均"), ("longest", "最长"))  # fmt: skip
    return heading("Times", "用时") + table(heads, lines, 2)


def _flow(found: Json) -> str:
    flow = found["flow"]
    series = [
        Series("raised or back 新建与复发", "a", [row["raised"] for row in flow]),
        Series("over 结束", "b", [row["over"] for row in flow]),
    ]
    still = [Series("open 未结", "c", [row["open_at_end"] for row in flow])]
    labels = [row["label"] for row in flow]
    plot = columns("flow", "Orders raised and over", labels, series)
    second = columns("open", "Open orders at the end of each", labels, still)
    return (
        heading("Orders raised and over", "新建与结束工单") + f'<figure id="flow">{plot}</figure>'
        + heading("Still open at the end of each", "各时段末未结") + f'<figure id="open">{second}</figure>'
    )  # fmt: skip


def _half_hours(found: Json) -> str:
    labels = [f"{at // 2:02}:{at % 2 * 30:02}" for at in range(len(found["half_hours"]))]
    plot = columns("hours", "Orders raised by half-hour", labels, [Series("raised 新建", "a", found["half_hours"])])
    return (
        heading("Half-hours of the day in which they were raised", "按半小时分布")
        + f'<figure id="hours">{plot}</figure>'
    )


def _states(found: Json) -> str:
    states = {name: times for name, times in found["figures"]["in_state"].items() if times["count"]}
    if not states:
        return heading("Time in state", "各状态用时") + nothing()
    lines = [
        f"<td>{both(STATES[name])}</td>"
        + cell(f"figures.in_state.{name}.count", times["count"])
        + "".join(
            time_cell(f"figures.in_state.{name}.{of}", times[of]) for of in ("p50_ms", "p90_ms", "mean_ms", "max_ms")
        )
        for name, times in states.items()
    ]
    minutes = [round(times["mean_ms"] / 60_000, 1) for times in states.values()]
    labels = [f"{STATES[name][0]} {STATES[name][1]}" for name in states]
    plot = rows("states", "Mean minutes in each state", labels, [Series("mean minutes 平均分钟", "a", minutes)])
    heads = (("state", "状态"), ("orders", "工单"), ("median", "中位数"), ("90 %", "90分位"), ("mean", "平均"),
             ("longest", "最长"))  # fmt: skip
    return heading("Time in state", "各状态用时") + f'<figure id="states">{plot}</figure>' + table(heads, lines, 1)


def _queues(found: Json) -> str:
    lines = []
    for n, row in enumerate(found["by_queue"]):
        counts = ("raised", "closed", "failed", "relapsed", "undecided", "cancelled", "open_at_end")
        lines.append(
            text_cell(row["queue"])
            + "".join(cell(f"by_queue.{n}.{name}", row[name]) for name in counts)
            + "".join(share_cell(f"by_queue.{n}.{name}", row[name]) for name in ("respond_kept", "resolve_kept"))
        )
    heads = (("queue", "队列"), ("raised", "新建"), ("closed", "关闭"), ("failed", "未通过"), ("came back", "复发"),
             ("undecided", "未决"), ("cancelled", "取消"), ("open", "未结"), ("responded in time", "按时响应"),
             ("resolved in time", "按时处理"))  # fmt: skip
    return heading("Queues", "队列") + (table(heads, lines, 1) if lines else nothing())


def _rules(found: Json) -> str:
    rules = found["rules"]
    if not rules:
        return heading("Rules and their verdicts", "规则与判定") + nothing()
    lines = [
        text_cell(rule["rule"])
        + cell(f"rules.{n}.raised", rule["raised"])
        + "".join(cell(f"rules.{n}.verdicts.{v}", rule["verdicts"][v]) for v in ("true", "false", "expected"))
        + cell(f"rules.{n}.cancelled_as_false", rule["cancelled_as_false"])
        + share_cell(f"rules.{n}.false_share", rule["false_share"])
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
    plot = rows("rules", "Verdicts by rule", [rule["rule"] for rule in rules], series)
    heads = (("rule", "规则"), ("orders raised", "新建工单"), ("true", "属实"), ("false", "误报"), ("expected", "预期"),
             ("cancelled as false", "误报取消"), ("false share", "误报率"))  # fmt: skip
    return (
        heading("Rules and their verdicts", "规则与判定")
        + f'<figure id="rules">{plot}</figure>'
        + table(heads, lines, 1)
    )


def _people(found: Json) -> str:
    people = found["people"]
    if not people:
        return heading("Load of people", "人员负荷") + nothing()
    counts = ("orders", "most_open", "commands", "refused", "pages", "pages_suppressed", "shifts_paged",
              "most_pages_in_a_shift")  # fmt: skip
    lines = [
        text_cell(load["person"])
        + time_cell(f"people.{n}.held_ms", load["held_ms"])
        + "".join(cell(f"people.{n}.{name}", load[name]) for name in counts)
        for n, load in enumerate(people)
    ]
    series = [
        Series("commands 指令", "a", [load["commands"] for load in people]),
        Series("pages 呼叫", "c", [load["pages"] for load in people]),
    ]
    plot = rows("people", "Commands and pages by person", [load["person"] for load in people], series)
    heads = (("person", "人员"), ("held for", "负责时长"), ("orders", "工单"), ("most at once", "同时最多"),
             ("commands", "指令"), ("refused", "被拒"), ("pages", "呼叫"), ("suppressed", "未发出"),
             ("shifts with pages", "有呼叫的班次"), ("most in a shift", "单班最多"))  # fmt: skip
    return heading("Load of people", "人员负荷") + f'<figure id="people">{plot}</figure>' + table(heads, lines, 1)


def _orders(found: Json) -> str:
    lines = []
    for n, row in enumerate(found["orders"]):
        state = STATES.get(row["state"], (row["state"], ""))
        lines.append(
            text_cell(row["id"]) + text_cell(row["queue"]) + text_cell(row["severity"]) + f"<td>{both(state)}</td>"
            + when_cell(row["opened"]) + when_cell(row["closed"]) + text_cell(row["owner_name"])
            + text_cell(", ".join(row["symptoms"])) + text_cell(row["sentence"])
            + text_cell("; ".join(part for part in (row["cause"], row["measure"]) if part))
            + text_cell(", ".join(row["late"])) + text_cell(row["verdict"])
            + cell(f"orders.{n}.reopened", row["reopened"])
        )  # fmt: skip
    heads = (("order", "工单"), ("queue", "队列"), ("severity", "级别"), ("state", "状态"), ("raised", "新建"),
             ("over", "结束"), ("owner", "责任人"), ("symptoms", "症状"), ("said", "说明"),
             ("cause and measure", "原因与措施"),
             ("limits broken", "超时"), ("verdict", "判定"), ("reopened", "重开"))  # fmt: skip
    return heading("Orders of the period", "本期工单") + (table(heads, lines, 12) if lines else nothing())
