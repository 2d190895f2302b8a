"""The notifier on a real broker, with real HTTP servers behind every way and channel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from alerts import backoff
from alerts import ledger as ledger_module
from alerts.ledger import LEASE_MS
from callwatch.commands.notify import line, read_ledger, run
from callwatch.notifier import Notifier
from callwatch.outbox import Outbox
from callwatch.settings import load_settings
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue
from models.errors import SettingsError
from models.notification import Notification
from models.notify_settings import Channel, Contact, NotifySettings
from models.runtime import Settings
from models.signature import is_signed
from models.topics import ALERTS, NOTIFICATIONS, WORKORDER_LOG, WORKORDERS
from tests.alerts.test_ledger import close
from tests.alerts.world import breach
from tests.callwatch.centre import PATIENCE_S, Centre, centre, notifying, said, until
from tests.callwatch.receivers import Receiver, receiver

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

BOARD = "https://wall.example"
PEOPLE = (Contact("lead", ("LEAD_CHAT",)), Contact("lead2", ("LEAD2_CHAT",)))
PAGER = Channel("pager", "pagerduty", url_env="PD_URL", key_env="PD_KEY")
CRM = Channel("crm", "webhook", url_env="CRM_URL", key_env="CRM_KEY")
AMHOOK = Channel("amhook", "alertmanager_webhook", url_env="AMHOOK_URL")
AM = Channel("am", "alertmanager", url_env="AM_URL", resend_ms=200)


def environment(at: Receiver) -> dict[str, str]:
    """Where everything is."""
    host = at.url.removeprefix("http://")
    return {
        "LEAD_CHAT": f"json://{host}/lead",
        "LEAD2_CHAT": f"json://{host}/lead2",
        "PD_URL": f"{at.url}/v2/enqueue",
        "PD_KEY": "R0UT1NG",
        "CRM_URL": f"{at.url}/crm",
        "CRM_KEY": "s3cret, next",
        "AMHOOK_URL": f"{at.url}/amhook",
        "AM_URL": f"{at.url}/am",
    }


def opened(made: Centre) -> str:
    """An order, published."""
    order = breach(made.world)
    made.publish()
    return order


def test_people_and_tools_are_told_of_fault_and_end(stack: EmbeddedStack, prefix: str) -> None:
    notify = NotifySettings(PEOPLE, (PAGER, CRM, AMHOOK, AM), (), BOARD)
    with receiver() as at, centre(stack, prefix, notify, environment(at)) as made, notifying(made):
        order = opened(made)
        until(lambda: at.of("/lead") and at.of("/v2") and at.of("/crm") and at.of("/amhook") and at.of("/am/"))
        page = at.of("/lead")[0].json
        assert page["title"].startswith("[2] bank/PS")
        assert f"{BOARD}/#order={order}" in page["message"]
        trigger = at.of("/v2")[0].json
        assert (trigger["event_action"], trigger["dedup_key"], trigger["routing_key"]) == ("trigger", order, "R0UT1NG")
        crm = at.of("/crm")[0]
        signature, stamp = crm.headers["x-callwatch-signature"], crm.headers["x-callwatch-timestamp"]
        assert is_signed(["s3cret"], signature, crm.body, stamp)
        assert is_signed(["next"], signature, crm.body, stamp)
        assert crm.json["order"]["id"] == order
        assert at.of("/amhook")[0].json["status"] == "firing"
        assert at.of("/am/api/v2/alerts")[0].json[0]["labels"]["order"] == order
        until(lambda: len(at.of("/am/")) >= 3)  # said again, or it would forget
        close(made)  # type: ignore[arg-type]
        until(lambda: at.of("/amhook")[-1].json["status"] == "resolved")
        until(lambda: "over" in at.of("/lead")[-1].json["title"])
        until(lambda: at.of("/v2")[-1].json["event_action"] == "resolve")
        until(lambda: "endsAt" in at.of("/am/")[-1].json[0])
        until(lambda: at.of("/crm")[-1].json["event"]["type"] == "order.closed")
        until(lambda: all(state == "sent" for _, _, state, _ in made.ledger()))
        lines = [line(record) for record in read_ledger(made.kafka, order)]
        assert any(f"sent     page       lead (LEAD_CHAT) {order} bank/PS" in text for text in lines)
        assert read_ledger(made.kafka, "another") == []
    assert [g.json["event_action"] for g in at.of("/v2")] == ["trigger", "resolve"]
    assert len(at.of("/lead")) == 2


def test_a_restart_and_a_second_notifier_repeat_nothing(stack: EmbeddedStack, prefix: str) -> None:
    notify = NotifySettings(PEOPLE, (PAGER, CRM), (), BOARD)
    with receiver() as at, centre(stack, prefix, notify, environment(at)) as made:
        with notifying(made), notifying(made):
            opened(made)
            until(lambda: len(at.got) == 3)
        with notifying(made) as late:
            made.tell("acknowledge")
            until(lambda: len(at.got) == 5)
            until(lambda: {w[2] for w in said(late)} == {"sent"})
    assert sorted(g.path.split("/")[1] for g in at.got) == ["crm", "crm", "lead", "v2", "v2"]


def test_a_failure_is_tried_again_under_the_same_delivery_and_a_refusal_is_not(
    stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_MS", 50)
    notify = NotifySettings((), (CRM,), (), BOARD)
    with receiver() as at, centre(stack, prefix, notify, environment(at)) as made, notifying(made) as told:
        at.answers = [503, 429]
        opened(made)
        until(lambda: len(at.got) == 3)
        assert len({g.headers["x-callwatch-delivery"] for g in at.got}) == 1
        nobody = ("lead", "page", "dropped", 0)  # the settings give them no way
        until(lambda: set(said(told)) == {("crm", "dispatched|lead|2|0", "sent", 3), nobody})
        assert set(made.ledger()) == set(said(told))
        at.answers = [400]
        made.tell("acknowledge")
        until(lambda: ("crm", "acknowledged|lead|2|0", "given_up", 1) in said(told))
        made.tell("analyse")
        until(lambda: ("crm", "analysing|lead|2|0", "sent", 1) in said(told))
    assert len(at.got) == 5


def test_an_acknowledgement_stops_what_is_pending(stack: EmbeddedStack, prefix: str) -> None:
    with (
        receiver() as at,
        centre(stack, prefix, NotifySettings(PEOPLE), environment(at)) as made,
        notifying(made) as first,
        notifying(made),
    ):
        at.answers = [500] * 50
        opened(made)
        until(lambda: [w[:3] for w in said(first)] == [("lead", "page", "failed")])
        made.tell("acknowledge")
        until(lambda: [w[:3] for w in said(first)] == [("lead", "page", "dropped")])
        tried = len(at.got)
        made.tell("analyse")
        until(lambda: first.ledger.cases[made.world.order()["id"]].answered_version == made.world.order()["version"])
        assert len(at.got) == tried


def test_a_hanging_way_holds_up_no_other(stack: EmbeddedStack, prefix: str) -> None:
    notify = NotifySettings(PEOPLE, (PAGER,), (), BOARD)
    with receiver() as slow, receiver() as at, centre(stack, prefix, notify, environment(at)) as made:
        slow.hold.clear()
        made.env["PD_URL"] = f"{slow.url}/v2/enqueue"
        with notifying(made):
            opened(made)
            until(lambda: slow.got and at.of("/lead"))
            slow.hold.set()


#: A process that notifies, without what else the command line loads: it is killed.
PROCESS = """
import os, sys, threading
from pathlib import Path
from callwatch.notifier import Notifier
from callwatch.settings import load_settings
Notifier(load_settings(Path(sys.argv[1])), dict(os.environ)).run(threading.Event())
"""


def settings_file(made: Centre, folder: Path) -> Path:
    """The settings of *made* as a file, with the webhook alone."""
    file = folder / "settings.toml"
    file.write_text(
        f'[kafka]\nbootstrap = "{made.kafka.bootstrap}"\nprefix = "{made.kafka.prefix}"\n'
        f"partitions = {made.kafka.partitions}\n"
        '[[channel]]\nname = "crm"\nkind = "webhook"\nurl_env = "CRM_URL"\nkey_env = "CRM_KEY"\n'
    )
    return file


def test_killed_while_sending_another_takes_over_under_the_same_key(
    stack: EmbeddedStack, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 between the sending and the word about it: at least once, and the receiver can tell."""
    with receiver() as at, centre(stack, prefix, NotifySettings((), (CRM,)), environment(at)) as made:
        at.hold.clear()
        opened(made)
        command = [sys.executable, "-c", PROCESS, str(settings_file(made, tmp_path))]
        process = subprocess.Popen(command, env={**os.environ, **made.env}, stdin=subprocess.DEVNULL)
        try:
            until(lambda: at.got or process.poll() is not None)
            process.send_signal(signal.SIGKILL)
            assert process.wait(PATIENCE_S) == -signal.SIGKILL
        finally:
            process.kill()
            process.wait(PATIENCE_S)
        at.hold.set()
        monkeypatch.setattr(ledger_module, "LEASE_MS", 500)
        with notifying(made) as now:
            until(lambda: any(w[:3] == ("crm", "dispatched|lead|2|0", "sent") for w in said(now)))
            (tries,) = (w[3] for w in said(now) if w[0] == "crm")
            assert tries >= 2, "the claim of the one that died stands in the ledger"
    assert len(at.got) >= 2
    assert len({g.headers["x-callwatch-delivery"] for g in at.got}) == 1


