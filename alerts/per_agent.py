"""Limits that follow the number of agents: what a rule says of one of them, times those who are signed in.

Six callers who wait are many for two agents and none for sixty. Where agents are unknown such a rule judges nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.catalogue import Rule

#: The figure that the limits of such a rule are multiplied with.
AGENTS: Final = ("agents_signed_in", "now")


def scaled(rule: Rule, agents: float | None) -> Rule:
    """*rule* as it holds for *agents* of them; as it is where it does not follow them, or nothing is known of them."""
    if rule.per != "agent" or agents is None:
        return rule
    return replace(rule, limit=rule.limit * agents, target=rule.target * agents, recovery=rule.recovery * agents)
