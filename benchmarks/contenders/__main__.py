"""Run one contender: ``python -m benchmarks.contenders NAME JOB_FILE``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

from benchmarks.job import read_job

#: Name in the results, module beside this one.
MODULES: Final = {
    "callwatch": "whole_job",
    "faust": "plain_faust",
    "librdkafka": "raw_librdkafka",
    "aiokafka": "raw_aiokafka",
}

if __name__ == "__main__":
    importlib.import_module(f"benchmarks.contenders.{MODULES[sys.argv[1]]}").run(read_job(Path(sys.argv[2])))
