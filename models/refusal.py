"""Why a record is not an event: the closed set of reasons that a dead letter can carry, each with its way out."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Reason of a dead letter. ``WAY_OUT`` has one sentence for each that says what to do about it."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NEWLINE_INSIDE = "newline_inside"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    BAD_TEXT = "bad_text"
    BAD_QUEUE = "bad_queue"
    UNKNOWN_AGENT_STATE = "unknown_agent_state"
    TOO_DEEP = "too_deep"
    AHEAD_OF_CLOCK = "ahead_of_clock"
    TOO_MANY_QUEUES = "too_many_queues"
    BAD_SETTINGS = "bad_settings"
    SITE_CHANGED = "site_changed"
    BAD_PLAN = "bad_plan"
    BAD_HABIT = "bad_habit"


WAY_OUT: Final[dict[Reason, str]] = {
    Reason.EMPTY: "The record has no value: stop the producer from writing tombstones to this topic.",
    Reason.TOO_LARGE: "The record is larger than an event may be: move what is not an event field elsewhere.",
    Reason.NOT_UTF8: "The bytes are not UTF-8: set the producer's encoding.",
    Reason.NOT_JSON: "The text is not JSON: look at the detail for the place where reading stopped.",
    Reason.NEWLINE_INSIDE: "An event is one line: have the producer write compact JSON.",
    Reason.NOT_AN_OBJECT: "The record is JSON, but no object: send one object per record, no list of them.",
    Reason.UNKNOWN_TYPE: "Map the source's type to one of the event types in its connector.",
    Reason.MISSING_FIELD: "Have the source or its connector send the field that the detail names.",
    Reason.WRONG_TYPE: "Send the field in the JSON type that the schema of `events` gives it.",
    Reason.OUT_OF_RANGE: "Check the unit of the field: times and durations are whole milliseconds.",
    Reason.BAD_TEXT: "Send a non-empty text within the bound and without control characters, or leave the field out.",
    Reason.BAD_QUEUE: "Name the queue `site/skill`, both parts given, at most 200 characters; units take no calls.",
    Reason.UNKNOWN_AGENT_STATE: "Map the source's state to one of the agent states in its connector.",
    Reason.TOO_DEEP: "The record is nested deeper than it could be written again: flatten it.",
    Reason.AHEAD_OF_CLOCK: "The event lies more than a minute ahead of the clock: set the clock of the source by NTP.",
    Reason.TOO_MANY_QUEUES: "The partition has no room for another queue: look for invented names, or add partitions.",
    Reason.BAD_SETTINGS: "The settings in a `rules.changed` were not taken: write them with `callwatch rules apply`.",
    Reason.SITE_CHANGED: "Interval rows cannot be cut anew: for another zone or interval length choose another [kafka] "
    "prefix and replay.",
    Reason.BAD_PLAN: "The plan in a `plan.changed` was not taken: write it with `callwatch plan import`.",
    Reason.BAD_HABIT: "What a `habit.learned` says was not taken: write it with `callwatch learn` of this version.",
}


class Refused(Exception):  # noqa: N818 - a verdict on a record, caught where records are read
    """A record is not an event: *reason* is one of the closed set, *detail* names the field or the place."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
