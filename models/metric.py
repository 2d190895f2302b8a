"""The metric dictionary: the only definition of a figure.

Pages, docs, rules and reports read it; the kernels fill one column of a float matrix for each ``metric@window``
(`FIGURES`). NaN means undefined: never 100 % of nothing. ``docs/METRICS.md`` is made of it (`models.metric_page`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from models.event import CHANNELS, LINES

#: Rolling windows, the business day so far, and ``resolve``: calls offered since an order of the queue was resolved.
WINDOWS: Final = ("1m", "5m", "15m", "30m", "day", "resolve")
WINDOW_MS: Final = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000}
NOW: Final = ("now",)
#: Time of agents is of no arrivals, so it has no window since a resolve.
TIMED: Final = WINDOWS[:-1]
DAILY: Final = ("day",)
#: Figures by line and channel: what a screen shows beside the queue's own.
SPLIT: Final = ("30m", "day")
#: How unusual a figure is. In ``now`` the most unusual of the rolling windows and of the slide over half-hours.
UNUSUAL: Final = ("1m", "5m", "15m", "30m", "resolve", "now")
#: What is usual for the half-hour that the window of 30 minutes ends in.
USUAL: Final = ("30m",)
#: Of what is compared with its like, and of the quality of the data.
COMPARED: Final = ("30m", "resolve")
QUALITY: Final = ("15m", "resolve")
#: Of what rises: the last minutes against those before them.
RISING: Final = ("5m", "resolve")

Unit = Literal[
    "calls",
    "callers",
    "records",
    "attempts",
    "ratio",
    "ms",
    "agents",
    "state",
    "points",
    "erlangs",
    "limits",
    "sources",
]
Better = Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: id, names, formula, unit, better direction, windows, and what it is when nothing happened.

    *sample* is the figure that says how many calls stand behind it, "" for none; then *start* is the one that a rule's
    ``min_sample`` asks before an episode begins. *source* is where the definition comes from: "DESIGN" and the section,
    a product, or "ours".
    """

    id: str
    en: str
    zh: str
    formula: str
    unit: Unit
    better: Better
    windows: tuple[str, ...]
    empty: str
    sample: str = ""
    source: str = "DESIGN 4"
    start: tuple[str, str] = ("arrivals", "30m")


_NO_CALLS: Final = "undefined (no calls)"
_UNKNOWN_AGENTS: Final = "undefined (agents unknown)"
_OF_ALL: Final = "undefined (of the whole, unit *, alone)"


def _count(mid: str, en: str, zh: str, formula: str, better: Better = "neither", source: str = "DESIGN 4") -> Metric:
    return Metric(mid, en, zh, formula, "calls", better, WINDOWS, "0", source=source)


def _ratio(mid: str, en: str, zh: str, formula: str, better: Better, sample: str, source: str = "DESIGN 4") -> Metric:
    return Metric(mid, en, zh, formula, "ratio", better, WINDOWS, _NO_CALLS, sample, source)


def _time(mid: str, en: str, zh: str, formula: str, better: Better, sample: str, source: str = "DESIGN 2") -> Metric:
    return Metric(mid, en, zh, formula, "ms", better, WINDOWS, _NO_CALLS, sample, source)


def _of_agents(mid: str, en: str, zh: str, formula: str, unit: Unit, empty: str, source: str) -> Metric:
    return Metric(mid, en, zh, formula, unit, "neither", TIMED, empty, source=source)


def _records(mid: str, en: str, zh: str, formula: str, empty: str = "0") -> Metric:
    return Metric(mid, en, zh, formula, "records", "down", DAILY, empty, source="DESIGN 3")


def _now(mid: str, en: str, zh: str, formula: str, unit: Unit, empty: str) -> Metric:
    return Metric(mid, en, zh, formula, unit, "down" if unit in ("calls", "ms") else "neither", NOW, empty)


