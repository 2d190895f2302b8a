"""Every name and sentence that the loop writes into its log has words: read off the source, none is forgotten."""

from __future__ import annotations

from functools import cache

from alerts import words
from alerts.workorder import STATES, SYSTEM_EVENTS
from models.command import COMMANDS, NEEDS, WAY_NEEDS, OrderCommand
from tests.alerts.logged import PART, Said, said


@cache
def source() -> Said:
    return said()


def has_chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


def test_every_state_and_event_has_words() -> None:
    assert set(STATES) <= words.STATES.keys()
    assert {"breached", "consult", "rules.changed"} <= source().events
    assert sorted({*COMMANDS, *SYSTEM_EVENTS, *source().events} - words.EVENTS.keys()) == []


def test_every_decision_has_words_and_no_word_is_left_over() -> None:
    found = source().decisions
    assert {"raised", "moved", "liaison_replaced", "rejoined", "calls_passed"} <= found
    assert sorted(found ^ words.DECISIONS.keys()) == [], "DECISIONS of alerts/words.py"


def test_every_named_reason_has_words_and_no_word_is_left_over() -> None:
    found = source().reasons
    assert {"shift_lead", "paged_recently", "not_your_role", "supervisor_handles_it", "callers_waiting"} <= found
    wordless = {name for name in found if words.reason(name) is None and name not in words.PHRASES}
    assert sorted(wordless) == [], "put them into REASONS of alerts/words.py"
    assert sorted(words.REASONS.keys() - found) == [], "nothing logs these any more: REASONS of alerts/words.py"


def test_every_sentence_of_the_loop_has_chinese() -> None:
    found = source().sentences
    assert {"the hold has ended", f"the next {PART} calls: {PART}", "Not resolved in time"} <= found
    limits = {
        text.replace(f"to {PART}", f"to {which}") if f"the time to {PART}" in text else text
        for text in found
        for which in ("respond", "resolve")
    }
    silent = {text for text in limits if not has_chinese(words.in_chinese(text))}
    assert sorted(silent) == [], "put them into PHRASES or _PATTERNS of alerts/words.py"


def test_reasons_that_are_made_of_a_name() -> None:
    assert words.reason("illegal_when_on_hold") == ("not possible while it is on hold", "挂起状态下不可操作")
    needed = {name for of in (NEEDS, WAY_NEEDS) for fields in of.values() for name in fields}
    assert needed | {"breach"} <= words.LACKING.keys() <= OrderCommand.model_fields.keys()
    assert words.reason("needs_until_ms") == ("a time is missing", "缺少时间")
    assert words.reason("the figure held its recovery") is None


def test_sentences_with_a_part_that_is_known_later() -> None:
    assert words.in_chinese("50 % of the time to respond is over") == "响应时限已过50%"
    assert words.in_chinese("9 of 10 calls since the resolve") == "处理后已有9/10通来电"
    assert words.in_chinese("9 of 10 calls since the resolve, waits for a test call (FI-1)") == (
        "处理后已有9/10通来电,待核销:a test call (FI-1)"
    )
    assert words.in_chinese("called the carrier") == "called the carrier"
