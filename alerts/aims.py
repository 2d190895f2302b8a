"""What is aimed at: the service level that a queue's rules call good."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from models.catalogue import Rule

#: 80 % within the threshold, what the field aims at where nobody says otherwise.
SERVICE_LEVEL: Final = 0.8
_OF: Final = ("service_level", "service_level_live")


def service_target(rules: Iterable[Rule], queue: str) -> float:
    """The service level aimed at in *queue*: the target of the first rule that watches it, `SERVICE_LEVEL` without."""
    for rule in rules:
        if rule.metric in _OF and rule.below and 0 < rule.target < 1 and fnmatchcase(queue, rule.pattern):
            return rule.target
    return SERVICE_LEVEL