def test_sigterm_ends_it_in_order(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with receiver() as at, centre(stack, prefix, NotifySettings((), (CRM,)), environment(at)) as made:
        opened(made)
        sent = ("crm", "dispatched|lead|2|0", "sent", 1)
        loaded = load_settings(settings_file(made, tmp_path))

        def stop() -> None:
            until(lambda: sent in made.ledger())
            os.kill(os.getpid(), signal.SIGTERM)

        stopping = threading.Thread(target=stop)
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in made.env.items():
                    patch.setenv(name, value)
                stopping.start()
                run(loaded)
        finally:
            stopping.join(PATIENCE_S)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert sent in made.ledger()
    assert len(at.got) == 1


def test_what_it_claimed_and_did_not_begin_is_nobodys_when_it_ends(stack: EmbeddedStack, prefix: str) -> None:
    """Whoever comes next need not wait until its lease is over."""
    with receiver() as at, centre(stack, prefix, NotifySettings((), (CRM,)), environment(at)) as made:
        opened(made)
        first = Notifier(made.settings, made.env)
        stop = threading.Event()
        stop.is_set = lambda: first.ledger.awaits_claims  # type: ignore[method-assign]
        first.run(stop)
        assert ("crm", "dispatched|lead|2|0", "failed", 1) in made.ledger()
        assert at.got == []
        with notifying(made) as second:
            until(lambda: ("crm", "dispatched|lead|2|0", "sent", 2) in said(second), LEASE_MS / 2_000)
    assert len(at.got) == 1


def test_what_a_pager_says_of_itself_makes_it_ring_again(stack: EmbeddedStack, prefix: str) -> None:
    with (
        receiver() as at,
        centre(stack, prefix, NotifySettings((), (PAGER,)), environment(at)) as made,
        notifying(made),
    ):
        order = opened(made)
        until(lambda: len(at.of("/v2")) == 1)
        record = Notification(
            key="evt", order=order, queue="bank/PS", to="pager", occasion="resolve", cause="evt", state="seen",
            reason="Kept open: resolve needs cause and measure", at_ms=1,
        )  # fmt: skip
        made.say(record)
        until(lambda: len(at.of("/v2")) == 2)
    again = at.of("/v2")[1].json
    assert (again["event_action"], again["dedup_key"]) == ("trigger", order)
    assert again["payload"]["summary"].startswith(f"{order} Kept open: resolve needs cause and measure. ")


def test_a_record_that_cannot_be_read_keeps_nobody_from_being_told(
    stack: EmbeddedStack, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    notify = NotifySettings(PEOPLE, (PAGER,), (), BOARD)
    with receiver() as at, centre(stack, prefix, notify, environment(at)) as made:
        for value in (b"{", b"[]", b"3", b'{"id": "WO-X", "version": 1, "state": "dispatched"}', b'{"kind": "page"}'):
            for topic in (WORKORDERS, ALERTS, WORKORDER_LOG, NOTIFICATIONS):
                made.put(topic, "k", "bank/PS", value)
        with notifying(made) as told:
            opened(made)
            until(lambda: at.of("/lead") and at.of("/v2"))
            until(lambda: {w[:3] for w in said(told)} == {("lead", "page", "sent"), ("pager", "trigger", "sent")})
    assert len([r for r in caplog.records if "passed over" in r.message]) == 20


# --- addresses ------------------------------------------------------------------------------------------------------


def test_variables_that_are_not_set_are_named_and_values_never() -> None:
    settings = Settings(notify=NotifySettings(PEOPLE, (PAGER,)), catalogue=Catalogue())
    with pytest.raises(SettingsError, match="LEAD2_CHAT, LEAD_CHAT, PD_KEY, PD_URL"):
        Outbox(settings, {})
    with pytest.raises(SettingsError) as refused:
        Outbox(
            settings, {"LEAD_CHAT": "nokind://S3CRET", "LEAD2_CHAT": "json://x", "PD_KEY": "k", "PD_URL": "http://x"}
        )
    assert "LEAD_CHAT" in str(refused.value)
    assert "S3CRET" not in str(refused.value)
    with pytest.raises(SettingsError, match="PD_URL"):
        Outbox(replace(settings, notify=NotifySettings((), (PAGER,))), {"PD_KEY": "k", "PD_URL": "ftp://S3CRET"})
