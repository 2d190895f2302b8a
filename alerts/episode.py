"""Episodes: what is said when a figure leaves its limit, gets markedly worse, or comes back.

A sentence names the figure, where it stands, over which window, its limit and the calls behind it, so that a supervisor
can act on it without opening anything else. English and Chinese say the same.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from alerts.habit.subjects import SUBJECT
from alerts.judge import Change
from alerts.per_agent import AGENTS
from alerts.rules import Step
from models.catalogue import QueueSettings, Rule
from models.metric import METRIC

#: A figure of the queue at hand: (metric, window) to its value, None when undefined.
Read = Callable[[str, str], float | None]
#: How the figure behind what is unusual stands, and what is usual of the figure of a limit: (rule, window) to words.
Usual = Callable[[Rule, str], tuple[str, str]]

_OVER_EN = {"now": "now", "day": "today", "resolve": "for the calls since the resolve"}
_OVER_ZH = {"now": "当前", "day": "当日", "resolve": "处理完成后的来电"}
_SERVICE = ("service_level", "service_level_live")


def short_id(prefix: str, *parts: object) -> str:
    """*prefix* and ten base-32 characters that depend on *parts* alone: 50 bits, enough for a centre's lifetime."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=7).digest()
    return prefix + base64.b32encode(digest).decode()[:10]


def anomaly_id(rule_id: str, queue: str, started_ms: int) -> str:
    """The id of an episode."""
    return short_id("AN-", rule_id, queue, started_ms)


def order_id(queue: str, started_ms: int) -> str:
    """The id of the order that the episode of *queue* at *started_ms* opened."""
    return short_id("WO-", queue, started_ms)


def span(ms: float) -> tuple[str, str]:
    """A duration in milliseconds as a person says it, English and Chinese: ``3 min 20 s``, ``3分20秒``."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h", "小时"), (minutes, "min", "分"), (seconds, "s", "秒")]
    shown = [p for p in parts if p[0]] or parts[2:]
    return " ".join(f"{n} {en}" for n, en, _ in shown), "".join(f"{n}{zh}" for n, _, zh in shown)


def amount(metric: str, value: float | None) -> tuple[str, str]:
    """A value of *metric* with its unit, English and Chinese."""
    if value is None:
        return "undefined", "无数据"
    unit = METRIC[metric].unit
    if unit == "ratio":
        shown = f"{value * 100:.1f}".removesuffix(".0") + " %"  # 15.4 % is beyond 15 %, "15 %" would not be
        return shown, shown
    if unit == "ms":
        return span(value)
    if unit == "limits":
        return f"{value:.2g} times the alarm limit", f"告警限的{value:.2g}倍"
    return (f"{value:g} calls", f"{value:g}通") if unit == "calls" else (f"{value:g}", f"{value:g}")


def over(window: str) -> tuple[str, str]:
    """The window in words."""
    if window in _OVER_EN:
        return _OVER_EN[window], _OVER_ZH[window]
    minutes = window.removesuffix("m")
    en = "over the last minute" if minutes == "1" else f"over the last {minutes} minutes"
    return en, f"最近{minutes}分钟"


def counts(metric: str, window: str, settings: QueueSettings, read: Read) -> tuple[str, str]:
    """The calls behind a figure, in words; empty where they would say nothing new."""
    seconds = settings.threshold_ms // 1000
    if metric == "unreached_share":
        of, menu, blocked = (_n(read(m, window)) for m in ("arrivals", "ivr_abandoned", "blocked"))
        return (
            f"{of} arrivals, {menu} left in the menu, {blocked} blocked",
            f"共{of}通来电,菜单放弃{menu}通,阻塞{blocked}通",
        )
    if metric == "abandonment_rate":
        of, lost = _n(read("outcomes", window)), _n(read("abandoned", window))
        return f"{of} calls, {lost} abandoned", f"共{of}通,放弃{lost}通"
    if metric == "since_connected_ms":
        came = _n(read("unconnected", "now"))
        return f"{came} came and nobody was answered", f"来电{came}通,无一接通"
    if metric == "login_failures":
        here = _n(read("agents_signed_in", "now"))
        return f"{here} agents signed in", f"签入坐席{here}人"
    if metric in ("capacity_use", "occupancy"):
        load, here, short = _load(window, read)
        return (
            f"load {load} erlangs, {here} agents signed in, {short} short",
            f"话务强度{load},签入坐席{here}人,缺{short}人",
        )
    if window != "now":
        of, late = _n(read("outcomes", window)), _n(read("waiting_past_threshold", "now"))
        return f"{of} calls, {late} waiting past {seconds} s", f"共{of}通,{late}通排队超过{seconds}秒"
    if metric in ("longest_wait_ms", "waiting_past_threshold"):
        waiting = _n(read("waiting", "now"))
        return f"{waiting} waiting", f"排队{waiting}通"
    return "", ""


def _load(window: str, read: Read) -> tuple[str, str, str]:
    load, short = read("load_erlangs", window), read("agents_short", "now")
    shown = "?" if load is None else f"{load:.1f}"
    return shown, _n(read("agents_signed_in", "now")), _n(None if short is None else max(short, 0.0))


def _n(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def standing(
    queue: str, rule: Rule, window: str, value: float | None, settings: QueueSettings, read: Read
) -> tuple[str, str]:
    """How *rule*'s figure stands over *window*, with its limit and the calls behind it, English and Chinese."""
    metric = METRIC[rule.metric]
    (en, zh), (limit_en, limit_zh), (when_en, when_zh) = (
        amount(rule.metric, value),
        amount(rule.metric, rule.limit),
        over(window),
    )
    formula, seconds = settings.formula.name.lower(), settings.threshold_ms // 1000
    how_en, how_zh = (f" ({formula}, {seconds} s)", f"({formula},{seconds}秒)") if metric.id in _SERVICE else ("", "")
    if rule.per == "agent" and (agents := read(*AGENTS)):
        each_en, each_zh = amount(rule.metric, rule.limit / agents)
        limit_en += f" ({each_en} per agent, {agents:g} signed in)"
        limit_zh += f"(每坐席{each_zh},签入{agents:g}人)"
    calls_en, calls_zh = counts(rule.metric, window, settings, read)
    name = metric.en[0].upper() + metric.en[1:]
    return (
        f"{name} of {queue} is {en}{how_en} {when_en}, limit {limit_en}" + (f": {calls_en}" if calls_en else ""),
        f"{queue} {when_zh}{metric.zh}为{zh}{how_zh},限值{limit_zh}" + (f":{calls_zh}" if calls_zh else ""),
    )


