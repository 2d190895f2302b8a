"""``callwatch orders handover``, ``accept-shift``, ``floor-note``, ``floor``: the change of shifts, the floor log."""

from __future__ import annotations

import json
import urllib.parse
from typing import Annotated, Any, Final

import typer

from callwatch.commands.orders_planned import emergency_text, event_text, quiet_text
from callwatch.order_options import Actor, AsJson, SettingsFile, Url
from callwatch.terminal import utc_text, write
from callwatch.wallboard_client import wallboard_at

Department = Annotated[str, typer.Option(metavar="NAME", help="The department whose shift ends.")]

_TIERS: Final = ("liaison 联络员", "shift lead 班长", "team leader 组长", "supervisor 主管", "manager 经理")
_HANDOVER: Final = {
    "offered": "to be accepted 待接班",
    "stays": "stays with its owner 责任人不变",
    "accepted": "accepted 已接班",
    "late": "NOT ACCEPTED 未接班",
}


def register(orders: typer.Typer) -> None:
    """Register them under ``orders``."""

    @orders.command()
    def handover(department: Department, as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """Show the sheet of the last change of shifts, or of the one at hand: open orders, holds, gaps, notes."""
        path = f"/api/handover?department={urllib.parse.quote(department, safe='')}"
        found = wallboard_at(url, settings).ask(path)["sheets"]
        if as_json:
            write(json.dumps({"sheets": found}))
        else:
            write(sheet_text(found[0]) if found else f"no shift of {department} has ended or ends soon")

    @orders.command("accept-shift")
    def accept_shift(department: Department, actor: Actor, url: Url = "", settings: SettingsFile = None) -> None:
        """Accept, as the incoming lead and by name, every order that waits for you."""
        body = {"department": department, "actor": actor}
        sent = wallboard_at(url, settings).ask("/api/handover", body)["sent"]
        write(f"accept_shift is on the log of {len(sent)} partition(s); `callwatch orders handover` tells the outcome")

    @orders.command("floor-note")
    def floor_note(
        queue: Annotated[str, typer.Argument(metavar="QUEUE", help="site/skill, or a unit such as site/*.")],
        actor: Actor,
        text: Annotated[str, typer.Option(help="One line.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Add a line to the floor log; it is marked on the queue's trend and stands on the sheet of the shift."""
        body = {"queue": queue, "actor": actor, "text": text}
        sent = wallboard_at(url, settings).ask("/api/floor", body)
        write(f"the line about {queue} is on the log as {sent['id']}; `callwatch orders floor` shows it")

    @orders.command()
    def floor(as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """The floor log, the newest line first."""
        found = wallboard_at(url, settings).ask("/api/floor")["floor"]
        lines = [note_text(alert["floor"] | {"queue": alert["queue"]}) for alert in found]
        write(json.dumps({"floor": found}) if as_json else "\n".join(lines) or "the floor log is empty")


def sheet_text(sheet: dict[str, Any]) -> str:
    """A sheet for a terminal; whatever has nothing in it says so."""
    orders = sheet["orders"]
    is_open = [o for o in orders if o["now"] is None or o["now"]["state"] not in ("closed", "cancelled")]
    held = [o for o in is_open if o["now"] and o["now"]["state"] == "on_hold"]
    undecided = [o for o in is_open if o["now"] and (o["now"]["verification"] or {}).get("state") == "undecided"]
    gaps = [f"{_TIERS[gap['tier']]}: {gap['reason'].replace('_', ' ')}" for gap in sheet["gaps"]]
    lead, next_lead = sheet["lead"] or "nobody", sheet["next_lead"] or "nobody"
    head = [
        f"Shift handover 交接班 {sheet['department']}",
        f"{sheet['shift']} ends {utc_text(sheet['ends_ms'])}: {lead} hands over",
        f"{sheet['next_shift'] or 'no shift'} from {utc_text(sheet['starts_ms'])}: {next_lead} accepts by name "
        f"until {utc_text(sheet['accept_by_ms'])}",
    ]
    parts = (
        ("open orders 未结工单", [order_text(o) for o in is_open]),
        ("on hold 挂起", [f"{o['id']} until {utc_text(o['now']['hold_until_ms'])}" for o in held]),
        ("undecided 未决验证", [f"{o['id']} {o['now']['verification']['sentence']}" for o in undecided]),
        *_planned(sheet),
        ("staffing gaps 人员缺口", gaps),
        ("unusual figures 异常指标", [f"{utc_text(u['at_ms'])}  {u['queue']}  {u['text']}" for u in sheet["unusual"]]),
        ("notes 备注", [note_text(note) for note in sheet["notes"]]),
    )
    for title, lines in parts:
        head += ["", title, *(f"  {line}" for line in lines or ("none 无",))]
    return "\n".join(head)


def _planned(sheet: dict[str, Any]) -> list[tuple[str, list[str]]]:
    parts = [("planned events 计划事件", [event_text(event) for event in sheet["planned"]])]
    if sheet["emergencies"]:
        parts.insert(0, ("EMERGENCY 应急状态", [emergency_text(one) for one in sheet["emergencies"]]))
    if sheet["kept_quiet"]:
        parts.append(("over within a planned event 计划期间已恢复", [quiet_text(q) for q in sheet["kept_quiet"]]))
    return parts


def order_text(part: dict[str, Any]) -> str:
    """An order of a sheet: as it stands now, and what became of its handover."""
    now, state = part["now"], _HANDOVER[part["handover"]]
    if part["handover"] in ("offered", "late") and now and now["owner"] != part["owner_then"]:
        state = _HANDOVER["stays"]  # escalated since
    what = (
        f"severity {now['severity']} {now['state']}, owner {now['owner_name'] or 'nobody'}"
        if now
        else "not known any more"
    )
    return f"{part['id']}  {part['queue']}  {what}: {state}"


def note_text(note: dict[str, Any]) -> str:
    """A line of the floor log."""
    return f"{utc_text(note['at_ms'])}  {note['queue']}  {note['by']}: {note['text']}"
