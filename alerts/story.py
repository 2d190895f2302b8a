"""The story of an order: every decision in order, with who, what, the reason in words and the figures at that moment.

It is told from the entries of ``workorder-log`` alone. What the log says as a sentence stays as it was said; what it
says as a name is put into words (`alerts.words`), English and Chinese.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts import words
from alerts.episode import amount, over
from alerts.rebuild import Entry, rebuild
from alerts.turn import SYSTEM
from alerts.words import Words
from models.hours import local
from models.metric import METRIC

#: Kept in the entry for machines, or told in another place of the line.
_NOT_SHOWN: Final = frozenset({"reason", "because", "until_ms", "by_ms", "reopened"})
_DATA: Final[dict[str, Words]] = {
    "person": ("person", "人员"),
    "from": ("from", "原责任人"),
    "to": ("to", "新责任人"),
    "owner": ("owner", "责任人"),
    "rule": ("rule", "规则"),
    "cause": ("cause", "原因"),
    "started_ms": ("in breach since", "越限始于"),
    "last_ms": ("last page", "上次呼叫"),
    "again_ms": ("escalates again", "再次升级"),
    "left": ("symptoms left", "剩余症状"),
    "percent": ("percent", "百分比"),
    "proposed_by": ("proposed by", "提议人"),
    "asked_by": ("asked by", "申请人"),
    "choice": ("choice", "选择"),
    "verdict": ("verdict", "判定"),
    **{f"like_{n}": (f"similar {n}", f"相似工单{n}") for n in (1, 2, 3)},
    **{f"score_{n}": (f"likeness {n}", f"相似度{n}") for n in (1, 2, 3)},
    "like": ("similar order", "相似工单"),
    "problem": ("problem", "问题记录"),
    "problem_owner": ("owner of the problem", "问题责任人"),
    "half_hour": ("half-hour", "时段"),
    "zone": ("clock", "时区"),
    "orders": ("orders", "工单"),
    "joined": ("orders that joined", "并入工单数"),
    "measure": ("measure", "措施"),
    "field": ("field", "字段"),
    "finding": ("finding", "发现"),
    "kind": ("kind", "类别"),
    "verify": ("way of verification", "验证方式"),
    "latest_ms": ("at the latest", "最迟"),
    "side": ("side", "方"),
    "default_ms": ("limit before", "原时限"),
    "against_ms": ("instead of", "原提议"),
    "against": ("proposed by the other side", "对方提议人"),
    "department": ("department", "部门"),
    "departments": ("departments", "部门"),
    "people": ("people", "人员"),
    "supervisor": ("supervisor", "督导"),
    "shift": ("shift", "班次"),
    "ends_ms": ("it ends", "下班"),
    "waited_for": ("waited for", "待接班人"),
    "planned": ("planned event", "计划事件"),
    "parent": ("parent order", "上级工单"),
    "queues": ("queues", "队列数"),
    "of": ("of", "其中"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One decision. *what* is the event and what was decided; *figures* and *changed* are names with their values."""

    at_ms: int
    version: int
    actor: str
    what: tuple[Words, Words]
    why: Words
    data: tuple[tuple[Words, str | int], ...]
    figures: tuple[tuple[Words, Words], ...]
    changed: tuple[tuple[Words, str | int], ...]
    state: Words | None  #: the new state, None when it stayed
    brief: tuple[Words, ...]  #: what was known of the trouble then, sentence by sentence
    times: frozenset[str]  #: English names in *data* and *changed* whose values are epoch milliseconds


def names(entries: Iterable[Entry]) -> dict[str, str]:
    """The names of people that the log itself tells: owners, by id."""
    found: dict[str, str] = {}
    owner = None
    for entry in entries:
        after = entry["order_after"]
        owner = after.get("owner", owner)
        if owner is not None and after.get("owner_name"):
            found[owner] = after["owner_name"]
    return found


def tell(entries: Iterable[Entry]) -> list[Line]:
    """The story of one order. Raises InputError when the log is not all of it (`alerts.rebuild.rebuild`)."""
    kept = sorted(entries, key=lambda entry: entry["version"])
    whole = rebuild(kept)
    known = names(kept)
    seen: set[int] = set()
    lines = []
    for entry in kept:
        if entry["version"] not in seen:
            seen.add(entry["version"])
            lines.append(_line(entry, whole.get(entry["version"] - 1, {}), known))
    return lines