def _unusual(mid: str, en: str, zh: str, of: str) -> Metric:
    """How unusual the counts of a window are by what was learned of the queue (``alerts/habit``)."""
    formula = f"{of}: logarithm of its rarity for this half-hour of the week, 1 as rare as the alarm budget allows"
    return Metric(mid, en, zh, formula, "limits", "down", UNUSUAL, _NOT_LEARNED, source="ours (docs/DETECT.md)")


def _usual(mid: str, en: str, zh: str, of: str, unit: Unit, sample: str) -> Metric:
    """What is normal for the figure *of*."""
    formula = f"what `{of}` usually is in these 30 minutes of the week, at the level of late"
    return Metric(mid, en, zh, formula, unit, "neither", USUAL, _UNKNOWN_HABIT, sample, "ours (docs/DETECT.md)")


_NOT_LEARNED: Final = "0; undefined (not learned yet, too few calls, closed)"
_UNKNOWN_HABIT: Final = "undefined (not learned yet, closed)"
_DDSKETCH: Final = "DDSketch (Masson, Rim, Lee 2019)"
_CALLS: Final[tuple[Metric, ...]] = (
    _count("offered", "offered", "人工请求量", "calls that entered the queue"),
    _count("answered", "answered", "人工接通量", "calls answered by an agent", "up"),
    _count("abandoned", "abandoned", "放弃量", "callers who hung up in the queue", "down"),
    _count("flowed_out", "flowed out", "溢出量", "calls that left without answer or hang-up"),
    _count("ivr_abandoned", "left in the menu", "菜单放弃量", "callers who left before any queue", "down"),
    _count("blocked", "blocked", "阻塞量", "calls that found no line", "down"),
    _count("arrivals", "arrivals", "总请求量", "offered + left in the menu + blocked", source="DESIGN 2"),
    _count("outcomes", "outcomes", "已结束量", "answered + abandoned + flowed out"),
    _count("completed", "completed", "已完成量", "conversations that are over, those of calls that go out included"),
    _count(
        "service_sample",
        "service-level base",
        "服务水平基数",
        "denominator of the service level, waiting past the threshold included",
    ),
    _ratio(
        "service_level",
        "service level",
        "服务水平",
        "the queue's formula over outcomes (DESIGN section 4)",
        "up",
        "service_sample",
        "DESIGN 4 (Cisco, Talkdesk, Genesys, Amazon Connect)",
    ),
    _ratio(
        "service_level_live",
        "live service level",
        "实时服务水平",
        "service level with the calls already waiting past the threshold in the denominator",
        "up",
        "service_sample",
    ),
    _ratio(
        "answer_rate", "answer rate", "人工接通率", "answered / (answered + abandoned + flowed out)", "up", "outcomes"
    ),
    _ratio(
        "overall_answer_rate",
        "overall answer rate",
        "总接通率",
        "answered / (outcomes + left in the menu + blocked)",
        "up",
        "arrivals",
    ),
    _ratio(
        "abandonment_rate",
        "abandonment",
        "放弃率",
        "abandoned / (answered + abandoned + flowed out)",
        "down",
        "outcomes",
    ),
    _ratio(
        "unreached_share",
        "share of arrivals that reached no queue",
        "未进入队列占比",
        "(left in the menu + blocked) / arrivals",
        "down",
        "arrivals",
    ),
    _count("short_abandons", "short abandons", "短时放弃量", "callers who hung up within the short-abandon limit"),
    _count(
        "lost_calls",
        "lost calls",
        "呼损",
        "blocked + left in the menu + abandoned + callbacks failed",
        "down",
        "DESIGN 2",
    ),
    _count(
        "negative_waits",
        "negative waits",
        "负等待量",
        "outcomes whose wait was given as negative, or timed before their offer: counted as a wait of 0",
        "down",
        "DESIGN 3",
    ),
    _time(
        "speed_of_answer_ms",
        "speed of answer",
        "平均接起时间",
        "sum of known waits of answered calls / their number",
        "down",
        "answered",
    ),
    _time(
        "wait_p50_ms",
        "median wait",
        "等待中位数",
        "wait of rank 1 + floor(0.50 (n - 1)) of the n known waits of answered and abandoned calls, within 10 % "
        "(half a second below a second; beyond 62 minutes it reads 62 minutes)",
        "down",
        "outcomes",
        _DDSKETCH,
    ),
    _time(
        "wait_p95_ms",
        "95th percentile of waits",
        "等待95分位",
        "wait of rank 1 + floor(0.95 (n - 1)), as the median wait",
        "down",
        "outcomes",
        _DDSKETCH,
    ),
    _time("talk_ms", "talk time", "平均通话时长", "sum of talk / completed", "neither", "completed"),
    _time("handle_ms", "handle time", "平均处理时长", "(talk + hold + wrap) / completed", "neither", "completed"),
    _ratio(
        "queued_share",
        "queued share",
        "等待队列放置率",
        "outcomes with a known wait beyond the queue's immediate_s / outcomes with a known wait: how many found no "
        "agent free at once",
        "down",
        "outcomes",
        "ours (seeds name it, none defines it)",
    ),
    _count(
        "outbound", "outbound", "呼出量", "calls that went out; in no other count or ratio but completed", source="ours"
    ),
    _count("outbound_connected", "outbound connected", "呼出接通量", "of those, the answered", "up", "ours"),
    _count(
        "callbacks_requested", "callbacks asked for", "回拨请求量", "callers who asked to be rung back", source="ours"
    ),
    _count("callbacks_attempted", "callbacks tried", "回拨尝试量", "attempts to ring a caller back", source="ours"),
    _count("callbacks_connected", "callbacks connected", "回拨接通量", "callers rung back and reached", "up", "ours"),
    _count("callbacks_failed", "callbacks failed", "回拨失败量", "callers given up on", "down", "ours"),
    _count(
        "flowed_in",
        "flowed in",
        "流入量",
        "of the offered, those that came from another queue (of a unit: from a queue outside of it)",
        source="ours",
    ),
    _time(
        "patience_ms",
        "mean patience",
        "平均耐心时长",
        "sum of the known waits of all callers, however they left the queue / abandoned",
        "neither",
        "abandoned",
        "Mandelbaum, Zeltyn 2007, section 5",
    ),
)