def beside(queue: str, rule: Rule, behind: tuple[str, str]) -> tuple[str, str]:
    """A figure that is no count of the queue's own calls, by what it is made of: sources, a channel and the others."""
    metric, (when_en, when_zh) = METRIC[rule.metric], over(rule.window)
    name = metric.en[0].upper() + metric.en[1:]
    if metric.unit == "sources":
        return f"{name}: {behind[0]}", f"{metric.zh}:{behind[1]}"
    return f"{name} at {queue} {when_en}: {behind[0]}", f"{queue} {when_zh}{metric.zh}:{behind[1]}"


def sentence(
    change: Change,
    now_ms: int,
    settings: QueueSettings,
    read: Read,
    usual: Usual | None = None,
    behind: tuple[str, str] = ("", ""),
) -> tuple[str, str]:
    """What is said of one step of an episode, English and Chinese. *usual* speaks of what was learned of the queue,
    *behind* is what a figure that is no count of its calls is made of."""
    rule = change.rule
    if behind[0]:
        en, zh = beside(change.queue, rule, behind)
    elif usual is not None and rule.metric in SUBJECT:
        en, zh = usual(rule, rule.window)
    else:
        en, zh = standing(change.queue, rule, rule.window, change.value, settings, read)
    if change.step == Step.AS_USUAL:
        more = usual(rule, rule.window) if usual is not None else ("", "")
        side_en, side_zh = ("Below", "低于") if rule.below else ("Above", "高于")
        return f"{side_en} its limit as usual: {en}; {more[0]}", f"{side_zh}限值,属常态:{zh};{more[1]}"
    lasted_en, lasted_zh = span(now_ms - change.started_ms)
    what_en, what_zh = METRIC[rule.metric].en, METRIC[rule.metric].zh
    if change.step == Step.UPDATE:
        return f"Worse: {en}", f"恶化:{zh}"
    if change.step == Step.RECOVERED:
        return f"Back within the limit after {lasted_en}: {en}", f"持续{lasted_zh}后恢复:{zh}"
    if change.step == Step.NO_CALLS:
        return (
            f"No calls left {over(rule.window)[0]}: the episode of {what_en} of {change.queue} ends after {lasted_en}",
            f"{change.queue} {over(rule.window)[1]}已无来电,{what_zh}异动在{lasted_zh}后结束",
        )
    if change.step == Step.WITHDRAWN:
        return (
            f"Withdrawn by a change of settings: no rule {rule.id} for {change.queue} any more. Its episode ends after "
            f"{lasted_en} with: {en}",
            f"设置变更撤销:{change.queue} 已无规则 {rule.id},异动在{lasted_zh}后结束,当时:{zh}",
        )
    if change.step == Step.CLOSED:
        return (
            f"{change.queue} has closed with nobody waiting: the episode of {what_en} ends after {lasted_en}",
            f"{change.queue} 已停止营业且无人排队,{what_zh}异动在{lasted_zh}后结束",
        )
    return en, zh


def anomaly(change: Change, now_ms: int, said: tuple[str, str], planned: str | None = None) -> dict[str, Any]:
    """The payload of topic ``anomalies`` for one step of an episode, without ``pos``; *planned* keeps it quiet."""
    rule = change.rule
    phase = {Step.START: "start", Step.UPDATE: "update"}.get(change.step, "end")
    return {
        "id": anomaly_id(rule.id, change.queue, change.started_ms),
        "queue": change.queue,
        "rule": rule.id,
        "phase": phase,
        "metric": rule.metric,
        "window": rule.window,
        "value": change.value,
        "limit": rule.limit,
        "sample": change.sample,
        "severity": rule.severity,
        "started_ms": change.started_ms,
        "at_ms": now_ms,
        "sentence": said[0],
        "zh": said[1],
        "planned": planned,
    }
