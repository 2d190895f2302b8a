"""The checked-in schemas are current, their examples are events, and they agree with the decoder."""

from __future__ import annotations

from typing import Any

import jsonschema
import orjson
import pytest
from referencing import Registry, Resource

from models import schemas, topics
from models.decode import read
from models.encode import clock_record, command_record, dead_letter_record
from models.event import DeadLetter
from models.fields import check
from models.refusal import Reason
from tests.models.test_decode import BAD, GOOD

MADE = schemas.schemas()
FILES: Registry[Any] = Registry().with_resources(
    [(f"{name}.json", Resource.from_contents(schema)) for name, schema in MADE.items()]
)


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(MADE[name], registry=FILES)


def test_the_checked_in_schemas_are_current() -> None:
    checked_in = {path.name: path.read_text(encoding="utf-8") for path in schemas.FOLDER.iterdir()}
    assert checked_in == schemas.rendered(), "run `python -m models.schemas`"


@pytest.mark.parametrize("name", sorted(MADE))
def test_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(MADE[name])


def test_every_topic_but_our_own_memory_has_one() -> None:
    ours = {"order.command", "unit.sums", "storm.changed", "plan.changed", "habit.learned"}
    assert set(MADE) == (set(topics.TOPICS) | ours) - {topics.SNAPSHOTS}


@pytest.mark.parametrize("example", schemas.EXAMPLES, ids=lambda example: example["type"])
def test_examples_validate_and_decode(example: dict[str, Any]) -> None:
    validator("events").validate(example)
    check(example)


def test_our_own_records_validate() -> None:
    command = command_record(id="1", source="s", ts_ms=5, queue="a/b", order="o", command="take", actor="p")
    validator("order.command").validate(orjson.loads(command))
    validator("events").validate(orjson.loads(clock_record(5, "w")))
    letter = dead_letter_record(DeadLetter("events", 0, 7, Reason.EMPTY, "no value", b""))
    validator("dead-letters").validate(letter.model_dump(mode="json"))
    read(command)


@pytest.mark.parametrize("field", ["queue", "order", "command", "actor"])
def test_a_command_without_a_field_is_refused(field: str) -> None:
    command = orjson.loads(
        command_record(id="1", source="s", ts_ms=5, queue="a/b", order="o", command="take", actor="p")
    )
    del command[field]
    assert not validator("order.command").is_valid(command)


@pytest.mark.parametrize("value", GOOD)
def test_the_schema_accepts_what_the_decoder_accepts(value: bytes) -> None:
    validator("events").validate(orjson.loads(value))


#: What JSON Schema cannot say (see ``models/schemas.py``).
UNSAYABLE = {Reason.TOO_LARGE, Reason.NEWLINE_INSIDE, Reason.TOO_DEEP}
NO_JSON = {Reason.EMPTY, Reason.NOT_JSON, Reason.NOT_UTF8}


@pytest.mark.parametrize(
    "value", [v for v, reason, _ in BAD if v is not None and reason not in UNSAYABLE | NO_JSON and b'"ts":1.0' not in v]
)
def test_the_schema_refuses_what_the_decoder_refuses(value: bytes) -> None:
    assert not validator("events").is_valid(orjson.loads(value))
