"""The default rules as a page: ``python -m alerts.rule_page`` writes ``docs/RULES.md``.

Numbers come from the rules, reasons from the table here; a test holds that the page is current and no rule without one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alerts.defaults import default_rules, default_unit_rules
from alerts.episode import amount, span
from models.catalogue import Rule
from models.metric import METRIC

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "RULES.md"

#: Why a rule is there, its name in Chinese, and where it comes from.
WHY: Final[dict[str, tuple[str, str, str]]] = {
    "outage": ("callers come and nobody is answered at all", "电话瘫痪", "seeds (瘫痪); time ours"),
    "unreached": ("calls end in the menu or find no line", "未进入队列", "a bank's five months (alerts/defaults.py)"),
    "silence": ("nothing is heard of a busy queue", "队列静默", "ours"),
    "service-level": ("waits that callers notice", "服务水平过低", "seeds: 85 to 90 % is the aim; limit ours"),
    "abandonment": ("callers give up", "放弃率过高", "ours"),
    "sign-in": ("more than one agent with a forgotten password", "坐席无法签入", "seeds (坐席无法签入); number ours"),
    "longest-wait": ("one caller is forgotten", "等待过久", "ours"),
    "waiting-long": ("several wait past the threshold", "超时排队", "ours"),
    "agents-short": (
        "a quarter more work than agents: it cannot be worked off",
        "坐席不足",
        "seeds (各时段人员的需求量)",
    ),
    "channel-apart": ("one channel is served worse", "渠道服务差异", "seeds (渠道服务水平差异)"),
    "line-apart": ("one business line is served worse", "业务服务差异", "seeds (业务类型)"),
    "abandonment-rise": ("longer queues make callers leave", "排队致放弃上升", "seeds (放弃量也会有所上升)"),
    "occupancy-high": ("agents have no breath between calls", "人员利用率过高", "seeds (70 %); band ours"),
    "occupancy-low": ("more agents than work", "人员利用率过低", "seeds (70 %); band ours"),
    "talk-long": ("conversations that do not end", "通话过长", "seeds (平均通话时长); limit ours"),
    "talk-short": ("calls that drop, or are hung up on", "通话过短", "ours"),
    "slow-answer": ("answers come late", "接起过慢", "seeds (平均接起时间); limit ours"),
    "queued": ("nearly nobody finds an agent free", "等待队列放置率过高", "seeds (等待队列放置率); limit ours"),
    "source-dead": ("without its source nothing else can be trusted", "数据源中断", "DESIGN 6"),
    "source-late": ("figures tell of what was a minute ago", "数据源延迟", "ours"),
    "source-ahead": ("its clock is wrong, so waits are", "数据源时钟超前", "ours"),
    "bad-data": (
        "one record in a hundred cannot be counted",
        "异常数据过多",
        "seeds (数据的完整性和准确性); number ours",
    ),
    "member-apart": ("one queue or site is served worse", "队列或站点服务差异", "seeds (35家比较); test ours"),
    "offered-drop": ("calls that should be there do not come", "请求量异常偏低", "DETECT.md"),
    "menu-unusual": ("more than usual leave in the menu", "菜单放弃异常", "DETECT.md"),
    "blocked-unusual": ("more than usual find no line", "阻塞异常", "DETECT.md"),
    "abandonment-unusual": ("more than usual give up", "放弃率异常", "DETECT.md"),
    "service-unusual": ("slower than usual for this half-hour", "服务水平异常偏低", "DETECT.md"),
    "offered-surge": ("an abnormal peak", "话务异常高峰", "seeds (话务异常高峰)"),
    "queued-unusual": ("more than usual have to wait", "等待队列放置率异常", "DETECT.md"),
    "talk-unusual": ("conversations longer or shorter than usual", "通话时长异常", "DETECT.md"),
    "speed-unusual": ("answers later than usual", "接起时间异常", "DETECT.md"),
    "callback-unusual": ("more callbacks than usual fail", "回拨失败异常", "DETECT.md"),
}

_INTRO: Final = """\
# Default rules

Made from `alerts/defaults.py`: `python -m alerts.rule_page`. They hold while the settings have no `[[rule]]` of
their own for queues (for units: none with `of = "units"`). One default rule is changed, or switched off, by its id;
the others go on holding:

```toml
[[rule]]
id = "abandonment"
default = true
limit = 0.2                   # what is not named stays as it is

[[rule]]
id = "occupancy-low"
default = true
off = true
```

A breach beyond the limit that holds long enough, with calls enough behind it, opens an order of that severity
([LOOP.md](LOOP.md)); severity 4 is a trend note. *More than* and *less than* say which side is the breach; the
episode ends when the figure is back by the recovery band. What is usual for a queue: [USUAL.md](USUAL.md).
"""

_REST: Final = """\
## Limits that follow the number of agents

With `per = "agent"` the limit, target and recovery are of one agent signed in. Where agents are unknown nothing is
judged.

