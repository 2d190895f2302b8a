"""Sections of the bulletin that are not of orders: trend notes, floor log, problems, what was planned, lost calls."""

from __future__ import annotations

from typing import Any

from alerts.lost_calls import CAUSES, WORDS
from callwatch.orders_report.markup import both, cell, heading, nothing, table, text_cell, when_cell
from callwatch.orders_report.plots import Series, columns

Json = dict[str, Any]


def trend_notes(found: Json) -> str:
    """Trends that raised no order."""
    state = {"open": "open 持续", "over": "over 结束", None: ""}
    lines = [
        when_cell(note["at"]) + text_cell(note["queue"]) + text_cell(note["text"]) + text_cell(note["zh"])
        + text_cell(state.get(note["state"], note["state"]))
        for note in found["notes"]
    ]  # fmt: skip
    heads = (("since", "始于"), ("queue", "队列"), ("trend", "趋势"), ("in Chinese", "中文"), ("state", "状态"))
    return heading("Trend notes", "趋势类工作联系单") + (table(heads, lines, 9) if lines else nothing())


def floor(found: Json) -> str:
    """The lines of the floor log."""
    lines = [
        when_cell(note["at"]) + text_cell(note["shift"]) + text_cell(note["queue"]) + text_cell(note["by"])
        + text_cell(note["text"])
        for note in found["floor"]
    ]  # fmt: skip
    heads = (("at", "时间"), ("shift", "班次"), ("queue", "队列"), ("by", "记录人"), ("line", "内容"))
    return heading("Floor log", "现场工作日志") + (table(heads, lines, 9) if lines else nothing())


def _in_common(problem: Json) -> str:
    """What its orders have in common: the half-hour of the day or the cause."""
    return problem["half_hour"] or " ".join(dict.fromkeys((problem.get("title", ""), problem.get("zh", ""))))


def problems(found: Json) -> str:
    """Problem records that were opened, joined or closed."""
    state = {"open": "open 未结", "closed": "closed 已关闭"}
    lines = [
        when_cell(one["at"]) + text_cell(one["id"]) + text_cell(one["queue"]) + text_cell(_in_common(one))
        + text_cell(", ".join(one["orders"])) + text_cell(state.get(one.get("state", "open"), one.get("state")))
        + text_cell(one.get("owner")) + text_cell("; ".join(p for p in (one.get("cause"), one.get("measure")) if p))
        for one in found["problems"]
    ]  # fmt: skip
    heads = (("last told", "最近更新"), ("problem", "问题"), ("queue", "队列"), ("in common", "时段或原因"),
             ("orders", "工单"), ("state", "状态"), ("owner", "责任人"),
             ("cause and measure", "原因与措施"))  # fmt: skip
    return heading("Problem records", "问题记录") + (table(heads, lines, 9) if lines else nothing())


def planned(found: Json) -> str:
    """What was planned, the emergencies, and what the planned events kept from opening orders."""
    lines = [
        text_cell(one["kind"]) + text_cell(one["covers"]) + when_cell(one["from"]) + when_cell(one["until"])
        + text_cell(one["by"]) + text_cell(one["text"])
        for one in found["planned"]
    ]  # fmt: skip
    lines += [
        f"<td>{both(('emergency', '紧急状态'))}</td>" + text_cell(one["covers"]) + when_cell(one["since"])
        + when_cell(one["ended"]) + text_cell(one["by"]) + text_cell(one["reason"])
        for one in found["emergencies"]
    ]  # fmt: skip
    heads = (
        ("what", "类别"),
        ("covers", "范围"),
        ("from", "始于"),
        ("until", "止于"),
        ("by", "登记人"),
        ("why", "说明"),
    )
    title, kept = heading("Planned events and emergencies", "计划事件与紧急状态"), len(found["suppressed"])
    said = f'<p class="dim">{kept} breaches were kept from opening orders. {kept}次越限未开工单。</p>' if kept else ""
    return title + (table(heads, lines, 9) if lines else nothing()) + said


def lost(found: Json) -> str:
    """Lost calls by day and cause, and what became of their callers; nothing when nobody asked for them."""
    told = found["lost_calls"]
    if told is None:
        return ""
    days, kinds = told["days"], ("a", "b", "c", "d", "e")
    series = [
        Series(" ".join(WORDS[c]), kinds[n], [day["lost"][c] for day in days])
        for n, c in enumerate(CAUSES)
        if any(day["lost"][c] for day in days)
    ]
    plot = columns("lost", "Lost calls by day and cause", [day["day"][5:] for day in days], series)
    lines = [
        f'<td class="at">{day["day"]}</td>' + cell(f"lost_calls.days.{n}.arrivals", day["arrivals"])
        + "".join(cell(f"lost_calls.days.{n}.lost.{c}", day["lost"][c]) for c in CAUSES)
        for n, day in enumerate(days)
    ]  # fmt: skip
    heads = (("day", "日期"), ("arrivals", "来电"), *(WORDS[c] for c in CAUSES))
    callers = told["callers"]
    en = f"{callers['lost']} known callers lost, {callers['to_ring_back']} still to ring back."
    zh = f"流失客户{callers['lost']}人,待回拨{callers['to_ring_back']}人。"
    turns = "".join(f"<p>{both((one['en'], one['zh']))}</p>" for one in (*told["bad_days"], *told["turning_points"]))
    return (
        heading("Lost calls", "呼损") + f"<p>{both((en, zh))}</p>{turns}"
        + (f'<figure id="lost">{plot}</figure>' + table(heads, lines, 1) if days else nothing())
    )  # fmt: skip
