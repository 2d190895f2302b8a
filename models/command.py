"""What people ask of a work order: the fields of an ``order.command`` event (DESIGN sections 3 and 7).

The wallboard writes it with ``models.encode.command_record``; the judgement reads it back from the log. It is decided
where it lies in the log, so sending one is asking, not doing: the answer is in ``workorder-log``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

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
]
COMMANDS: Final[tuple[CommandName, ...]] = get_args(CommandName)


class OrderCommand(BaseModel):
    """One command. *actor* is a person id; what else is needed depends on the command (see `NEEDS`)."""

    model_config = ConfigDict(extra="ignore")

    order: str
    command: CommandName
    actor: str
    cause: _Text = ""  #: resolve: one of the catalogue's causes
    measure: _Text = ""  #: resolve: what was done, one line
    reason: _Text = ""  #: hold, accept (the shortfall), cancel, reassign: why, one line
    text: _Text = ""  #: note, consult, sign_evidence: what was seen or asked
    person: _Text = ""  #: reassign, hand_over, consult: a person id
    until_ms: int | None = None  #: hold, accept, propose_limit: stream time, epoch milliseconds
    verdict: Literal["", "true", "false", "expected"] = ""


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
}
#: Why an order may be cancelled: the ``reason`` of ``cancel`` begins with one of them.
CANCEL_REASONS: Final = ("false alarm", "duplicate", "planned work")


def read_command(record: dict[str, Any]) -> OrderCommand:
    """The command in an event: what it needs lies in ``args``. Raises pydantic.ValidationError with the field."""
    args = record.get("args")
    named = {name: record.get(name) for name in ("order", "command", "actor")}
    return OrderCommand.model_validate((args if isinstance(args, dict) else {}) | named)
