"""The yardstick: librdkafka's consumer from Python, values touched and thrown away."""

from __future__ import annotations

import confluent_kafka

from benchmarks.job import Job, Stopwatch


def run(job: Job) -> None:
    """Consume the whole topic. Timed from the assignment of its partitions to the last record."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": job.bootstrap,
            "group.id": "bench-librdkafka",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.list_topics(job.topic)  # connected and informed before the clock runs
    watch = Stopwatch()
    consumer.assign([confluent_kafka.TopicPartition(job.topic, p, 0) for p in range(job.partitions)])
    left = job.records
    while left > 0:
        messages = consumer.consume(min(left, 10_000), 1.0)  # it waits until it has them all
        for message in messages:
            message.value()
        left -= len(messages)
    watch.measured(job.events, "confluent-kafka consume(10000) and .value()").write(job)
    consumer.close()