def _line(entry: Entry, before: Mapping[str, Any], known: Mapping[str, str]) -> Line:
    event = words.EVENTS.get(entry["event"]) or words.of_name(entry["event"])
    decision = words.DECISIONS.get(entry["decision"]) or words.of_name(entry["decision"])
    data = {k: v for k, v in entry["data"].items() if v not in (None, "") and k not in _NOT_SHOWN}
    after = {k: v for k, v in entry["order_after"].items() if k in words.FIELDS and v != before.get(k)}
    if not before:
        after = {k: v for k, v in after.items() if v}
    return Line(
        at_ms=entry["at_ms"],
        version=entry["version"],
        actor=_person(entry["actor"], known),
        what=(event, decision),
        why=_why(entry),
        data=tuple((_DATA.get(k) or words.of_name(k), _named(v, known)) for k, v in data.items()),
        figures=tuple(_figure(name, value) for name, value in sorted(entry["live"].items())),
        changed=tuple((words.FIELDS[k], "-" if v is None else v) for k, v in after.items()),
        brief=_brief(entry),
        state=words.STATES.get(entry["after"]) if entry["after"] != entry["before"] else None,
        times=frozenset(
            [(_DATA.get(k) or words.of_name(k))[0] for k in data if k.endswith("_ms")]
            + [words.FIELDS[k][0] for k in after if k.endswith("_ms")]
        ),
    )


def _brief(entry: Entry) -> tuple[Words, ...]:
    brief = entry["order_after"].get("briefing")
    return tuple(zip(brief["english"], brief["chinese"], strict=True)) if brief else ()


def _why(entry: Entry) -> Words:
    """The reason in words: a named one is put into words, a sentence stays."""
    why, data = str(entry["why"]), entry["data"]
    named = words.reason(why)
    if named is None and entry["decision"] == "refused":
        return why, (words.reason(str(data.get("reason", ""))) or ("", why))[1]
    if named is None:
        zh = words.in_chinese(why)
        return why, _figures_in_chinese(entry) if zh == why and entry["actor"] == SYSTEM else zh
    because = str(data.get("because", ""))
    if because:
        return f"{because}: {named[0]}", f"{words.in_chinese(because)}:{named[1]}"
    return named


def _figures_in_chinese(entry: Entry) -> str:
    """What the loop says of figures is in the log in English; the figures beside it are told in Chinese."""
    told = [_figure(name, value) for name, value in sorted(entry["live"].items())]
    return ",".join(f"{name[1]} {value[1]}" for name, value in told) or str(entry["why"])


def _figure(name: str, value: float | None) -> tuple[Words, Words]:
    metric, _, window = name.partition("@")
    if metric not in METRIC:
        shown = "-" if value is None else f"{value:g}"
        return words.of_name(name), (shown, shown)
    en, zh = over(window)
    return (f"{METRIC[metric].en} {en}", f"{zh}{METRIC[metric].zh}"), amount(metric, value)


def _person(person: str, known: Mapping[str, str]) -> str:
    if person == SYSTEM:
        return SYSTEM
    name = known.get(person, "")
    return f"{name} ({person})" if name and name != person else person


def _named(value: Any, known: Mapping[str, str]) -> str | int:
    return value if isinstance(value, int) else _person(str(value), known)


def shown_at(zone: str, at_ms: int) -> str:
    """A time on the clock of *zone* (IANA name), with its distance from UTC: a log may lie in the hour that repeats."""
    return local(zone, at_ms).strftime("%Y-%m-%d %H:%M:%S%z")


def text(lines: Iterable[Line], zone: str, chinese: bool = False) -> str:
    """The story for a terminal, local time of *zone*; *chinese*: each part in Chinese beside the English."""

    def said(pair: Words) -> str:
        return f"{pair[0]} / {pair[1]}" if chinese and pair[0] != pair[1] else pair[0]

    def valued(pairs: Iterable[tuple[Words, str | int]], times: frozenset[str]) -> str:
        return ", ".join(
            f"{said(name)} {shown_at(zone, int(value)) if name[0] in times and value != '-' else value}"
            for name, value in pairs
        )

    out = []
    for line in lines:
        event, decision = line.what
        out.append(f"{shown_at(zone, line.at_ms)}  {line.actor}: {said(event)}: {said(decision)}")
        out.append(f"    why   {said(line.why)}" + (f" ({valued(line.data, line.times)})" if line.data else ""))
        if line.figures:
            out.append("    live  " + "; ".join(f"{said(name)} {said(value)}" for name, value in line.figures))
        out += [f"    brief {said(sentence)}" for sentence in line.brief]
        moved = [f"state {said(line.state)}"] if line.state else []
        if changed := valued(line.changed, line.times):
            moved.append(changed)
        if moved:
            out.append("    now   " + "; ".join(moved))
    return "\n".join(out)


def record(line: Line) -> dict[str, Any]:
    """A line for JSON."""
    return {
        "at_ms": line.at_ms,
        "version": line.version,
        "actor": line.actor,
        "event": line.what[0],
        "decision": line.what[1],
        "why": line.why,
        "data": [[*name, value] for name, value in line.data],
        "figures": [[*name, *value] for name, value in line.figures],
        "changed": [[*name, value] for name, value in line.changed],
        "brief": [list(sentence) for sentence in line.brief],
        "state": line.state,
    }
