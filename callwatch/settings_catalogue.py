"""The catalogue part of the settings file: sites, queues, rules, departments, people, sources, limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from alerts.defaults import default_rules, default_unit_rules
from alerts.usual import gate_of
from callwatch import settings_rota
from callwatch.toml_table import Table
from callwatch.toml_times import spans, zone
from models.catalogue import (
    HALF_HOUR_MIN,
    HALF_HOURS,
    Catalogue,
    Cause,
    Department,
    Duty,
    FlowOut,
    Formula,
    LoopLimits,
    OpeningHours,
    Person,
    Playbook,
    PlayStep,
    QueueSettings,
    Rule,
    Site,
    Source,
)
from models.causes import KNOWN
from models.metric import METRIC, Metric
from models.unit import UNITS_MAX

#: How a person's tier may be written. 班组长 is both shift lead and group leader in the field.
TIERS: Final = {"liaison": 0, "shift_lead": 1, "group_leader": 1, "team_leader": 2, "supervisor": 3, "manager": 4}
FORMULAS: Final = {formula.name.lower(): formula for formula in Formula}
FLOW_OUTS: Final = {flow.name.lower(): flow for flow in FlowOut}
_MIN: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Names:
    """What other tables may refer to."""

    sites: frozenset[str]
    departments: frozenset[str]


def read(top: Table, limits: Table, many: dict[str, list[Table]]) -> Catalogue:
    """Build the catalogue; without any ``[[rule]]`` for queues the default rules hold.

    Raises SettingsError with line and reason; the caller refuses keys that nothing took.
    """
    sites = tuple(_site(table) for table in many["site"])
    departments = tuple(_one_department(table) for table in many["department"])
    names = _Names(frozenset(s.name for s in sites), frozenset(d.name for d in departments))
    queues = tuple(_queue(table, names) for table in many["queue"])
    rules = _rules(many["rule"], names) if many["rule"] or not top.has("rule") else ()
    people = tuple(_person(table, names) for table in many["person"])
    sources = tuple(Source(t.string("name"), t.millis("cadence_s", low=0.1)) for t in many["source"])
    _once(many["site"], "name", [s.name for s in sites])
    _units(many["site"], sites)
    _once(many["department"], "name", [d.name for d in departments])
    _once(many["queue"], "pattern", [q.pattern for q in queues])
    _once(many["person"], "id", [p.id for p in people])
    _once(many["source"], "name", [s.name for s in sources])
    book = tuple(_cause(table) for table in many["cause"])
    _once(many["cause"], "id", [cause.id for cause in book])
    listed = top.strings("causes", Catalogue().causes)
    causes = listed + tuple(cause.id for cause in book if cause.id not in listed)
    kinds = {cause.kind for cause in (*KNOWN, *book)}
    playbooks = tuple(_playbook(table, kinds) for table in many["playbook"])
    _once(many["playbook"], "class", [playbook.kind for playbook in playbooks])
    catalogue = Catalogue(
        sites,
        queues,
        rules,
        departments,
        people,
        _limits(limits),
        sources,
        causes,
        cause_book=book,
        playbooks=playbooks,
    )
    return settings_rota.added(catalogue, many, TIERS)


def _one_department(table: Table) -> Department:
    return Department(
        name=table.string("name"),
        title=table.string("title", ""),
        strict=table.boolean("strict", False),
        supervises=table.boolean("supervises", False),
    )


def _cause(table: Table) -> Cause:
    return Cause(
        id=table.string("id"),
        title=table.string("title", ""),
        zh=table.string("zh", ""),
        kind=table.string("class", table.values.get("id", "")),
    )


def _playbook(table: Table, kinds: set[str]) -> Playbook:
    kind = table.string("class")
    if kind not in kinds and not table.has("rules"):
        table.refuse("class", f'no cause is of class "{kind}" and no rules suggest it, so nobody would ever see it')
    return Playbook(
        kind=kind,
        title=table.string("title", ""),
        zh=table.string("zh", ""),
        rules=table.strings("rules", ()),
        steps=tuple(_step(table, text) for text in table.strings("steps")),
    )


def _step(table: Table, text: str) -> PlayStep:
    """``shift_lead: Call two agents back | 召回两名坐席``: who may do it, what, and the same in Chinese."""
    tier, colon, rest = text.partition(":")
    if not colon or tier.strip() not in TIERS or not rest.strip():
        table.refuse("steps", f'"{text}" is not written TIER: step | 步骤, with one of {", ".join(TIERS)}')
    en, _, zh = rest.partition("|")
    return PlayStep(TIERS[tier.strip()], en.strip(), zh.strip())


def _once(tables: list[Table], key: str, values: list[str]) -> None:
    seen: dict[str, int] = {}
    for n, value in enumerate(values):
        if value in seen:
            tables[n].refuse(key, f'"{value}" is already the {key} of number {seen[value] + 1}')
        seen[value] = n


def _hours(table: Table) -> tuple[OpeningHours, ...]:
    return tuple(OpeningHours(s.days, s.starts_min, s.ends_min) for s in spans(table, "hours"))


def _site(table: Table) -> Site:
    name = table.string("name")
    if name != "*" and set(name) & set("/*?["):
        table.refuse(
            "name", f'"{name}" may not hold / or wildcards (queues are called site/skill); "*" alone is any other'
        )
    minutes = table.integer("interval_min", 30)
    if minutes not in (15, 30):
        table.refuse("interval_min", f"{minutes} is not 15 or 30")
    region = table.string("region", "")
    if set(region) & set("/*?["):
        table.refuse("region", f'"{region}" may not hold / or wildcards (its unit is called region/*)')
    return Site(name, zone(table), minutes, _hours(table), region)


def _units(tables: list[Table], sites: tuple[Site, ...]) -> None:
    """A region and a site are two units, so they need two names; and there is a limit to units."""
    names = {site.name for site in sites}
    for table, site in zip(tables, sites, strict=True):
        if site.region in names:
            table.refuse("region", f'"{site.region}" is the name of a site: {site.region}/* can be one unit only')
    units = 1 + len(names - {"*"}) + len({site.region for site in sites} - {""})
    if units > UNITS_MAX:
        tables[-1].refuse("name", f"sites and regions make {units} units, at most {UNITS_MAX} are kept")


def _pattern(table: Table, names: _Names, default: str | None = None, units: bool = False) -> str:
    pattern = table.string("pattern") if default is None else table.string("pattern", default)
    if pattern == "*" or (units and pattern == "[*]"):
        return pattern
    site, slash, skill = pattern.partition("/")
    if not (slash and site and skill):
        table.refuse("pattern", f'"{pattern}" is neither * nor of the form site/skill (wildcards * ? [] allowed)')
    if not units and names.sites and "*" not in names.sites and not set("*?[") & set(site) and site not in names.sites:
        table.refuse("pattern", f'no [[site]] is called "{site}"; sites are {", ".join(sorted(names.sites))}')
    return pattern


def _department(table: Table, names: _Names, default: str | None) -> str:
    name = table.string("department") if default is None else table.string("department", default)
    if name and name not in names.departments:
        known = ", ".join(sorted(names.departments)) or "there is none"
        table.refuse("department", f'no [[department]] is called "{name}" ({known})')
    return name


def _queue(table: Table, names: _Names) -> QueueSettings:
    default = QueueSettings()
    queue = QueueSettings(
        pattern=_pattern(table, names),
        formula=table.choice("formula", FORMULAS, default.formula.name.lower()),
        threshold_ms=table.millis("threshold_s", default.threshold_ms),
        short_ms=table.millis("short_s", default.short_ms),
        flow_out=table.choice("flow_out", FLOW_OUTS, default.flow_out.name.lower()),
        department=_department(table, names, ""),
        hours=_hours(table) if table.has("hours") else None,
        immediate_ms=table.millis("immediate_s", default.immediate_ms),
        peak=_peak(table),
    )
    if queue.short_ms > queue.threshold_ms:
        table.refuse("short_s", "a short abandon cannot be longer than threshold_s")
    return queue


def _peak(table: Table) -> frozenset[int]:
    """The half-hours of the week, 0 to 335 from Monday, that the spans under ``peak`` hold."""
    found: set[int] = set()
    for span in spans(table, "peak"):
        if span.starts_min % HALF_HOUR_MIN or span.ends_min % HALF_HOUR_MIN:
            table.refuse("peak", "peaks are whole half-hours, such as Mon-Fri 10:00-12:00")
        halves = range(span.starts_min // HALF_HOUR_MIN, span.ends_min // HALF_HOUR_MIN)
        found.update((day * 48 + half) % HALF_HOURS for day in span.days for half in halves)
    return frozenset(found)


def _rules(tables: list[Table], names: _Names) -> tuple[Rule, ...]:
    """The rules; the default ones for queues hold unless there are others for queues and none that changes a default
    one, those for units likewise."""
    changes = [table for table in tables if table.boolean("default", False)]
    tables = [table for table in tables if table not in changes]
    changed = [_changed_default(table, names) for table in changes]
    _once(changes, "id", [old.id for old, _ in changed])
    new = {old.id: rule for old, rule in changed}
    rules = tuple(_rule(table, names) for table in tables)
    _once(tables, "id", [rule.id for rule in rules])
    given = rules
    for of, defaults in (("queues", default_rules()), ("units", default_unit_rules())):
        if any(rule.of == of for rule in given) and not any(old.of == of for old, _ in changed):
            continue
        standard = tuple(found for rule in defaults if (found := new.get(rule.id, rule)) is not None)
        taken = {rule.id for rule in standard}
        for table, rule in zip(tables, given, strict=True):
            if rule.id in taken:
                table.refuse("id", f'"{rule.id}" is a default rule for {of}; ids are permanent, so choose another')
        rules = standard + rules if of == "queues" else rules + standard
    return rules


def _rule(table: Table, names: _Names) -> Rule:
    metric = METRIC[table.choice("metric", {name: name for name in METRIC})]
    windows = {w: w for w in metric.windows if w != "resolve"}  # that window is for verification alone
    window = table.choice("window", windows)
    sides = {"below": True, "above": False}
    if metric.better == "neither" and not table.has("breach"):
        table.refuse("breach", f'is missing: {metric.id} has no better direction, so say "below" or "above"')
    below = table.choice("breach", sides, "below" if metric.better == "up" else "above")
    limit, target = _level(table, metric, "limit"), _level(table, metric, "target", like="limit")
    if (target < limit) if below else (target > limit):
        table.refuse(
            _key(metric, "target"), f"lies on the wrong side of the limit: breach is {'below' if below else 'above'} it"
        )
    rule_id = table.string("id")
    of: Literal["queues", "units"] = table.choice("of", {"queues": "queues", "units": "units"}, "queues")
    return Rule(
        id=rule_id,
        metric=metric.id,
        window=window,
        limit=limit,
        target=target,
        below=below,
        pattern=_pattern(table, names, "*", of == "units"),
        severity=table.integer("severity", 3, low=1, high=4),
        min_sample=table.integer("min_sample", 0, high=1_000_000),
        hold_ms=table.millis("hold_s", 60_000),
        recovery=_level(table, metric, "recovery", default=0.0),
        recover_hold_ms=table.millis("recover_hold_s", 60_000),
        of=of,
        per=_per(table, metric),
        usual=_usual(table, metric),
    )


def _usual(table: Table, metric: Metric) -> Literal["tell", "quiet"]:
    """``usual = "quiet"``: a breach that is usual for the queue in this half-hour opens nothing."""
    usual: Literal["tell", "quiet"] = table.choice("usual", {"tell": "tell", "quiet": "quiet"}, "tell")
    if usual == "quiet" and gate_of(metric.id) is None:
        table.refuse("usual", f"nothing is learned of {metric.id}, so nobody could say what is usual")
    return usual


def _changed_default(table: Table, names: _Names) -> tuple[Rule, Rule | None]:
    """The default rule that a ``[[rule]]`` with ``default = true`` is about, and what it is made into: what the table
    names is changed, the rest stays. None: it is switched off (``off = true``)."""
    known = {rule.id: rule for rule in (*default_rules(), *default_unit_rules())}
    old: Rule = table.choice("id", known)
    if table.boolean("off", False):
        return old, None
    metric, side = METRIC[old.metric], "below" if old.below else "above"
    levels = {key: _level(table, metric, key, default=getattr(old, key)) for key in ("limit", "target", "recovery")}
    if (levels["target"] < levels["limit"]) if old.below else (levels["target"] > levels["limit"]):
        table.refuse(_key(metric, "limit"), f"lies on the wrong side of the target: breach is {side} it")
    return old, replace(
        old,
        limit=levels["limit"],
        target=levels["target"],
        recovery=levels["recovery"],
        pattern=_pattern(table, names, old.pattern, old.of == "units"),
        severity=table.integer("severity", old.severity, low=1, high=4),
        min_sample=table.integer("min_sample", old.min_sample, high=1_000_000),
        hold_ms=table.millis("hold_s", old.hold_ms),
        recover_hold_ms=table.millis("recover_hold_s", old.recover_hold_ms),
    )


def _per(table: Table, metric: Metric) -> Literal["", "agent"]:
    """``per = "agent"``: the levels are of one agent; of a share they could not be."""
    if table.values.get("per") == "agent" and metric.unit == "ratio":
        table.refuse("per", f"{metric.id} is a ratio: it does not grow with the number of agents")
    per: Literal["", "agent"] = table.choice("per", {"queue": "", "agent": "agent"}, "queue")
    return per


def _key(metric: Metric, key: str) -> str:
    return f"{key}_s" if metric.unit == "ms" else key


def _level(table: Table, metric: Metric, key: str, like: str = "", default: float | None = None) -> float:
    """A level of the figure in its own unit; times are written in seconds with ``_s`` at the key's end."""
    name = _key(metric, key)
    wrong = key if name != key else f"{key}_s"
    if table.has(wrong):
        unit = "a time: write it in seconds as" if metric.unit == "ms" else "no time: write"
        table.refuse(wrong, f"{metric.id} is {unit} {name}")
    if like and not table.has(name):
        return _level(table, metric, like)
    if metric.unit == "ms":
        return float(table.millis(name) if default is None else table.millis(name, default))
    high = 1.0 if metric.unit == "ratio" and metric.id != "capacity_use" else 1e9  # load can be more than capacity
    return table.number(name, high=high) if default is None else table.number(name, default, high=high)


