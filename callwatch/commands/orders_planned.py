"""``callwatch orders planned``, ``plan``, ``shorten-plan``, ``cancel-plan``, ``emergency``, ``stand-down``."""

from __future__ import annotations

import json
import urllib.parse
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from callwatch.order_options import Actor, Reason, SettingsFile, Url
from callwatch.terminal import utc_text, write
from callwatch.wallboard_client import wallboard_at
from models.errors import UsageError

Covers = Annotated[str, typer.Argument(metavar="QUEUE", help="A queue, or site/*, region/*, * for all of it.")]
EventId = Annotated[str, typer.Argument(metavar="EVENT", help="PE-... or EM-..., as `callwatch orders planned` lists.")]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="2026-11-25T22:00, UTC unless it says +08:00; now.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="The same; or --for.")]
Minutes = Annotated[float, typer.Option("--for", min=0.0, metavar="MINUTES", help="From its beginning; or --until.")]

_STATES: Final = {
    "to_come": "to come 未开始",
    "running": "running 进行中",
    "over": "over 已结束",
    "cancelled": "cancelled 已取消",
}
_KINDS: Final = {
    "maintenance": "maintenance 系统维护",
    "campaign": "campaign 营销活动",
    "drill": "drill 应急演练",
    "closure": "closure 停业",
}