_NOTES: Final[tuple[Metric, ...]] = (
    Metric(
        "rating", "satisfaction", "客户满意度", "mean of the ratings", "points", "up", WINDOWS,
        "undefined (no ratings)", "ratings", "ours",
    ),
    _count("ratings", "ratings", "评价量", "ratings with a value, by when they were given", source="ours"),
    Metric(
        "quality_score", "quality score", "质检分数", "mean of the scores", "points", "up", WINDOWS,
        "undefined (no scores)", "scores", "ours",
    ),
    _count("scores", "scores", "质检量", "scored calls, by when they were scored", source="ours"),
    _ratio(
        "first_contact_resolution", "first-contact resolution", "一次解决率",
        "resolved / resolutions (one without a word on it counts as resolved)", "up", "resolutions", "ours",
    ),
    _count("resolutions", "resolutions", "解决判定量", "calls of which somebody said whether they were resolved",
           source="ours"),
    _ratio(
        "test_call_success", "test calls that got through", "拨测成功率", "test calls with ok / test calls", "up",
        "test_calls", "ours",
    ),
    _count("test_calls", "test calls", "拨测量", "test calls with a result", source="ours"),
    Metric(
        "login_failures", "failed logins", "登录失败量", "logins of agents that failed", "attempts", "down", WINDOWS,
        "0", source="ours",
    ),
)  # fmt: skip

_AGENTS: Final[tuple[Metric, ...]] = (
    _of_agents(
        "occupancy", "occupancy", "人员利用率",
        "agent time talking, holding, wrapping up / (that + ready), cut at the window's edges", "ratio",
        _UNKNOWN_AGENTS, "DESIGN 4",
    ),
    _of_agents(
        "effective_work_rate", "effective work rate", "有效话务工作率",
        "agent time talking, holding, wrapping up / agent time signed in", "ratio", _UNKNOWN_AGENTS,
        "ours (seeds name it, none defines it)",
    ),
    _of_agents(
        "load_erlangs", "offered load", "话务强度",
        "offered x mean handle time / time of the window so far (handle time of the window, else of the day)",
        "erlangs", "0; undefined (no handle time known)", "Erlang",
    ),
    _of_agents(
        "capacity_use", "capacity use", "服务能力利用率",
        "offered load / agents signed in on average; above 1 there is more work than agents", "ratio",
        "undefined (agents unknown, or none here)", "seeds (best at 0.7); formula ours",
    ),
)  # fmt: skip

