"""Sending: what is said of it never names an address or a key, whatever a library or a server says."""

from __future__ import annotations

import base64
import threading

import pytest

from callwatch.delivery import Outcome, Person, http_url, post, without
from callwatch.send_threads import SendThreads
from callwatch.stack import free_port
from models.errors import SettingsError
from tests.callwatch.receivers import receiver


def test_outcomes() -> None:
    with receiver() as at:
        at.answers = [200, 500, 404, 302]
        outcomes = [post(at.url, b"{}", {}) for _ in range(4)]
        assert [o.state for o in outcomes] == ["sent", "failed", "given_up", "given_up"]
        assert not any(o.doubt for o in outcomes)
        assert not at.of("/elsewhere"), "what is signed follows no redirect"
    gone = post(f"http://127.0.0.1:{free_port()}/S3CRET", b"{}", {})
    assert (gone.state, gone.doubt) == ("failed", False)
    assert "S3CRET" not in gone.reason


def test_without_an_answer_it_may_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callwatch.delivery.SEND_S", 0.2)
    with receiver() as at:
        at.hold.clear()
        outcome = post(f"{at.url}/S3CRET", b"{}", {})
    assert (outcome.state, outcome.doubt) == ("failed", True)


def test_a_server_that_repeats_the_address_does_not_get_it_into_the_ledger() -> None:
    url = "https://us%65r:w0rd-of-mine@chat.example/robot/send/T0KEN-1?access_token=T0KEN-2&v=2"
    said = "Cannot POST /robot/send/T0KEN-1?access_token=T0KEN-2 by user w0rd-of-mine with R0UT1NG v=2"
    shown = without(said, url, "R0UT1NG")
    for secret in ("T0KEN-1", "T0KEN-2", "w0rd-of-mine", "R0UT1NG"):
        assert secret not in shown
    assert shown.startswith("Cannot POST /***")


def test_user_and_password_of_an_address_are_a_header() -> None:
    with receiver() as at:
        host = at.url.removeprefix("http://")
        assert post(f"http://prom:w%40rd@{host}/api", b"{}", {}).state == "sent"
        (got,) = at.of("/api")
    assert got.headers["authorization"] == "Basic " + base64.b64encode(b"prom:w@rd").decode()
    assert got.headers["host"] == host


@pytest.mark.parametrize(
    "url", ["ftp://S3CRET", "http://", "http://a:99999/S3CRET", "http://a/\u8def/S3CRET", "http://a/S3 CRET"]
)
def test_what_cannot_be_posted_to_is_refused_without_its_value(url: str) -> None:
    with pytest.raises(SettingsError, match="WAY") as refused:
        http_url("WAY", url)
    assert "S3" not in str(refused.value)


def test_whatever_a_way_raises_is_a_failure_and_the_others_go_on() -> None:
    threads = SendThreads(1)

    def breaks() -> Outcome:
        raise UnicodeError("https://chat.example/S3CRET")

    future = threads.begin(breaks)
    assert future is not None
    outcome = future.result(30)
    assert (outcome.state, outcome.doubt, outcome.reason) == ("failed", True, "UnicodeError")
    hold = threading.Event()

    def waits() -> Outcome:
        hold.wait(60)
        return Outcome("sent")

    busy = threads.begin(waits)
    assert busy is not None
    assert threads.begin(waits) is None, "no thread is free"
    hold.set()
    assert busy.result(30).state == "sent"


@pytest.mark.parametrize(
    "url",
    [
        "dingtalk://token/13800000000",
        "feishu://0123abcd",
        "lark://0123abcd",
        "wecombot://0123abcd-4567",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#floor",
        "mailtos://user:word@mail.example?to=lead@desk.example",
        "twilio://AC735c307c62944b5a:e29dfbcebf390dee9@15551234567/15557654321",
    ],
)
def test_the_ways_that_the_page_names_are_known(url: str) -> None:
    assert Person("WAY", url).variable == "WAY"
