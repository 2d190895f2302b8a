"""Lets kafka-python read lz4 and snappy batches with the codecs that aiokafka needs anyway (cramjam).

Whoever writes decides on the codec: `callwatch repartition` and `callwatch replay` take lz4, and an administrator may
set any for a topic. Without this kafka-python refuses the batch.
"""

from __future__ import annotations

from types import SimpleNamespace


def learn() -> None:
    """Give kafka-python the decoders that it lacks; those that are installed stay."""
    import cramjam
    from kafka import codec
    from kafka.record import default_records

    def lz4(payload: bytes) -> bytes:
        return bytes(cramjam.lz4.decompress(payload))

    def snappy(payload: bytes) -> bytes:
        return bytes(cramjam.snappy.decompress_raw(payload))

    if not codec.has_lz4():
        codec.lz4 = SimpleNamespace(decompress=lz4)
        codec.lz4_decode = default_records.lz4_decode = lz4
    if not codec.has_snappy():
        codec.snappy = SimpleNamespace(decompress=snappy)