_DAYS: Final[tuple[Metric, ...]] = (
    Metric(
        "queued_share_peak", "queued share in peak windows", "话务高峰期等待队列放置率",
        "queued share of the calls that arrived in the queue's peak half-hours", "ratio", "down", DAILY,
        "undefined (no calls, or no peak set)", "outcomes", "ours (seeds name it, none defines it)",
    ),
    Metric(
        "lost_callers", "lost callers", "呼损客户数",
        "known callers who hung up, left in the menu, found no line or whose callback failed; each once, the last time",
        "callers", "down", DAILY, "0", source="DESIGN 2",
    ),
    Metric(
        "recovered_callers", "recovered callers", "挽回客户数",
        "of those, who were answered or rung back within 24 h after it", "callers", "up", DAILY, "0", "lost_callers",
        "DESIGN 2",
    ),
    _records("late", "late records", "迟到记录", "applied more than 60 s behind the clock"),
    _records("too_late", "records too late", "过期记录", "below the queue's floor (4 h): touched no call"),
    _records("duplicate", "repeated records", "重复记录", "said nothing new"),
    _records("misrouted", "misrouted records", "错路由记录", "forwarded to the partition they belong to",
             _OF_ALL),
    _records("dead", "dead letters", "死信", "refused by name", _OF_ALL),
)  # fmt: skip


def _splits() -> tuple[Metric, ...]:
    """Offered, answered and abandoned by line and by channel."""
    names = [("line", word) for word in LINES] + [("channel", word) for word in CHANNELS]
    return tuple(
        replace(
            metric,
            id=f"{kind}_{word}_{metric.id}",
            en=f"{metric.en}, {kind} {word}",
            zh=f"{metric.zh}({_WORDS[kind, word]})",
            windows=SPLIT,
        )
        for kind, word in names
        for metric in _CALLS[:3]
    )


_WORDS: Final = {
    ("line", "other"): "其他业务", ("line", "report"): "报案", ("line", "dispatch"): "调度",
    ("line", "enquiry"): "咨询",
    ("line", "complaint"): "投诉", ("line", "callback"): "回访", ("line", "information"): "客户信息查询",
    ("channel", "voice"): "语音", ("channel", "callback"): "回拨", ("channel", "chat"): "在线聊天",
    ("channel", "email"): "邮件", ("channel", "message"): "短信", ("channel", "video"): "视频",
    ("channel", "other"): "其他渠道",
}  # fmt: skip

