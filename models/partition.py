"""Which partition a queue belongs to: one function for every client, because client libraries disagree."""

from __future__ import annotations

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 (seed 0x9747b28c) of *data*, as an unsigned 32-bit integer.

    Source: ``org.apache.kafka.common.utils.Utils.murmur2``.
    """
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little")
        k = (k * _M) & _MASK
        k ^= k >> 24
        k = (k * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


def partition_of(queue: str, partitions: int) -> int:
    """The partition of *queue* among *partitions*: murmur2 without its sign bit, modulo (as Kafka's Java client)."""
    return (murmur2(queue.encode()) & 0x7FFFFFFF) % partitions
