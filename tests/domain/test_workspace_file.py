"""What a workspace file may say, and what is answered to one with mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relevo.domain.configuring import ChannelWish, EndpointWish, MemberWish, WorkspaceWish
from relevo.domain.emails import Mailbox
from relevo.domain.hours import Holiday, Hours, Span
from relevo.domain.workspace_file import (
    FlowText,
    ParsedWorkspace,
    Unreadable,
    WorkspacePlan,
    is_workspace_file,
    parse,
)
from relevo.domain.workspaces import EventType, LiveChatMode, PausedAutomation
from relevo.domain.yaml_reading import Place

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ENVIRON = {"DESK_KEY": "k-123456", "DESK_SECRET": SECRET, "EMPTY": ""}

SUPPORT = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - send: "Hello {{ first_name }}."
"""
WITH_MISTAKE = "version: 1\nflow: sales\nstart: nowhere\nsubflows:\n  welcome: [end]\n"

PROMISED = """\
version: 1
workspace: Acme
endpoints:
  - name: desk
    url: http://127.0.0.1:9100/uchat
    headers: {X-Desk-Key: "{{ env.DESK_KEY }}"}
    secret: "{{ env.DESK_SECRET }}"          # whsec_…; made and shown once if left out
agents:
  - {name: Luis, email: luis@example.com}
flows:
  - support.flow.yaml
channels:
  - {name: site, type: web, flow: support, live_chat: {mode: webhook, endpoint: desk}}
  - {name: other, type: apichat, flow: support, webhook_url: http://127.0.0.1:9200/in, live_chat: {mode: webhook, endpoint: desk}}
"""  # noqa: E501
"""As others build on it: word for word what the first issue shows."""


def no_problems(_config: dict[str, object]) -> dict[str, str]:
    return {}


def web_problems(config: dict[str, object]) -> dict[str, str]:
    unknown = {
        option: "Unknown option; did you mean title?" for option in config if option not in ("title", "color")
    }
    return unknown | (
        {"color": f"{config['color']!r} is not a colour; use red"}
        if config.get("color", "red") != "red"
        else {}
    )


def read_flow(path: str) -> FlowText | Unreadable:
    texts = {"support.flow.yaml": SUPPORT, "again.flow.yaml": SUPPORT, "sales.flow.yaml": WITH_MISTAKE}
    return FlowText(f"folder/{path}", texts[path]) if path in texts else Unreadable("there is no such file")


def parsed(text: str, environ: Mapping[str, str] = ENVIRON) -> ParsedWorkspace:
    types = {"web": web_problems, "apichat": no_problems}
    return parse(text, file="relevo.yaml", environ=environ, types=types, read_flow=read_flow)


def plan(text: str) -> WorkspacePlan:
    result = parsed(text)
    assert result.plan is not None, result.problems
    return result.plan