_PRESENT: Final[tuple[Metric, ...]] = (
    _now("waiting", "waiting", "排队数", "calls in the queue now, those lost track of excluded", "calls", "0"),
    _now("waiting_past_threshold", "waiting past threshold", "超时排队数",
         "waiting calls older than the threshold", "calls", "0"),
    _now("waiting_soon", "past threshold in a moment", "即将超时排队数",
         "waiting calls that will be past the threshold within 20 s unless they leave the queue", "calls",
         "0; undefined (of a unit)"),
    _now("longest_wait_ms", "longest wait", "最长等待", "age of the oldest waiting call", "ms", "0"),
    _now("lost_track", "lost track of", "失联通话",
         "waiting calls with no word from their source for 30 minutes", "calls", "0"),
    _now("agents_ready", "agents ready", "空闲坐席", "agents ready for this queue", "agents", _UNKNOWN_AGENTS),
    _now("agents_busy", "agents busy", "忙碌坐席",
         "agents ringing, talking, holding or wrapping up here", "agents", _UNKNOWN_AGENTS),
    _now("agents_signed_in", "agents signed in", "签入坐席", "agents not offline", "agents", _UNKNOWN_AGENTS),
    _now("agents_ringing", "agents ringing", "振铃坐席", "agents who are being rung", "agents", _UNKNOWN_AGENTS),
    _now("agents_talking", "agents talking", "通话坐席", "agents talking", "agents", _UNKNOWN_AGENTS),
    _now("agents_hold", "agents holding", "保持坐席", "agents whose caller is on hold", "agents", _UNKNOWN_AGENTS),
    _now("agents_wrap", "agents wrapping up", "话后坐席", "agents in after-call work", "agents", _UNKNOWN_AGENTS),
    _now("agents_not_ready", "agents not ready", "小休坐席", "agents signed in who take no calls", "agents",
         _UNKNOWN_AGENTS),
    _now("silence_ms", "silence", "静默时长", "time since the last event of the queue, in opening hours", "ms",
         "undefined (closed, or no event yet)"),
    _now("since_last_event_ms", "time since the last record", "距最近记录时长",
         "time since the last record of the queue of any type, opening hours or not", "ms",
         "undefined (no record yet)"),
    _now("open", "open", "营业", "1 in opening hours, else 0", "state", "1"),
    _now("data_complete", "data complete", "数据完整",
         "0 while every declared source is overdue, else 1", "state", "1"),
    Metric("agents_short", "agents short", "坐席缺口",
           "agents that the offered load of 15 minutes needs so that the queue can empty (the next whole number above "
           "it), less those signed in who take calls; below 0 there are some to spare", "agents", "down", NOW,
           _UNKNOWN_AGENTS, source="Erlang (stability)"),
    _now("unconnected", "callers without a connection", "未接通来电",
         "offered + blocked in the longest rolling window in which nobody was answered", "calls", "0"),
    Metric("since_connected_ms", "time without a connection", "无法接通时长",
           "time since the last call was answered, or since opening; 0 while nobody has come after it", "ms", "down",
           NOW, "undefined (closed, or nobody came yet)", source="seeds (瘫痪); formula ours",
           start=("unconnected", "now")),
)  # fmt: skip

_QUALITY: Final[tuple[Metric, ...]] = (
    Metric("records", "records", "记录量", "records of calls and agents, in whole minutes", "records", "neither",
           QUALITY, _OF_ALL, source="ours"),
    Metric("bad_data_share", "share of bad data", "异常数据占比",
           "(dead letters + misrouted records + negative waits) / (records + dead letters + misrouted records)",
           "ratio", "down", QUALITY, _OF_ALL, "records", "seeds (数据的完整性和准确性); formula ours"),
    Metric("sources_dead", "silent sources", "中断数据源",
           "declared sources not heard of for longer than their cadence and 5 s", "sources", "down", NOW, _OF_ALL,
           source="DESIGN 6"),
    Metric("sources_late", "late sources", "延迟数据源",
           "declared sources whose heartbeats (the median of the last 9) come more than 60 s behind the clock",
           "sources", "down", NOW, _OF_ALL, source="ours"),
    Metric("sources_ahead", "sources ahead of the clock", "时钟超前数据源",
           "declared sources whose heartbeats (the median of the last 9) lie more than 5 s ahead of the clock",
           "sources", "down", NOW, _OF_ALL, source="ours"),
)  # fmt: skip


def _apart(mid: str, en: str, zh: str, formula: str, windows: tuple[str, ...] = COMPARED) -> Metric:
    """How unlikely a share is beside that of its like: no sums of one queue give it (``alerts/siblings``)."""
    whole = f"{formula}: logarithm of the chance of as much, 1 as rare as the alarm budget allows"
    return Metric(mid, en, zh, whole, "limits", "down", windows, _NOT_COMPARED, source="ours (docs/RULES.md)")


