"""The partition function against Kafka's own vectors and two client libraries."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.partition import murmur2, partition_of

with warnings.catch_warnings():
    # kafka-python reads its schemas by a call that the standard library has deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiokafka.partitioner import murmur2 as of_aiokafka
    from kafka.partitioner.default import murmur2 as of_kafka_python


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_kafkas_own_vectors(data: bytes, signed: int) -> None:
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    assert murmur2(data) == signed & 0xFFFFFFFF


@given(st.binary(max_size=64))
def test_agrees_with_the_clients(data: bytes) -> None:
    assert murmur2(data) == of_aiokafka(data) & 0xFFFFFFFF == of_kafka_python(data) & 0xFFFFFFFF


@given(st.text(min_size=1, max_size=30), st.integers(1, 64))
def test_is_a_partition(queue: str, partitions: int) -> None:
    assert 0 <= partition_of(queue, partitions) < partitions