def problems(text: str, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    result = parsed(text, environ)
    assert (result.plan is None) == bool(result.problems)
    return [str(problem) for problem in result.problems]


def with_lines(*lines: str) -> str:
    return "version: 1\nworkspace: Acme\n" + "\n".join(lines) + "\n"


def test_the_promised_file_works_as_it_stands() -> None:
    found = plan(PROMISED)

    assert found.workspace == WorkspaceWish(name="Acme")
    assert found.endpoints == (
        EndpointWish(
            name="desk",
            url="http://127.0.0.1:9100/uchat",
            headers={"X-Desk-Key": "k-123456"},
            secret=SECRET,
        ),
    )
    assert found.agents == (MemberWish(email="luis@example.com", name="Luis"),)
    assert [(flow.name, flow.source, flow.file) for flow in found.flows] == [
        ("support", SUPPORT, "folder/support.flow.yaml")
    ]
    assert found.channels == (
        ChannelWish(name="site", type="web", flow="support", mode=LiveChatMode.WEBHOOK, endpoint="desk"),
        ChannelWish(
            name="other",
            type="apichat",
            flow="support",
            mode=LiveChatMode.WEBHOOK,
            endpoint="desk",
            config={"webhook_url": "http://127.0.0.1:9200/in"},
        ),
    )


def test_every_thing_and_every_field_knows_its_place() -> None:
    found = plan(PROMISED)

    assert found.place("endpoint", "desk", "url") == Place(5, 10)
    assert found.place("endpoint", "desk", "headers.X-Desk-Key") == Place(6, 27)
    assert found.place("endpoint", "desk", "secrets") == Place(7, 13)
    assert found.place("channel", "other", "webhook_url") == Place(14, 62)
    assert found.place("channel", "other", "unheard of") == Place(14, 5)
    assert found.place("flow", "support", "") == Place(11, 5)
    assert found.place("unheard", "of", "") == Place(1, 1)


def test_only_version_and_workspace_are_needed() -> None:
    found = plan("version: 1\nworkspace: Acme\nendpoints:\nflows: []\n")

    assert found == WorkspacePlan(
        file="relevo.yaml", workspace=WorkspaceWish(name="Acme"), places=found.places
    )


def test_what_is_left_out_is_not_asked_for() -> None:
    found = plan(with_lines("flows: [support.flow.yaml]", "endpoints: [{name: desk, url: https://desk.example.com}]",
                            "channels: [{name: site, type: web, flow: support}]"))  # fmt: skip

    assert found.endpoints == (EndpointWish(name="desk", url="https://desk.example.com"),)
    assert found.channels == (ChannelWish(name="site", type="web", flow="support"),)


def test_the_settings_of_a_workspace_stand_beside_its_name() -> None:
    found = plan(
        with_lines(
            "timezone: Europe/Madrid",
            "agent_reply_pauses_for: 45m",
            "paused_automation: agent_triggers_and_delays",
        )
    )

    assert found.workspace == WorkspaceWish(
        name="Acme",
        timezone="Europe/Madrid",
        agent_reply_pauses_for=timedelta(minutes=45),
        paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS,
    )


def test_an_endpoint_may_have_two_secrets_and_events_that_it_wants() -> None:
    found = plan(
        with_lines(
            "endpoints:",
            "  - {name: desk, url: https://desk.example.com, headers: {}, events: [message.sent, typing],",
            f"     secret: [{SECRET}, '{{{{ env.DESK_SECRET }}}}']}}",
        )
    )

    assert found.endpoints[0].secrets == (SECRET, SECRET)
    assert found.endpoints[0].events == frozenset({EventType.MESSAGE_SENT, EventType.TYPING})
    assert found.endpoints[0].headers == {}


def test_options_of_a_channel_are_whatever_its_type_takes_with_placeholders_filled_in() -> None:
    found = plan(
        with_lines(
            "flows: [support.flow.yaml]",
            "channels:",
            "  - {name: c, type: apichat, flow: support,",
            "     a: '<{{ env.DESK_KEY }}>', b: [1, {c: true}], d: null, e: 0400}",
        )
    )

    assert found.channels[0].config == {"a": "<k-123456>", "b": [1, {"c": True}], "d": None, "e": "0400"}


def test_a_variable_that_is_not_set_or_empty_is_named_with_its_place() -> None:
    assert problems(PROMISED, {"DESK_SECRET": ""}) == [
        "relevo.yaml:6:28: the environment variable DESK_KEY is not set; "
        "set it, or write the value instead of {{ env.DESK_KEY }}",
        "relevo.yaml:7:14: the environment variable DESK_SECRET is empty; "
        "set it, or write the value instead of {{ env.DESK_SECRET }}",
    ]


@pytest.mark.parametrize(
    "text", ["{{ DESK_KEY }}", "{{ env.DESK-KEY }}", "{{ env.DESK_KEY", "{{}}", "{{ first_name | upcase }}"]
)
def test_only_variables_can_be_filled_in(text: str) -> None:
    (problem,) = problems(with_lines(f"endpoints: [{{name: desk, url: 'https://x.example/{text}'}}]"))

    assert problem.startswith("relevo.yaml:3:50: ")
    assert problem.endswith(" cannot be filled in here; only {{ env.NAME }} can")


def test_a_placeholder_without_quotes_is_explained() -> None:
    shown = problems(with_lines("endpoints: [{name: desk, url: {{ env.DESK_KEY }} }]"))

    assert shown[-1].startswith("relevo.yaml:3:32: ")
    assert shown[-1].endswith('put text that starts with "{" or "[" in quotes')


MISTAKEN = """\
version: 2
timezone: Europe/Madird
agent_reply_pauses_for: soon
paused_automation: agent_onli
endpoint: []
endpoints:
  - {name: desk, url: ftp://desk.example.com, headers: {Host: a, X-A: "a\\nb"}, secret: hello, events: [message.send], channels: [site, sit]}
  - {name: desk, url: https://desk.example.com}
  - {url: https://desk.example.com}
  - {name: second, headers: hello, secret: {a: b}, channels: most}
  - nothing
agents:
  - {name: Luis, email: luis}
  - {email: ana@example.com}
flows:
  - support.flow.yaml
  - again.flow.yaml
  - sales.flow.yaml
  - nowhere.flow.yaml
  - [a]
channels:
  - {name: site, type: wbe, flow: support, live_chat: {mode: webhook}}
  - {name: two, type: web, flow: support, live_chat: {mode: inbox, endpoint: desk}, live_chatt: a, color: blue}
  - {name: three, type: web, flow: support, live_chat: {mode: webhok, endpoint: dekk}}
  - {name: three, type: web, flow: support, live_chat: webhook}
"""  # noqa: E501


def test_all_mistakes_are_told_at_once_in_the_order_of_the_files() -> None:
    assert problems(MISTAKEN) == [
        'relevo.yaml:1:1: "workspace" is missing; add workspace: its name',
        "relevo.yaml:1:10: version must be 1, not 2; write version: 1",
        'relevo.yaml:2:11: "Europe/Madird" is not a time zone; did you mean "Europe/Madrid"?',
        'relevo.yaml:3:25: agent_reply_pauses_for must be a duration of 1s to 366d, not "soon"; '
        "write a number and its unit, s, m, h or d: 30s, 10m, 2h, 1d",
        "relevo.yaml:4:20: paused_automation must be one of agent_only, agent_triggers_and_delays, "
        'not "agent_onli"; did you mean "agent_only"?',
        'relevo.yaml:5:1: unknown key "endpoint"; did you mean "endpoints"?',
        'relevo.yaml:7:23: "ftp://desk.example.com" is not an http or https URL; '
        "write one like https://desk.example.com/hook",
        "relevo.yaml:7:63: the header Host is set by Relevo itself; leave it out",
        "relevo.yaml:7:71: the value of the header X-A cannot be sent; "
        "use 1 to 4096 letters, digits, signs and spaces of ASCII",
        "relevo.yaml:7:88: a signing secret starts with whsec_; "
        "`relevo secret` makes one; left out, Relevo makes one and shows it once",
        "relevo.yaml:7:104: an entry of events must be one of message.received, message.sent, "
        "message.status, message.updated, handoff.requested, handoff.accepted, handoff.returned, "
        'conversation.assigned, typing, not "message.send"; did you mean "message.sent"?',
        'relevo.yaml:7:129: there is no channel "sit" in this file; did you mean "site"?',
        'relevo.yaml:8:12: there is another endpoint "desk", in line 7; rename one of them',
        'relevo.yaml:9:5: "name" is missing; add name: …',
        'relevo.yaml:10:5: "url" is missing; add url: …',
        "relevo.yaml:10:29: headers must be names with values; for example headers: {X-Desk-Key: …}",
        "relevo.yaml:10:44: secret must be a text; write whsec_… or a list of two, the newest first",
        'relevo.yaml:10:62: channels must be a list, not "most"; write all, or a list of names of channels',
        'relevo.yaml:11:5: an entry of endpoints must be a mapping, not "nothing"; '
        "for example {name: desk, url: https://desk.example.com/hook}",
        'relevo.yaml:13:25: "luis" is not an e-mail address; write one like luis@example.com',
        'relevo.yaml:14:5: "name" is missing; add name: …',
        'relevo.yaml:17:5: there is another flow "support", in line 16; rename one of them',
        'relevo.yaml:19:5: cannot read "nowhere.flow.yaml": there is no such file; '
        'write its path from this file on',
        "relevo.yaml:20:5: an entry of flows must be text, not a list; "
        "write the path of a flow file, from this file on",
        'relevo.yaml:22:24: there is no channel type "wbe"; did you mean "web"?',
        "relevo.yaml:22:55: live chat by webhook needs an endpoint; add endpoint: and the name of one",
        "relevo.yaml:23:54: live chat mode inbox uses no endpoint; "
        "leave the endpoint out, or use mode: webhook",
        'relevo.yaml:23:97: live_chatt: unknown option; did you mean "live_chat"?',
        "relevo.yaml:23:107: color: 'blue' is not a colour; use red",
        'relevo.yaml:24:56: there is no endpoint "dekk" in this file; did you mean "desk"?',
        'relevo.yaml:24:63: mode must be one of none, inbox, webhook, not "webhok"; did you mean "webhook"?',
        'relevo.yaml:25:12: there is another channel "three", in line 24; rename one of them',
        'folder/sales.flow.yaml:3:8: there is no subflow "nowhere"; only welcome is known here',
    ]  # fmt: skip


def test_a_flow_or_endpoint_that_is_not_in_the_file_is_unknown() -> None:
    text = with_lines(
        "flows: [support.flow.yaml]",
        "channels: [{name: site, type: web, flow: suport, live_chat: {mode: webhook, endpoint: desk}}]",
    )

    assert problems(text) == [
        'relevo.yaml:4:42: there is no flow "suport" in this file; did you mean "support"?',
        'relevo.yaml:4:61: there is no endpoint "desk" in this file; list it under endpoints:',
    ]


def test_a_flow_is_not_missed_while_another_cannot_be_read() -> None:
    text = with_lines("flows: [sales.flow.yaml]", "channels: [{name: site, type: web, flow: sales}]")

    assert len(problems(text)) == 1


@pytest.mark.parametrize("text", ["", "- a", "hello", "a: [", "version: 1"])
def test_a_file_that_is_something_else_is_said_to_be(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize(
    ("text", "is_workspace"),
    [(PROMISED, True), (SUPPORT, False), (WITH_MISTAKE, False), ("", False), ("a: [", False), ("- a", False),
     ("workspace: Acme\nflow: x", True), ("channels: []", True)],
)  # fmt: skip
def test_a_workspace_file_is_told_from_a_flow_by_its_keys(text: str, is_workspace: bool) -> None:
    assert is_workspace_file(text) == is_workspace


EVERYWHERE = """\
version: 1
workspace: PLACE
timezone: PLACE
agent_reply_pauses_for: PLACE
paused_automation: PLACE
endpoints:
  - {name: PLACE, url: PLACE, headers: {X-A: PLACE, X-B: [PLACE]}, secret: PLACE, events: [PLACE]}
  - {name: b, url: "http://PLACE PLACE/", headers: PLACE, secret: [PLACE, PLACE, PLACE]}
agents:
  - {name: PLACE, email: PLACE}
flows: [PLACE]
channels:
  - {name: PLACE, type: PLACE, flow: PLACE, live_chat: {mode: PLACE, endpoint: PLACE}, color: PLACE}
  - {name: c, type: web, flow: PLACE, live_chat: PLACE, color: PLACE, colour: PLACE}
"""


@example("with ; in it")
@example("IN CAPITALS")
@example("ends with space ")
@given(st.text(min_size=4, max_size=120).filter(lambda text: text.strip()))
def test_no_problem_shows_what_a_variable_holds(value: str) -> None:
    secret = f"s3cr3t{value}"
    text = EVERYWHERE.replace('"http://PLACE PLACE/"', "'http://{{env.V}} {{env.V}}/'").replace(
        "PLACE", "'{{ env.V }}'"
    )

    shown = problems(text, {"V": secret})

    assert shown
    assert [line for line in shown if "s3cr3t" in line] == []


HOURS = """\
version: 1
workspace: Acme
business_hours:
  zone: Australia/Sydney
  mon: 09:00-17:00
  tue: closed
  fri: [09:00-12:00, 13:00-16:00]
  holidays:
    - 2026-12-28
    - {day: 12-25, name: Christmas}
    - {day: 2026-12-24, name: Early closing, hours: 09:00-12:00}
"""


def hours_of(text: str) -> ParsedWorkspace:
    return parse(text, file="f", environ={}, types={}, read_flow=lambda path: Unreadable("no"))


def test_business_hours_are_read() -> None:
    plan = hours_of(HOURS).plan

    assert plan is not None
    assert plan.workspace.written_hours == Hours(
        zone="Australia/Sydney",
        week={"mon": (Span(540, 1020),), "fri": (Span(540, 720), Span(780, 960))},
        holidays=(
            Holiday("2026-12-28"),
            Holiday("12-25", "Christmas"),
            Holiday("2026-12-24", "Early closing", (Span(540, 720),)),
        ),
    )


def test_always_takes_business_hours_away() -> None:
    plan = hours_of("version: 1\nworkspace: Acme\nbusiness_hours: always\n").plan

    assert plan is not None
    assert plan.workspace.written_hours == "always"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("mon: 9 to 5", '4:8: "9 to 5" is no span of hours; write it like 09:00-17:00'),
        ("monday: 09:00-17:00", '4:3: unknown key "monday"; did you mean "mon"?'),
        ("holidays: [Christmas]", '4:14: "Christmas" is no day; write 2026-12-25, or 12-25 for every year'),
        ("holidays: [{name: x}]", '4:14: "day" is missing; add day: 12-25'),
    ],
)
def test_mistakes_in_business_hours(written: str, problem: str) -> None:
    found = hours_of(f"version: 1\nworkspace: Acme\nbusiness_hours:\n  {written}\n")

    assert [str(one).removeprefix("f:") for one in found.problems] == [problem]


