"""The recorded months: never part of the repository, beside it on machines that have them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = (
    Path(os.environ.get("CALLWATCH_DATA") or Path(__file__).parents[2] / "shared" / "data") / "anonymous-bank"
)


def month(number: str) -> Path:
    """File of a month ("01" to "05"); the test that asks is skipped, with the reason, where the months are not."""
    file = FOLDER / f"1999-{number}.tsv.xz"
    if not file.exists():
        pytest.skip(f"no recorded months at {FOLDER}: set CALLWATCH_DATA to the folder that holds anonymous-bank")
    return file
