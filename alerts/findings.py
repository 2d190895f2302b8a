"""Findings: what people see on site, callers tell, test calls show or other systems send, and how each is proven over.

A finding is part of its queue's order. It ends in one way only, named when it was reported:

- *figure*: a figure of the dictionary with a limit and a window. It is judged like a symptom: over the calls offered
  since the resolve, where the figure has that window.
- *probe*: a test call (``probe.result``) that gets through after the resolve.
- *signed*: the check that a named second person signs after the resolve.
- *sender*: the word of the system that sent it, whenever it comes.
"""

from __future__ import annotations

from typing import Final

from alerts.episode import Read, amount, over
from alerts.order import Finding, WorkOrder
from models.catalogue import Rule
from models.metric import METRIC

#: Findings of one order: a person types them, another system may send many; each stands in every record of the order.
FINDINGS_MAX: Final = 8

KINDS: Final = {
    "on_site": ("On-site check", "现场核查"),
    "complaint": ("Complaint", "客户投诉"),
    "test_call": ("Test call", "拨测"),
    "external": ("External alert", "外部告警"),
}


def said_of(finding: Finding, queue: str, name: str) -> tuple[str, str]:
    """The sentence of a finding, English and Chinese; *name* is who reported it."""
    en, zh = KINDS[finding.kind]
    return f"{en} of {queue} by {name}: {finding.text}", f"{queue} {zh}({name}):{finding.text}"


def rule_of(finding: Finding) -> Rule:
    """The figure of a finding as a rule that it is judged by."""
    limit = finding.limit or 0.0
    return Rule(finding.id, finding.metric, finding.window, limit, limit, finding.below, severity=finding.severity)


def rules(order: WorkOrder) -> list[Rule]:
    """The rules of the findings that a figure proves."""
    return [rule_of(finding) for finding in order.findings if finding.verify == "figure"]


def pending(order: WorkOrder) -> list[Finding]:
    """The findings that nothing has proven to be over."""
    return [finding for finding in order.findings if finding.state != "passed"]


def waited_for(order: WorkOrder) -> str:
    """What is to come beside calls, in words; "" when nothing is."""
    waits = [_awaited(finding) for finding in pending(order) if finding.verify != "figure"]
    return ", ".join([*waits, queues_left(order)] if queues_left(order) else waits)


def queues_left(order: WorkOrder) -> str:
    """The queues of a storm that are to be proven one by one, in words; "" where none is left or there was no storm."""
    storm = order.storm
    return f"{storm.open} of {storm.count} queues of the storm" if storm is not None and not storm.over else ""


def _awaited(finding: Finding) -> str:
    if finding.verify == "probe":
        return f"a test call ({finding.id})"
    if finding.verify == "signed":
        return f"the check of {finding.person} ({finding.id})"
    return f"the word of {finding.by} ({finding.id})"


def needs_calls(order: WorkOrder, symptoms: int) -> bool:
    """Whether calls have anything to prove: a symptom, a finding with a figure, or an order without findings.

    A storm is proven by its queues, each by its own calls.
    """
    return symptoms > 0 or bool(rules(order)) or not (order.findings or order.storm)


def undefined(order: WorkOrder, read: Read) -> bool:
    """Whether a finding's figure has no value: of nothing it cannot be said that it is over."""
    found = [
        (rule.metric, "resolve" if "resolve" in METRIC[rule.metric].windows else rule.window) for rule in rules(order)
    ]
    return any(read(metric, window) is None for metric, window in found)


def begin(order: WorkOrder) -> None:
    """A resolve: whatever was proven before it is to be proven again, the sender's word excepted."""
    for finding in order.findings:
        if finding.verify != "sender":
            finding.state, finding.evidence = "open", ""


def passed(finding: Finding, evidence: str) -> None:
    """*finding* is proven to be over by *evidence*."""
    finding.state, finding.evidence = "passed", evidence


def bar(finding: Finding) -> tuple[str, str]:
    """The figure that a finding waits for, in words: what it must be, over which window."""
    (en, zh), (when_en, when_zh) = amount(finding.metric, finding.limit), over(finding.window)
    name = METRIC[finding.metric]
    return (
        f"{name.en} at {'least' if finding.below else 'most'} {en} {when_en}",
        f"{when_zh}{name.zh}{'不低于' if finding.below else '不高于'}{zh}",
    )
