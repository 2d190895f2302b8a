"""Every name and sentence that the loop can write into its log, read off its source.

A call of `Turn.log`, `Ask.log` or `Ask.move` says something; where it says what its function was given, the calls of
that function say it. Names of tables (roles) and of choices (rota) are read where they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from alerts.roles import MAY

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = [*sorted((ROOT / "alerts").rglob("*.py")), *sorted((ROOT / "models").glob("rota*.py"))]
#: What stands for a part of a sentence that is known at run time only.
PART: Final = "7"
#: What is said by which argument (place, name) of a call, by module and name of the function.
Sinks = dict[str, dict[str, tuple[int, str]]]
Named = tuple[str, ast.FunctionDef]  #: with its module
TURN: Final = {"event": (1, "event"), "decision": (2, "decision"), "why": (3, "why")}
ASK: Final = {"decision": (0, "decision"), "why": (1, "why")}
MOVE: Final = {"why": (0, "why")}


@dataclass
class Said:
    """What the source says."""

    events: set[str] = field(default_factory=set)
    decisions: set[str] = field(default_factory=lambda: {"moved", "done"})  # of `Ask.move`
    reasons: set[str] = field(default_factory=set)  #: named ones: one word
    sentences: set[str] = field(default_factory=set)  #: with `PART` for what is known later


def said() -> Said:
    """All of it."""
    functions: list[Named] = [
        (path.stem, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    sinks: Sinks = {"people.escalate": {"why": (4, "why")}}
    while grown := [found for function in functions for found in _passed_on(function, sinks)]:
        for name, kind, at in grown:
            sinks.setdefault(name, {})[kind] = at
    found = Said()
    for function in functions:
        for call in _calls(function[1]):
            _say(found, function, call, sinks)
    found.reasons |= {may.reason for may in MAY.values()} | {"not_your_role", "malformed"}
    return found


def _say(found: Said, named: Named, call: ast.Call, sinks: Sinks) -> None:
    module, function = named
    for kind, at in _sink(call, module, sinks).items():
        for text in texts(_argument(call, at), function):
            if kind == "why":
                (found.sentences if " " in text else found.reasons).add(text)
            else:
                (found.events if kind == "event" else found.decisions).add(text)
    name = _called(call)
    if name in ("Choice", "Skipped"):
        found.reasons.update(texts(_argument(call, (1, "reason")), function))
    elif name in ("No", "Refusal"):
        found.reasons.update(text for text in texts(_argument(call, (0, "reason")), function) if PART not in text)


def _sink(call: ast.Call, module: str, sinks: Sinks) -> dict[str, tuple[int, str]]:
    name, of = _called(call), ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "log":
        return TURN if of.endswith("turn") else ASK if of in ("ask", "self") else {}
    if name == "move" and of == "ask":
        return MOVE
    return sinks.get(f"{of or module}.{name}", {})


def _passed_on(named: Named, sinks: Sinks) -> Iterator[tuple[str, str, tuple[int, str]]]:
    """The parameters of *function* that it says, as (function, kind, (place, name)), as far as they are not known."""
    module, function = named
    names, name = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)], f"{module}.{function.name}"
    for call in _calls(function):
        for kind, at in _sink(call, module, sinks).items():
            given = _argument(call, at)
            given = given.value if isinstance(given, ast.Subscript) else given
            if isinstance(given, ast.Name) and given.id in names and kind not in sinks.get(name, {}):
                yield name, kind, (names.index(given.id), given.id)


def texts(node: ast.expr | None, function: ast.FunctionDef | None = None) -> Iterator[str]:
    """The strings that an expression can be, as far as the source says."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else PART for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body, function)
        yield from texts(node.orelse, function)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value, function)
    elif isinstance(node, ast.Tuple):
        yield from texts(node.elts[0], function)  # (English, Chinese)
    elif isinstance(node, ast.Name) and function is not None:
        for value in _assigned(node.id, function):
            yield from texts(value, None)


def _assigned(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _argument(call: ast.Call, at: tuple[int, str]) -> ast.expr | None:
    place, name = at
    if len(call.args) > place:
        return call.args[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