def _tier(table: Table) -> int:
    if isinstance(table.values.get("tier"), int):
        return table.integer("tier", low=0, high=4)
    return table.choice("tier", TIERS, "liaison")


def _person(table: Table, names: _Names) -> Person:
    return Person(
        id=table.string("id"),
        name=table.string("name"),
        department=_department(table, names, None),
        tier=_tier(table),
        zone=zone(table),
        duty=tuple(Duty(s.days, s.starts_min, s.ends_min) for s in spans(table, "duty")),
    )


def _limits(table: Table) -> LoopLimits:
    d = LoopLimits()

    def minutes(key: str, default_ms: int) -> int:
        return table.millis(key, default_ms, unit_ms=_MIN)

    return LoopLimits(
        respond_ms=_three(table, "respond_min", d.respond_ms),
        resolve_ms=_three(table, "resolve_min", d.resolve_ms),
        verify_calls=table.integer("verify_calls", d.verify_calls, low=1, high=10_000),
        undecided_ms=minutes("undecided_min", d.undecided_ms),
        reopen_ms=minutes("reopen_min", d.reopen_ms),
        page_gap_ms=minutes("page_gap_min", d.page_gap_ms),
        hold_max_ms=minutes("hold_max_min", d.hold_max_ms),
        accept_max_ms=minutes("accept_max_min", d.accept_max_ms),
        remind_ms=_three(table, "remind_min", d.remind_ms),
        storm_queues=table.integer("storm_queues", d.storm_queues, low=0, high=10_000),
        storm_share=table.number("storm_share", d.storm_share, low=0.01, high=1.0),
    )


def _three(table: Table, key: str, default: tuple[int, int, int]) -> tuple[int, int, int]:
    value = table.take(key, (list,), "three numbers of minutes, for severity 1, 2 and 3", None)
    if value is None:
        return default
    good = len(value) == 3 and all(
        isinstance(v, int | float) and not isinstance(v, bool) and 0 < v <= 525_600 for v in value
    )
    if not good:
        table.refuse(key, f"{value!r} is not three numbers of minutes, for severity 1, 2 and 3")
    return round(value[0] * _MIN), round(value[1] * _MIN), round(value[2] * _MIN)
