"""Causes that a resolve may name, with what people read of them, and the playbooks of their classes.

The settings extend both (``[[cause]]``, ``[[playbook]]``). Playbooks are looked up by whoever shows an order: they are
long, and the order's records would carry them over and over.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from models.catalogue import Catalogue, Cause, Playbook

#: The causes that are known without settings; each is a class of its own.
KNOWN: Final = tuple(
    Cause(id, title, zh, id)
    for id, title, zh in (
        ("trunk", "Trunk or carrier", "中继或运营商"),
        ("routing", "Routing or menu", "路由或菜单"),
        ("staffing", "Too few agents", "人员不足"),
        ("surge", "More calls than expected", "话务突增"),
        ("platform", "Platform fault", "平台故障"),
        ("training", "Handling or training", "业务技能"),
        ("outside", "Cause outside the centre", "外部原因"),
        ("other", "Other", "其他"),
    )
)


def causes_of(catalogue: Catalogue) -> tuple[Cause, ...]:
    """The causes that may be named, in the order of the settings; one without a title is shown by its id."""
    book = {cause.id: cause for cause in (*KNOWN, *catalogue.cause_book)}
    return tuple(book.get(id) or Cause(id, id, id, id) for id in catalogue.causes)


def kind_of(catalogue: Catalogue, cause: str | None) -> str:
    """The class of a cause, "" of one that is not in the catalogue."""
    return next((c.kind or c.id for c in causes_of(catalogue) if c.id == cause), "")


def playbooks_for(catalogue: Catalogue, causes: Iterable[str | None], symptoms: Iterable[str]) -> tuple[Playbook, ...]:
    """The playbooks for an order: of the classes of *causes* (its own, those of similar orders), or suggested by
    *symptoms* (rule ids, kinds of findings)."""
    kinds, seen = {kind_of(catalogue, cause) for cause in causes} - {""}, tuple(symptoms)

    def suits(playbook: Playbook) -> bool:
        return playbook.kind in kinds or any(fnmatchcase(s, pattern) for s in seen for pattern in playbook.rules)

    return tuple(playbook for playbook in catalogue.playbooks if suits(playbook))