```toml
[[rule]]
id = "waiting-each"
metric = "waiting"
window = "now"
limit = 1.5                   # more than 1.5 callers wait for each agent
per = "agent"
```

## Bands, by service class

Occupancy, effective work rate and capacity use have a best value and are bad on both sides, so a band is two rules.
The source documents call 70 % of the capacity best: less where demand is uncertain and want of capacity is
dangerous, near 100 % for even work without callers. It is a figure of service management at large: large groups of
agents run higher at the same service level. So the default band is wide (35 to 95 %, tiles from 55 to 85 %) and a
trend note. A band for a service class is a pair of rules for the queues of that class:

```toml
[[rule]]
id = "emergency-use-high"
pattern = "*/emergency"       # uncertain and dangerous: keep half of it free
metric = "capacity_use"
window = "30m"
breach = "above"
limit = 0.6
target = 0.5

[[rule]]
id = "back-office-use-low"
pattern = "*/back-office"     # even work: nearly all of it is used
metric = "effective_work_rate"
window = "30m"
breach = "below"
limit = 0.8
target = 0.9
```

`agents_short@now` says in agents what `capacity_use` says as a share: who is missing so that the queue can empty at
all. How many it takes to keep the service level is [STAFFING.md](STAFFING.md). An agent who serves several queues
is signed in to each of them, so the capacity of one queue is what it could have at most; of a site each counts
once.

## The clock of an outage

`since_connected_ms` is the time since a call was last answered (or since opening) while callers come; `unconnected`
is how many came in vain. The order of rule `outage` carries the clock (`outage`: since when, until when), which
runs on while the centre is closed, through acknowledgement and restarts, and stops when a call is answered again.
After 24 and 72 hours it is told once more and goes a tier up, each once. An emergency ([PLANNED.md](PLANNED.md))
passes the same marks, and so do the open orders that it covers. They are the marks of the source documents: a
centre that could not be reached for more than 24 hours, or was in a state of emergency for more than 72, is put two
grades down.

## One served worse than the others

Channels and business lines within a queue, queues within a site, sites within a region (without regions: all
sites): each minute, the abandoned of the outcomes of the last 30 minutes of each against those of all the others
together, by a test that counts the calls behind both (beta-binomial; the others count as 150 calls at most, because
calls of one half-hour are alike). It takes 20 outcomes on both sides, 5 lost, and a gap of 15 points; 1.0 is as
rare as the alarm budget allows for so many. The sentence names the worst, both shares and the calls. After a
resolve the calls of that channel or line since then must be within half of the gap; queues and sites are judged
again when the 30 minutes lie behind the resolve. `abandonment_rise` compares the last 5 minutes with the 25 before
them in the same way, while answers take half as long again as in those, and 10 seconds longer.

## The data

Rules of everything (`*`) alone. A declared source (`[[source]]`) is dead when its cadence and 5 s have passed
without a heartbeat, late when its heartbeats (the median of the last 9) lie more than 60 s behind the clock, ahead
when they lie more than 5 s before it; its name is in the sentence. Bad data are dead letters, misrouted records and
negative waits of the last 15 whole minutes, of all records.

## Nothing about single agents

No figure, rule, order or alert is about one agent, and none can be made: see the paragraph on privacy in
[PEOPLE.md](PEOPLE.md).
"""


def _row(rule: Rule) -> str:
    metric = METRIC[rule.metric]
    reason, zh, source = WHY[rule.id]
    side = "less than" if rule.below else "more than"
    limit = amount(rule.metric, rule.limit)[0] if metric.unit != "limits" else f"{rule.limit:g} of the alarm budget"
    target = amount(rule.metric, rule.target)[0] if metric.unit != "limits" else f"{rule.target:g}"
    sample = f"{rule.min_sample}" if rule.min_sample else ""
    cells = (
        f"`{rule.id}`",
        zh,
        f"`{rule.metric}@{rule.window}`",
        f"{side} {limit}",
        target,
        span(rule.hold_ms)[0],
        sample,
        str(rule.severity),
        reason,
        source,
    )
    return "| " + " | ".join(cells) + " |"


def _table(title: str, rules: tuple[Rule, ...]) -> Iterator[str]:
    yield from (f"## {title}", "")
    yield "| id | 名称 | figure | breach | tile from | held for | calls at least | severity | why | source |"
    yield "|---|---|---|---|---|---|---:|---:|---|---|"
    yield from map(_row, rules)
    yield ""


def rendered() -> str:
    """The page, as it is checked in."""
    tables = [*_table("Of queues", default_rules()), *_table("Of units", default_unit_rules())]
    return "\n".join([_INTRO, *tables, _REST])


def main() -> None:
    """Write it."""
    PAGE.write_text(rendered(), encoding="utf-8")
    sys.stdout.write("docs/RULES.md\n")


if __name__ == "__main__":
    main()