def register(orders: typer.Typer) -> None:
    """Register them under ``orders``."""

    @orders.command("planned")
    def listed(
        everything: Annotated[bool, typer.Option("--all", help="What is over or cancelled too.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="As the wallboard gives it.")] = False,
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Planned events that run or are to come, emergencies that are on, and what was kept quiet."""
        found = wallboard_at(url, settings).ask("/api/planned")
        write(json.dumps(found) if as_json else text_of(found, everything))

    _register_plan(orders)
    _register_changes(orders)
    _register_emergency(orders)


def _register_plan(orders: typer.Typer) -> None:
    @orders.command()
    def plan(
        kind: Annotated[str, typer.Argument(metavar="KIND", help="maintenance, campaign, drill or closure.")],
        covers: Covers,
        actor: Actor,
        text: Annotated[str, typer.Option(help="What is done, one line.")],
        begins: From = "",
        until: Until = "",
        minutes: Minutes = 0.0,
        source: Annotated[str, typer.Option(metavar="NAME", help="The source that it is about: a label.")] = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Enter a planned event: breaches of what it covers are recorded, and open no order and page nobody."""
        wallboard = wallboard_at(url, settings)
        if kind not in _KINDS:
            raise UsageError(f"KIND {kind} is none of {', '.join(_KINDS)}")
        from_ms = time_ms("--from", begins) if begins else int(wallboard.ask("/api/planned")["now_ms"])
        body: dict[str, Any] = {"kind": kind, "covers": covers, "actor": actor, "text": text, "source": source}
        body |= {"from_ms": from_ms} if begins else {}
        sent = wallboard.ask("/api/planned", body | {"until_ms": end_ms(from_ms, until, minutes)})["sent"]
        write(_said(sent))


def _register_changes(orders: typer.Typer) -> None:
    @orders.command("shorten-plan")
    def shorten_plan(
        event: EventId,
        actor: Actor,
        until: Until = "",
        minutes: Annotated[float, typer.Option("--for", min=0.0, metavar="MINUTES", help="From now.")] = 0.0,
        reason: Reason = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Let a planned event end earlier."""
        wallboard = wallboard_at(url, settings)
        now_ms = int(wallboard.ask("/api/planned")["now_ms"])
        body = {"actor": actor, "reason": reason, "until_ms": end_ms(now_ms, until, minutes)}
        write(_said(wallboard.ask(_path("planned", event), body)["sent"]))

    @orders.command("cancel-plan")
    def cancel_plan(event: EventId, actor: Actor, reason: Reason, url: Url = "", settings: SettingsFile = None) -> None:
        """Cancel a planned event; what it kept quiet is judged again at once."""
        body = {"actor": actor, "reason": reason}
        write(_said(wallboard_at(url, settings).ask(_path("planned", event), body)["sent"]))


def _register_emergency(orders: typer.Typer) -> None:
    @orders.command()
    def emergency(covers: Covers, actor: Actor, reason: Reason, url: Url = "", settings: SettingsFile = None) -> None:
        """Declare the emergency state: nothing planned keeps anything quiet there until it is stood down."""
        body = {"covers": covers, "actor": actor, "reason": reason}
        write(_said(wallboard_at(url, settings).ask("/api/emergencies", body)["sent"]))

    @orders.command("stand-down")
    def stand_down(event: EventId, actor: Actor, reason: Reason, url: Url = "", settings: SettingsFile = None) -> None:
        """Stand an emergency down."""
        body = {"actor": actor, "reason": reason}
        write(_said(wallboard_at(url, settings).ask(_path("emergencies", event), body)["sent"]))


def _path(of: str, event: str) -> str:
    return f"/api/{of}/{urllib.parse.quote(event, safe='')}"


def _said(sent: list[dict[str, Any]]) -> str:
    partitions = len({one["partition"] for one in sent})
    where = f"it is on the log of {partitions} partition(s) as {sent[0]['id']}"
    return f"{where}; `callwatch orders planned` tells the outcome"


def time_ms(option: str, text: str) -> int:
    """*text* as epoch milliseconds; UTC unless it says otherwise. Raises UsageError naming *option*."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: write it as 2026-11-25T22:00 or 2026-11-25T22:00+08:00") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def end_ms(from_ms: int, until: str, minutes: float) -> int:
    """The end that ``--until`` or ``--for`` says. Raises UsageError for neither and for both."""
    if bool(until) == (minutes > 0):
        raise UsageError("say when it ends, with one of --until TIME and --for MINUTES")
    return time_ms("--until", until) if until else from_ms + int(minutes * 60_000)


def event_text(event: dict[str, Any]) -> str:
    """A planned event as a line."""
    about = f" [{event['source']}]" if event["source"] else ""
    when = f"{utc_text(event['from_ms'])} to {utc_text(event['until_ms'])}"
    who = f"{event['by']}, changed by {event['changed_by']}" if event["changed_by"] else event["by"]
    what = f"{_KINDS[event['kind']]}  {event['covers']}{about}"
    return f"{event['event']}  {when}  {what}: {event['text']} ({who}; {_STATES[event['state']]})"


def emergency_text(one: dict[str, Any]) -> str:
    """An emergency as a line, with its running clock."""
    hours, minutes = divmod(one["for_ms"] // 60_000, 60)
    state = "ON 应急中" if one["ended_ms"] is None else f"stood down by {one['ended_by']} 已解除"
    long = ", LONGER THAN 72 h 超过72小时" if one["long"] else ""
    return (
        f"{one['event']}  {one['covers']}  {state} for {hours} h {minutes:02} min{long}: {one['reason']} ({one['by']})"
    )


def quiet_text(line: dict[str, Any]) -> str:
    """A breach that an event kept quiet, as a line."""
    return f"{utc_text(line['at_ms'])}  {line['queue']}  {line['text']}"


def text_of(found: dict[str, Any], everything: bool) -> str:
    """The list for a terminal."""
    planned = [e for e in found["planned"] if everything or e["state"] in ("running", "to_come")]
    on = [e for e in found["emergencies"] if everything or e["ended_ms"] is None]
    lines = [emergency_text(one) for one in on] + [event_text(event) for event in planned]
    running = {e["event"] for e in planned if e["state"] == "running"}
    quiet = [q for q in found["kept_quiet"] if everything or (q["event"] in running and q["state"] == "running")]
    if quiet:
        lines += ["", "kept quiet 计划期间未呼叫", *(f"  {quiet_text(line)}" for line in quiet)]
    return "\n".join(lines) or "nothing is planned and no emergency is on"