def test_a_zone_that_does_not_exist_is_a_problem_of_the_business_hours() -> None:
    found = hours_of("version: 1\nworkspace: Acme\nbusiness_hours: {zone: Mars/Crater}\n")

    assert [(one.line, one.column) for one in found.problems] == [(3, 17)]


def test_secrets_and_the_mail_server_are_read_with_placeholders_filled_in() -> None:
    found = plan(
        with_lines(
            "secrets: {SHOP_KEY: '{{ env.DESK_KEY }}', N: '7'}",
            "email:",
            "  host: smtp.example.com",
            "  port: 465",
            "  security: tls",
            "  username: acme",
            "  password: '{{ env.DESK_KEY }}'",
            "  from: Acme <hello@acme.example>",
        )
    )

    assert found.secrets == {"SHOP_KEY": "k-123456", "N": "7"}
    assert found.mailbox == Mailbox(
        host="smtp.example.com",
        port=465,
        security="tls",
        username="acme",
        password="k-123456",
        sender="Acme <hello@acme.example>",
    )
    assert "k-123456" not in repr(found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("secrets: {A-B: x}", '3:16: "A-B" is no name for a secret; use letters, digits and _, at most 64'),
        ("secrets: {A: ''}", '3:14: A must be text, not ""'),
        ("secrets: k-123456", "3:10: secrets must be names with values; for example SHOP_KEY:"),
        ("secrets: {A: '{{ env.EMPTY }}'}", "3:15: the environment variable EMPTY is empty; set it"),
        ("email: {host: a b, from: a@b.example}", '3:15: "a b" is not the name of a server; write one like'),
        (
            "email: {host: h, from: Acme}",
            '3:24: "Acme" is no sender; write one like Acme <hello@example.com>',
        ),
        ("email: {host: h, from: a@b.example, port: 0}", "3:43: "),
        ("email: {host: h, from: a@b.example, security: ssl}", "3:47: "),
        ("email: {host: h, from: a@b.example, username: u}", "3:8: the password is missing; write it"),
        ("email: {host: h, from: a@b.example, username: u, password: '{{ env.EMPTY }}'}", "3:61: the env"),
        ("email: {host: h, from: a@b.example, reply_to: x}", '3:47: "x" is not an e-mail address'),
        ("email: {host: h, form: a@b.example}", "3:18: "),
    ],
)
def test_mistakes_in_secrets_and_the_mail_server_stand_where_they_are(line: str, problem: str) -> None:
    found = problems(with_lines(line))

    assert [one for one in found if one.startswith(f"relevo.yaml:{problem}")], found
    assert "k-123456" not in "".join(found)
