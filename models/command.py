"""What people ask of a work order: the fields of an ``order.command`` event (DESIGN sections 3 and 7).

The wallboard writes it with ``models.encode.command_record``; the judgement reads it back from the log. It is decided
where it lies in the log, so sending one is asking, not doing: the answer is in ``workorder-log``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from models.fields import QUEUE_MAX, TEXT_MAX, TS_END_MS
from models.planned import PlannedKind

#: Longest text in a command: one line that fits on the screen. It is written into the order, its log and alerts several
#: times over, and a record that a broker does not take (1 MB) would stop the worker at the same place for ever.
TEXT_LIMIT: Final = 500
_Text = Annotated[str, Field(max_length=TEXT_LIMIT)]

CommandName = Literal[
    "acknowledge",
    "take",
    "analyse",
    "consult",
    "note",
    "propose_limit",
    "agree_limit",
    "hold",
    "resume",
    "resolve",
    "accept",
    "cancel",
    "confirm_cancel",
    "reassign",
    "hand_over",
    "accept_handover",
    "sign_evidence",
    "verdict",
    "report",
    "over",
    "sign_check",
    "supervise",
    "release",
    "close_problem",
    "helped",
    "floor_note",
    "accept_shift",
    "plan",
    "shorten_plan",
    "cancel_plan",
    "declare_emergency",
    "stand_down",
    "adopt",
    "mark_odd",
]
COMMANDS: Final[tuple[CommandName, ...]] = get_args(CommandName)


#: The ``order`` of a command that is about whatever order the queue has, or about none: ``report``, ``over``,
#: ``close_problem``, ``floor_note``, ``mark_odd``, ``accept_shift`` (all orders of the queue's department that wait for
#: the incoming lead), and those of planned events and emergencies, whose queue stands for its partition.
ANY_ORDER: Final = "-"

#: How somebody came by a finding: seen on site, told by a caller, heard in a test call, sent by another system.
FindingKind = Literal["on_site", "complaint", "test_call", "external"]
#: What alone proves that a finding is over: a figure of the dictionary, a test call (``probe.result``), the check that
#: a named second person signs, or the word of the system that sent it.
Way = Literal["figure", "probe", "signed", "sender"]


class OrderCommand(BaseModel):
    """One command. *actor* is a person id; what else is needed depends on the command (see `NEEDS`)."""

    model_config = ConfigDict(extra="ignore")

    order: str
    command: CommandName
    actor: str
    cause: _Text = ""  #: resolve: one of the catalogue's causes
    measure: _Text = ""  #: resolve, close_problem: what was done, one line
    reason: _Text = ""  #: hold, accept (the shortfall), cancel, reassign: why, one line
    #: note, floor_note, consult, release, report, supervise, sign_evidence, sign_check: what was seen; close_problem:
    #: the root cause
    text: _Text = ""
    person: _Text = ""  #: reassign, hand_over, consult, release: a person id; report: who signs the check
    #: hold, accept, propose_limit: stream time, epoch milliseconds; agree_limit: the limit meant, when it is said
    until_ms: int | None = Field(None, ge=-TS_END_MS, lt=TS_END_MS)
    verdict: Literal["", "true", "false", "expected"] = ""
    department: _Text = ""  #: consult, release: a department of the settings
    supervisor: _Text = ""  #: consult: the person who supervises, when several departments take part
    kind: Literal["", FindingKind] = ""  #: report
    severity: int | None = Field(None, ge=1, le=3)  #: report
    verify: Literal["", Way] = ""  #: report: the way of verification
    metric: _Text = ""  #: report, verified by a figure: its id in the dictionary
    window: _Text = ""  #: report, verified by a figure
    limit: float | None = Field(None, ge=-1e12, le=1e12)  #: report, verified by a figure: good on its better side
    breach: Literal["", "below", "above"] = ""  #: report: which side is bad, for a figure without a better direction
    key: str = Field("", max_length=TEXT_MAX)  #: report, over: the sender's own name of what it found
    finding: _Text = ""  #: sign_check: the finding's id
    outcome: Literal["", "passed", "failed"] = ""  #: sign_check
    like: _Text = ""  #: helped: the id of the order that was offered as similar
    helped: Literal["", "yes", "no"] = ""
    problem: _Text = ""  #: close_problem: its id
    planned: Literal["", PlannedKind] = ""  #: plan: what is planned
    #: plan, declare_emergency: a queue, ``site/*``, ``region/*`` or ``*``
    covers: str = Field("", max_length=QUEUE_MAX)
    of_source: _Text = ""  #: plan: the source that it is about, a label
    from_ms: int | None = Field(None, ge=-TS_END_MS, lt=TS_END_MS)  #: plan: stream time; at once when it is not said
    #: shorten_plan, cancel_plan, stand_down: the id; plan, declare_emergency: any text from which the id is made, the
    #: same in all partitions
    event: _Text = ""
    day: _Text = ""  #: mark_odd: a local date, 2026-03-02


#: Fields that a command cannot do without.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "note": ("text",),
    "consult": ("text",),
    "propose_limit": ("until_ms",),
    "hold": ("reason", "until_ms"),
    "resolve": ("cause", "measure"),
    "accept": ("reason", "until_ms"),
    "cancel": ("reason",),
    "reassign": ("person",),
    "hand_over": ("person",),
    "sign_evidence": ("text",),
    "verdict": ("verdict",),
    "report": ("kind", "text", "severity", "verify"),
    "over": ("key",),
    "sign_check": ("finding", "outcome", "text"),
    "supervise": ("text",),
    "close_problem": ("problem", "text", "measure"),
    "helped": ("like", "helped"),
    "floor_note": ("text",),
    "plan": ("planned", "covers", "until_ms", "text"),
    "shorten_plan": ("event", "until_ms"),
    "cancel_plan": ("event", "reason"),
    "declare_emergency": ("covers", "reason"),
    "stand_down": ("event", "reason"),
    "adopt": ("text",),
    "mark_odd": ("day", "text"),
}
#: What a report needs beside, by its way of verification.
WAY_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "figure": ("metric", "window", "limit"),
    "probe": (),
    "signed": ("person",),
    "sender": ("key",),
}
#: Why an order may be cancelled: the ``reason`` of ``cancel`` begins with one of them.
CANCEL_REASONS: Final = ("false alarm", "duplicate", "planned work")


def read_command(record: dict[str, Any]) -> OrderCommand:
    """The command in an event: what it needs lies in ``args``. Raises pydantic.ValidationError with the field."""
    args = record.get("args")
    named = {name: record.get(name) for name in ("order", "command", "actor")}
    return OrderCommand.model_validate((args if isinstance(args, dict) else {}) | named)