_NOT_COMPARED: Final = "0; undefined (fewer than two with enough calls)"
_APART: Final[tuple[Metric, ...]] = (
    _apart("channel_apart", "a channel served worse than the others", "渠道服务差异",
           "abandoned of the outcomes of the worst channel against those of the others"),
    _apart("line_apart", "a business line served worse than the others", "业务服务差异",
           "abandoned of the outcomes of the worst business line against those of the others"),
    _apart("member_apart", "a queue or site served worse than the others", "队列或站点服务差异",
           "abandoned of the outcomes of the worst queue of a site, or site of a region, against those of the others"),
    _apart("abandonment_rise", "abandonment rising with the queue", "排队致放弃上升",
           "abandoned of the outcomes of 5 minutes against the 25 before them, while answers are slower than in those",
           RISING),
)  # fmt: skip

_HABIT: Final[tuple[Metric, ...]] = (
    _unusual("offered_surge", "unusually many offered", "请求量异常偏高", "more `offered` than expected"),
    _unusual("offered_drop", "unusually few offered", "请求量异常偏低", "fewer `offered` than expected"),
    _unusual("menu_unusual", "unusual share left in the menu", "菜单放弃异常",
             "a larger share of arrivals left in the menu than expected"),
    _unusual("blocked_unusual", "unusual share blocked", "阻塞异常",
             "a larger share of arrivals blocked than expected"),
    _unusual("abandonment_unusual", "unusual abandonment", "放弃率异常", "more `abandonment_rate` than expected"),
    _unusual("service_unusual", "unusually low service level", "服务水平异常偏低",
             "less `service_level_live` than expected"),
    _unusual("queued_unusual", "unusual queued share", "等待队列放置率异常", "more `queued_share` than expected"),
    _unusual("callback_unusual", "unusual share of failed callbacks", "回拨失败异常",
             "a larger share of callbacks failed than expected"),
    _unusual("talk_unusual", "unusual talk time", "通话时长异常", "longer or shorter `talk_ms` than expected"),
    _unusual("speed_unusual", "unusually slow answer", "接起时间异常", "more `speed_of_answer_ms` than expected"),
    _usual("offered_expected", "usual offered", "常态请求量", "offered", "calls", ""),
    _usual("abandonment_rate_expected", "usual abandonment", "常态放弃率", "abandonment_rate", "ratio", "outcomes"),
    _usual("service_level_expected", "usual live service level", "常态实时服务水平", "service_level_live", "ratio",
           "service_sample"),
    _usual("talk_expected_ms", "usual talk time", "常态通话时长", "talk_ms", "ms", "completed"),
)  # fmt: skip

METRICS: Final[tuple[Metric, ...]] = (
    *(*_CALLS, *_NOTES, *_AGENTS, *_DAYS, *_splits()),
    *(*_PRESENT, *_QUALITY, *_APART, *_HABIT),
)

METRIC: Final[dict[str, Metric]] = {m.id: m for m in METRICS}

#: Column of the figure matrix for each ``(metric, window)``: window by window, what speaks of now last.
FIGURES: Final[dict[tuple[str, str], int]] = {
    key: column for column, key in enumerate([(m.id, w) for w in (*WINDOWS, *NOW) for m in METRICS if w in m.windows])
}
#: Ids of the figures by line and channel.
SPLITS: Final = frozenset(m.id for m in METRICS if m.windows is SPLIT)
#: Ids of the figures of one thing against its like, which no sums of one queue give.
COMPARISONS: Final = frozenset(m.id for m in _APART)
#: Ids of the figures that the unit of everything alone has.
OF_THE_WHOLE: Final = frozenset(m.id for m in METRICS if m.empty == _OF_ALL)
#: Ids of the figures that say how unusual something is, 0 as long as it is usual.
SCORES: Final = COMPARISONS | frozenset(m.id for m in METRICS if m.windows is UNUSUAL)
#: Ids of the figures that follow from what was learned of a queue: no sums give them, units have none.
LEARNED: Final = frozenset(m.id for m in METRICS if m.windows in (UNUSUAL, USUAL))


def figure(metric: str, window: str) -> int:
    """Column of *metric* over *window*. Raises KeyError with both names when there is no such figure."""
    return FIGURES[(metric, window)]


def sample_of(metric: str) -> str | None:
    """The figure that says how many calls stand behind *metric*, or None for figures that need none."""
    return METRIC[metric].sample or None
