"""The consumer under Faust, alone: aiokafka's getmany, values touched and thrown away."""

from __future__ import annotations

import asyncio

import aiokafka

from benchmarks.job import Job, Stopwatch


def run(job: Job) -> None:
    """Consume the whole topic. Timed from the assignment of its partitions to the last record."""
    asyncio.run(_run(job))


async def _run(job: Job) -> None:
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=job.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [aiokafka.TopicPartition(job.topic, p) for p in range(job.partitions)]
        watch = Stopwatch()
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        left = job.records
        while left > 0:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    _ = record.value
                left -= len(records)
        watch.measured(job.events, "aiokafka getmany and .value").write(job)
    finally:
        await consumer.stop()
