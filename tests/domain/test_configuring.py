"""What may be set up, value by value."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.domain.configuring import (
    MASK,
    ChannelWish,
    EndpointWish,
    MemberWish,
    WorkspaceWish,
    check_channel,
    check_email,
    check_endpoint,
    check_header,
    check_headers,
    check_member,
    check_name,
    check_timezone,
    check_url,
    check_workspace,
)
from relevo.domain.workspaces import EventType, LiveChatMode

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.parametrize("name", ["desk", "Mesa de ayuda", "客服", "a" * 200])
def test_anything_readable_is_a_name(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize("name", ["", "  ", " desk", "desk\n", "a\tb", "a\u2028b", "\ud800", "a" * 201])
def test_what_nobody_can_read_or_see_is_no_name(name: str) -> None:
    assert check_name(name) is not None


@pytest.mark.parametrize("email", ["luis@example.com", "a.b+c@sub.example.co", "josé@exámple.com"])
def test_addresses_of_every_kind_are_possible(email: str) -> None:
    assert check_email(email) is None


@pytest.mark.parametrize(
    "email", ["", "luis", "luis@", "@example.com", "a b@example.com", f"{'a' * 250}@example.com"]
)
def test_what_cannot_be_an_address_is_refused(email: str) -> None:
    assert check_email(email) is not None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9100/uchat", "https://desk.example.com", "https://[::1]:8443/x?y=z"]
)
def test_http_and_https_urls_are_possible(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize(
    "url",
    ["", "desk", "ftp://desk.example.com", "https://", "https://a:b@c.example/", "http://x:99999/",
     "http://x y/", "javascript:alert(1)", "https://" + "a" * 4100, "http://[::1"],
)  # fmt: skip
def test_what_cannot_be_called_is_refused(url: str) -> None:
    assert check_url(url) is not None


@pytest.mark.parametrize("zone", ["UTC", "Europe/Madrid", "America/Sao_Paulo"])
def test_time_zones_have_their_usual_names(zone: str) -> None:
    assert check_timezone(zone) is None


@pytest.mark.parametrize(
    ("zone", "remedy"), [("Europe/Madird", "Europe/Madrid"), ("??", "UTC"), ("../x", "UTC"), ("", "UTC")]
)
def test_another_time_zone_gets_the_nearest(zone: str, remedy: str) -> None:
    wrong = check_timezone(zone)

    assert wrong is not None
    assert remedy in wrong.remedy


@pytest.mark.parametrize(
    ("name", "value"), [("X-Desk-Key", "k 1"), ("authorization", "Bearer abc=="), ("a", "!")]
)
def test_headers_of_ones_own_are_possible(name: str, value: str) -> None:
    assert check_header(name, value) is None


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a:b", "a\r\nb", "é", "Host", "Content-Length", "content-type", "Transfer-Encoding",
     "Connection", "webhook-id", "Webhook-Anything", "relevo-seq", "a" * 101],
)  # fmt: skip
def test_a_header_that_is_none_or_ours_is_refused(name: str) -> None:
    assert check_header(name, "v") is not None


@pytest.mark.parametrize("value", ["", " v", "v ", "a\r\nX-Evil: 1", "a\x00b", "clé", MASK, "a" * 4097])
def test_a_header_value_that_cannot_be_sent_is_refused_without_being_shown(value: str) -> None:
    wrong = check_header("X-Key", value)

    assert wrong is not None
    assert len(value) < 3 or value not in str(wrong)


def test_a_header_is_given_once_whatever_its_case() -> None:
    assert list(check_headers({"X-Key": "1", "x-key": "2", "Y": "3"})) == ["headers.x-key"]


def test_headers_are_bounded() -> None:
    assert list(check_headers({f"X-{number}": "1" for number in range(51)})) == ["headers"]


def test_an_endpoint_of_which_nothing_is_left_out_may_be_right() -> None:
    wish = EndpointWish(
        name="desk",
        url="https://desk.example.com",
        headers={"X-Key": "1"},
        secrets=(SECRET, SECRET),
        events=frozenset({EventType.MESSAGE_SENT}),
    )

    assert check_endpoint(wish) == {}
    assert check_endpoint(EndpointWish(name="desk")) == {}


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("name", EndpointWish(name="")),
        ("url", EndpointWish(name="desk", url="desk")),
        ("headers.Host", EndpointWish(name="desk", headers={"Host": "x"})),
        ("secrets", EndpointWish(name="desk", secrets=())),
        ("secrets", EndpointWish(name="desk", secrets=("hello",))),
        ("secrets", EndpointWish(name="desk", secrets=(SECRET, SECRET, SECRET))),
        ("events", EndpointWish(name="desk", events=frozenset({EventType.TEST}))),
    ],
)
def test_each_part_of_an_endpoint_is_checked(field: str, wish: EndpointWish) -> None:
    assert list(check_endpoint(wish)) == [field]


def test_no_secret_is_in_a_representation() -> None:
    wish = EndpointWish(
        name="desk", url="https://x.example", headers={"X-Key": "k-secret"}, secrets=(SECRET,)
    )
    channel = ChannelWish(name="site", config={"secret": SECRET})

    assert "k-secret" not in repr(wish)
    assert SECRET not in repr(wish) + repr(channel)


@pytest.mark.parametrize("pause", [timedelta(), timedelta(seconds=-1), timedelta(days=367)])
def test_a_pause_is_bounded(pause: timedelta) -> None:
    assert list(check_workspace(WorkspaceWish(name="Acme", agent_reply_pauses_for=pause))) == [
        "agent_reply_pauses_for"
    ]


def test_a_workspace_and_a_member_are_checked_in_every_part() -> None:
    assert (
        check_workspace(
            WorkspaceWish(name="Acme", timezone="UTC", agent_reply_pauses_for=timedelta(minutes=1))
        )
        == {}
    )
    assert list(check_workspace(WorkspaceWish(name="", timezone="x"))) == ["name", "timezone"]
    assert check_member(MemberWish(email="luis@example.com")) == {}
    assert list(check_member(MemberWish(email="luis", name=""))) == ["email", "name"]


def wants_a_color(config: dict[str, object]) -> dict[str, str]:
    return {} if config.get("color", "red") == "red" else {"color": "No such colour; use red"}


def test_a_channel_is_checked_by_its_type() -> None:
    types = {"web": wants_a_color}

    assert check_channel(ChannelWish(name="site", type="web", config={"color": None}), types) == {}
    assert list(check_channel(ChannelWish(name="site", type="wbe"), types)) == ["type"]
    wrongs = check_channel(ChannelWish(name="site", type="web", config={"color": "blue"}), types)
    assert {field: str(wrong) for field, wrong in wrongs.items()} == {
        "color": "color: no such colour; use red"
    }


@pytest.mark.parametrize(
    ("mode", "endpoint", "is_right"),
    [
        (None, None, True),
        (LiveChatMode.NONE, None, True),
        (LiveChatMode.INBOX, None, True),
        (LiveChatMode.WEBHOOK, "desk", True),
        (LiveChatMode.WEBHOOK, None, False),
        (LiveChatMode.INBOX, "desk", False),
        (LiveChatMode.NONE, "desk", False),
    ],
)
def test_live_chat_by_webhook_and_nothing_else_has_an_endpoint(
    mode: LiveChatMode | None, endpoint: str | None, is_right: bool
) -> None:
    wrongs = check_channel(ChannelWish(name="site", mode=mode, endpoint=endpoint), {})

    assert list(wrongs) == ([] if is_right else ["live_chat"])
