"""``[notify]``, ``[[contact]]``, ``[[channel]]``, ``[[hook]]``: read, and refused with the line when wrong."""

from __future__ import annotations

import pytest

from callwatch.settings import parse_settings
from models.errors import SettingsError
from models.notify_settings import Channel, Contact, Hook

BASE = """
[notify]
board_url = "https://wall.example"

[[department]]
name = "desk"

[[person]]
id = "lead"
name = "陈静 Chen Jing"
department = "desk"
tier = "shift_lead"

[[person]]
id = "boss"
name = "林峰 Lin Feng"
department = "desk"
tier = "manager"
"""

GOOD = (
    BASE
    + """
[[contact]]
person = "lead"
url_env = ["LEAD_DINGTALK"]
pagerduty = "PXPGF42"

[[contact]]
person = "lead"
url_env = ["LEAD_SMS", "LEAD_DINGTALK"]
severity = 1

[[channel]]
name = "pager"
kind = "pagerduty"
key_env = "PD_ROUTING_KEY"
severity = 2

[[channel]]
name = "am"
kind = "alertmanager"
url_env = "ALERTMANAGER"
resend_s = 30

[[hook]]
name = "pd"
kind = "pagerduty"
channel = "pager"
secret_env = ["PD_SECRET", "PD_SECRET_NEXT"]

[[hook]]
name = "prometheus"
kind = "alertmanager"
secret_env = ["AM_TOKEN"]
queue = "north/billing"
verify = "probe"
person = "lead"
"""
)


def test_what_is_written_is_what_is_meant() -> None:
    found = parse_settings(GOOD, "t.toml", {}).notify
    assert found.board_url == "https://wall.example"
    assert found.contacts == (
        Contact("lead", ("LEAD_DINGTALK",), 4, "PXPGF42"),
        Contact("lead", ("LEAD_SMS", "LEAD_DINGTALK"), 1),
    )
    assert found.channels == (
        Channel("pager", "pagerduty", key_env="PD_ROUTING_KEY", severity=2),
        Channel("am", "alertmanager", url_env="ALERTMANAGER", resend_ms=30_000),
    )
    assert found.hooks == (
        Hook("pd", "pagerduty", ("PD_SECRET", "PD_SECRET_NEXT"), channel="pager"),
        Hook("prometheus", "alertmanager", ("AM_TOKEN",), queue="north/billing", verify="probe", person="lead"),
    )
    assert found.ways("lead", 1) == ("LEAD_DINGTALK", "LEAD_SMS")
    assert found.ways("lead", 2) == ("LEAD_DINGTALK",)
    assert found.ways("boss", 1) == ()


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        ('[[contact]]\nperson = "nobody"\nurl_env = ["A"]', 20, 'no [[person]] has the id "nobody"'),
        ('[[contact]]\nperson = "lead"', 19, "url_env: is missing"),
        ('[[contact]]\nperson = "lead"\nurl_env = ["dingtalk://SECRET42"]', 21, "must name an environment variable"),
        ('[[contact]]\nperson = "lead"\nurl = "x"\nurl_env = ["A"]', 21, "there is no such setting"),
        (
            '[[contact]]\nperson = "lead"\npagerduty = "P1"\n[[contact]]\nperson = "boss"\npagerduty = "P1"',
            24,
            "is already lead",
        ),
        ('[[channel]]\nname = "x"\nkind = "pager"', 21, "is not one of"),
        ('[[channel]]\nname = "x"\nkind = "pagerduty"', 19, "key_env: is missing"),
        ('[[channel]]\nname = "x"\nkind = "webhook"\nurl_env = "U"', 19, "key_env: is missing"),
        ('[[channel]]\nname = "x"\nkind = "alertmanager"', 19, "url_env: is missing"),
        ('[[channel]]\nname = "lead"\nkind = "alertmanager"\nurl_env = "U"', 20, "name of a channel or person"),
        ('[[hook]]\nname = "x y"\nkind = "alertmanager"\nsecret_env = ["S"]', 20, "is not letters"),
        ('[[hook]]\nname = "x"\nkind = "alertmanager"', 19, "secret_env: is missing"),
        ('[[hook]]\nname = "x"\nkind = "alertmanager"\nsecret_env = ["S"]\nverify = "v"', 23, "is not one of"),
        ('[[hook]]\nname = "x"\nkind = "alertmanager"\nsecret_env = ["S"]\nverify = "probe"', 19, "person: is missing"),
        (
            '[[hook]]\nname = "x"\nkind = "alertmanager"\nsecret_env = ["S"]\nverify = "signed"\nperson = "lead"\n'
            'signer = "lead"',
            25,
            "somebody else",
        ),
        (
            '[[hook]]\nname = "x"\nkind = "alertmanager"\nsecret_env = ["S"]\nverify = "figure"\nperson = "lead"\n'
            'metric = "nothing"\nwindow = "5m"\nlimit = 0.5',
            25,
            "there is no figure",
        ),
        ('[[hook]]\nname = "x"\nkind = "pagerduty"\nsecret_env = ["S"]\nchannel = "p"', 23, "there is none"),
        (
            '[[hook]]\nname = "x"\nkind = "alertmanager"\nsecret_env = ["S"]\nqueue = "n"',
            23,
            "site/skill",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(table: str, line: int, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(BASE + table, "t.toml", {})
    assert str(refused.value).startswith(f"t.toml:{line}:")
    assert reason in str(refused.value)
    assert "SECRET42" not in str(refused.value), "a secret in the wrong place is not repeated"


def test_a_board_url_is_one() -> None:
    with pytest.raises(SettingsError, match="board_url"):
        parse_settings('[notify]\nboard_url = "wall"', "t.toml", {})
