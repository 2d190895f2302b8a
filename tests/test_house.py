"""The rules of the house, read off the source itself: who may import whom, what may read a clock, how long is long."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent

#: What each folder may import of ours, itself aside (DESIGN: imports go one way).
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "models": set(),
    "streams": {"models"},
    "alerts": {"models"},
    "sources": {"models"},
    "agents": {"models", "streams", "alerts", "sources"},
    "wallboard": {"models"},
    "callwatch": {"models", "streams", "alerts", "sources", "agents", "wallboard", "benchmarks"},
    "benchmarks": {"models", "streams", "alerts", "sources", "agents", "wallboard", "callwatch"},
}
#: Where Faust may be imported. Benchmarks need a plain Faust agent as a contender.
FAUST_IN: Final = {"streams", "agents", "benchmarks"}
#: Lines of a function without its docstring: what fits on a screen.
LONGEST: Final = 60
#: Folders whose logic takes the time as an argument, and the files in them that may read a clock, with the reason.
CLOCKLESS: Final = ("models", "alerts", "streams", "agents", "sources/simulation")
MAY_READ_CLOCK: Final[dict[str, str]] = {
    "streams/clock.py": "the one place that appends clock records from the wall clock",
}
CLOCKS: Final = {
    "time": {"time", "time_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
#: Not for anybody's eyes but those of a machine it was written on. Split, so that this file does not hold them itself.
BANNED: Final = [
    "/wo" "rk/", "/ro" "ot/", "/ho" "me/", "/tm" "p/",
    "Clau" "de", "Anthro" "pic", "Open" "AI", "Chat" "GPT", "Copi" "lot",
    "pypi" ".org", "python" "hosted", "npm" "js", "maven" ".org", "deb." "debian",
]  # fmt: skip


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders or tuple(MAY_IMPORT):
        yield from sorted((ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield path.relative_to(ROOT).parts[0] if node.level else (node.module or "").partition(".")[0]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public(
    body: list[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Public functions, classes and methods; what is inside a function is nobody's interface."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def is_njit(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in ("njit", "jit")) or (
        isinstance(node, ast.Attribute) and node.attr in ("njit", "jit")
    )


def test_every_folder_is_under_the_rules() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"} == MAY_IMPORT.keys()


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder}
    ours = MAY_IMPORT.keys() | {"tests"}
    wrong = [
        f"{name(path)} imports {top}" for path in sources(folder) for top in imported(path) if top in ours - allowed
    ]
    assert wrong == []


def test_faust_stays_in_streams_and_agents() -> None:
    folders = [folder for folder in MAY_IMPORT if folder not in FAUST_IN]
    wrong = [name(path) for path in sources(*folders) if {"faust", "mode"} & set(imported(path))]
    assert wrong == []


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{name(path)}:{function.lineno} {function.name} has {length(function)} lines"
        for path in sources()
        for function in functions(path)
        if length(function) > LONGEST
    ]
    assert long == []


def test_nothing_prints() -> None:
    """Commands write with ``typer.echo`` or a console of rich, everything else logs."""
    calls = [(path, node) for path in sources() for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    printing = [
        f"{name(p)}:{n.lineno}" for p, n in calls if isinstance(n.func, ast.Name) and n.func.id in ("print", "pprint")
    ]
    assert printing == []


def test_logic_reads_no_clock() -> None:
    """Judgement follows the log: the same log gives the same anomalies and orders at any speed."""
    reads = [
        f"{name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in sources(*CLOCKLESS)
        if name(path) not in MAY_READ_CLOCK
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(ast.unparse(node.value).rpartition(".")[2], ())
    ]
    assert reads == []
    direct = [name(p) for p in sources(*CLOCKLESS) for n in ast.walk(tree(p)) if isinstance(n, ast.ImportFrom)
              and n.module == "time" and CLOCKS["time"] & {alias.name for alias in n.names}]  # fmt: skip
    assert [path for path in direct if path not in MAY_READ_CLOCK] == []


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    """It would shadow it wherever a folder is on the path."""
    wrong = [name(path) for path in sources() if path.stem in sys.stdlib_module_names - {"__main__"}]
    assert wrong == []


def test_every_kernel_is_cached_and_releases_the_gil() -> None:
    wrong = []
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and is_njit(node.func):
                given = {k.arg for k in node.keywords if isinstance(k.value, ast.Constant) and k.value.value is True}
                if not {"cache", "nogil"} <= given:
                    wrong.append(f"{name(path)}:{node.lineno}")
            elif isinstance(node, ast.FunctionDef):
                wrong += [f"{name(path)}:{node.lineno}" for d in node.decorator_list if is_njit(d)]
    assert wrong == [], "njit(cache=True, nogil=True): compiled once for all workers, and never in each other's way"


def test_whatever_is_public_says_what_it_is_for() -> None:
    silent = [name(path) for path in sources() if tree(path).body and not ast.get_docstring(tree(path))]
    silent += [
        f"{name(path)}:{node.lineno} {full}"
        for path in sources()
        for full, node in public(tree(path).body)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in own_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name(path)}: {word}" for word in BANNED if word in text]
    assert found == []


def test_the_recorded_months_are_found_in_one_place() -> None:
    """Machines have them in different places: who looks for itself fails on another machine, or is skipped there."""
    variable = "_".join(("CALLWATCH", "DATA"))  # this file does not ask
    asking = [name(path) for path in own_files() if path.suffix == ".py" and variable in path.read_text("utf-8")]
    assert asking == ["tests/recorded.py"]


def own_files() -> Iterator[Path]:
    """Text files of the repository, without what is installed, built or cached in it."""
    for top in sorted(ROOT.iterdir()):
        if top.name in (".git", ".venv", ".tools", "build") or top.name.endswith(("cache", ".egg-info", ".hypothesis")):
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".png", ".zst", ".xz"):
                yield path
