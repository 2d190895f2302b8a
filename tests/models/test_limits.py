"""Bounds of what is remembered of names, and of what people may say in a command."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from models import fields
from models.command import TEXT_LIMIT, OrderCommand
from models.partition import partition_of


def test_names_of_queues_remembered_are_bounded_and_the_answers_stay_right() -> None:
    most = fields._QUEUES_REMEMBERED
    for n in range(most + 1_000):
        fields.partition_of_queue(f"mad/{n}", 7)
        fields.queue_fault(f"mad/{n}")
    assert fields.partition_of_queue.cache_info().currsize == most
    assert fields.queue_fault.cache_info().currsize == most
    assert fields.partition_of_queue("mad/0", 7) == partition_of("mad/0", 7)
    fields.partition_of_queue.cache_clear()
    fields.queue_fault.cache_clear()


def test_a_queue_s_name_has_at_most_200_characters() -> None:
    assert fields.queue_fault("a/" + "x" * (fields.QUEUE_MAX - 2)) == ""
    assert "more than 200" in fields.queue_fault("a/" + "x" * (fields.QUEUE_MAX - 1))


@pytest.mark.parametrize("field", ["cause", "measure", "reason", "text", "person"])
def test_texts_of_a_command_are_bounded(field: str) -> None:
    base = {"order": "o", "command": "note", "actor": "a"}
    assert OrderCommand.model_validate(base | {field: "x" * TEXT_LIMIT})
    with pytest.raises(ValidationError):
        OrderCommand.model_validate(base | {field: "x" * (TEXT_LIMIT + 1)})
