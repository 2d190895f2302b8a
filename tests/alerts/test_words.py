"""Every name that the loop writes into its log has words; read off the source, so that none is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from alerts import words
from alerts.workorder import STATES, SYSTEM_EVENTS
from models.command import COMMANDS, NEEDS

ROOT = Path(__file__).parents[2]
SOURCES = [*sorted((ROOT / "alerts").rglob("*.py")), *sorted((ROOT / "models").glob("rota*.py"))]


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in what decides with the last name of what is called."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""), node


def texts(node: ast.expr | None) -> Iterator[str]:
    """The strings that an expression can be: a literal, or the sides of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def argument(call: ast.Call, at: int) -> ast.expr | None:
    return call.args[at] if len(call.args) > at else None


def decisions() -> set[str]:
    """Of `Turn.log(order, event, decision, ...)` and `Ask.log(decision, ...)`; of `move` they are two."""
    found = {"moved", "done"}
    for name, call in calls():
        if name == "log":
            of_turn = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name | ast.Attribute)
            turn = of_turn and ast.unparse(call.func.value).endswith("turn")  # type: ignore[attr-defined]
            found.update(texts(argument(call, 2 if turn else 0)))
    return found


def reasons() -> set[str]:
    """Of `Choice(person, reason)`, of refusals `No(reason, ...)`, and of every single word that a log gives as why."""
    found: set[str] = set()
    for name, call in calls():
        if name in ("Choice", "Skipped"):
            found.update(texts(argument(call, 1)))
        elif name in ("No", "Refusal"):
            found.update(texts(argument(call, 0)))
        elif name == "log":
            found.update(text for text in texts(argument(call, 3)) if " " not in text)
    return found


def test_every_state_and_event_has_words() -> None:
    assert set(STATES) <= words.STATES.keys()
    assert {*COMMANDS, *SYSTEM_EVENTS, "rules.changed"} <= words.EVENTS.keys()


def test_every_decision_has_words() -> None:
    found = decisions()
    assert {"raised", "moved", "liaison_replaced", "rejoined"} <= found
    assert sorted(found - words.DECISIONS.keys()) == [], "put them into DECISIONS of alerts/words.py"


def test_every_named_reason_has_words() -> None:
    found = reasons()
    assert {"shift_lead", "paged_recently", "needs_the_other_side", "callers_waiting"} <= found
    assert sorted(name for name in found if words.reason(name) is None) == [], (
        "put them into REASONS of alerts/words.py"
    )


def test_reasons_that_are_made_of_a_name() -> None:
    assert words.reason("illegal_when_on_hold") == ("not possible while it is on hold", "挂起状态下不可操作")
    for fields in NEEDS.values():
        assert all(words.reason(f"needs_{field}") for field in fields)
    assert words.reason("the figure held its recovery") is None


def test_sentences_of_the_loop_have_chinese() -> None:
    assert words.in_chinese("50 % of the time to respond is over") == "响应时限已过50%"
    assert words.in_chinese("9 of 10 calls since the resolve") == "处理后已有9/10通来电"
    assert words.in_chinese("taken over") == "已接手"
    assert words.in_chinese("called the carrier") == "called the carrier"
