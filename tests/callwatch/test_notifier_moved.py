"""What people and tools were told before `callwatch repartition` counts after it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import aiokafka
import pytest

from alerts import backoff, ledger
from callwatch.notifier import Notifier
from callwatch.repartition import repartition
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.errors import WorkError
from models.notification import Notification, encode
from models.notify_settings import NotifySettings
from models.runtime import KafkaSettings
from models.topics import NOTIFICATIONS, topic_name
from tests.alerts.test_ledger import close_as
from tests.callwatch.centre import Centre, centre, notifying, said, until
from tests.callwatch.receivers import receiver
from tests.callwatch.test_notifier import AMHOOK, BOARD, CRM, PAGER, PEOPLE, environment, opened
from tests.callwatch.test_repartition import CutError, after, silent

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

NOTIFY = NotifySettings(PEOPLE, (PAGER, CRM, AMHOOK), (), BOARD)


def moved(made: Centre, prefix: str, show: Any = silent) -> KafkaSettings:
    """The installation of *made* on three partitions."""
    target = replace(made.kafka, prefix=f"{prefix}new-", partitions=3)
    asyncio.run(repartition(made.kafka, made.settings.catalogue, target, show))
    return target


def test_whoever_was_told_before_a_move_is_told_of_the_end_after_it(
    stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_MS", 200)
    monkeypatch.setattr(backoff, "LONGEST_MS", 400)
    monkeypatch.setattr(ledger, "TRIES_MAX", 1_000)
    with receiver() as at, centre(stack, prefix, NOTIFY, environment(at)) as made:
        made.offset = 5_000  # places of before are greater than those of after
        with notifying(made) as before:
            order = opened(made)
            until(lambda: len(at.got) == 4)
            at.of_path["/lead2"] = [500] * 100
            made.tell("reassign", person="lead2")
            until(lambda: {"passed_on", "dispatched|lead2|2|0"} <= {w[1] for w in said(before) if w[2] == "sent"})
            until(lambda: {w[:3] for w in said(before) if w[2] != "sent"} == {("lead2", "page", "failed")})
        tried = at.of("/lead2")[-1].json["message"]
        made.kafka = moved(made, prefix)
        made.offset, told = 0, len(at.got)
        at.of_path.clear()
        with notifying(made) as now:
            until(lambda: any(w[:3] == ("lead2", "page", "sent") for w in said(now)))
            assert at.of("/lead2")[-1].json["message"] == tried, "what was pending, under its reference"
            close_as(made, "lead2")  # type: ignore[arg-type]
            until(lambda: {("lead", "ended", "sent"), ("lead2", "ended", "sent")} <= {w[:3] for w in said(now)})
            until(lambda: {"resolve", "resolved", "closed|lead2|2|0"} <= {w[1] for w in said(now) if w[2] == "sent"})
        assert {g.path for g in at.got[told:]} == {"/amhook", "/crm", "/lead", "/lead2", "/v2/enqueue"}
        assert [len([g for g in at.got[told:] if g.path == path]) for path in ("/amhook", "/lead", "/lead2")] == [
            1,
            1,
            2,
        ]
        actions = [g.json["event_action"] for g in at.of("/v2")]
        assert (actions[0], actions[-1], actions.count("trigger")) == ("trigger", "resolve", 1)
        assert {g.json["dedup_key"] for g in at.of("/v2")} == {order}
        assert at.of("/amhook")[-1].json["status"] == "resolved"


def test_nobody_notifies_where_an_installation_was_moved_from_or_not_wholly_moved_to(
    stack: EmbeddedStack, prefix: str
) -> None:
    with receiver() as at, centre(stack, prefix, NOTIFY, environment(at)) as made:
        with pytest.raises(CutError):
            moved(made, f"{prefix}cut-", after("last words copied"))
        half = replace(made, kafka=replace(made.kafka, prefix=f"{prefix}cut-new-", partitions=3))
        with pytest.raises(WorkError, match="was not finished"):
            Notifier(half.settings, made.env).run(threading.Event())
        with notifying(made) as still:  # the old one is whole
            opened(made)
            until(lambda: ("lead", "page", "sent", 1) in said(still))
        stop, ended = threading.Event(), list[str]()

        def run() -> None:
            with pytest.raises(WorkError, match="was moved") as error:
                Notifier(made.settings, made.env).run(stop)
            ended.append(str(error.value))

        forgotten = threading.Thread(target=run)  # nobody stopped it; it has nothing to say
        forgotten.start()
        try:
            target = moved(made, prefix)
            until(lambda: ended)
        finally:
            stop.set()
            forgotten.join(30)
        assert f'prefix = "{target.prefix}"' in ended[0]


def test_what_is_told_during_a_move_stops_it(stack: EmbeddedStack, prefix: str) -> None:
    with receiver() as at, centre(stack, prefix, NOTIFY, environment(at)) as made:
        word = Notification(
            key="k", order="o", queue="bank/PS", to="lead", occasion="page", cause="c", state="claimed", at_ms=1
        )

        def show(text: str) -> None:
            if "last words copied" in text:
                made.say(word)

        with pytest.raises(WorkError, match="stop the notifiers"):
            moved(made, prefix, show)
        with notifying(made):
            pass


@pytest.mark.parametrize("codec", ["lz4", "snappy", "zstd", "gzip"])
def test_it_reads_whatever_others_compress_with(stack: EmbeddedStack, prefix: str, codec: str) -> None:
    async def write(made: Centre, value: bytes) -> None:
        async with aiokafka.AIOKafkaProducer(**client_options(made.kafka), compression_type=codec) as producer:
            for n in range(2):
                topic = topic_name(prefix, NOTIFICATIONS)
                await producer.send_and_wait(topic, value, b"k", partition=n)

    word = Notification(
        key="k" * 500, order="o", queue="bank/PS", to="lead", occasion="page", cause="c", state="sent", at_ms=1
    )
    with receiver() as at, centre(stack, prefix, NOTIFY, environment(at)) as made:
        asyncio.run(write(made, encode(word)))
        with notifying(made) as notifier:
            assert said(notifier) == [("lead", "page", "sent", 0)]
