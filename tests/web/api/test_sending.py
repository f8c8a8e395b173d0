"""send-text and send-content."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain.conversations import Control
from relevo.domain.messages import Button, Media, Other, QuickReply, Text
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api

OK = {"status": "ok"}
TEXT = {"type": "text", "text": "Hi Ana"}
IMAGE = {"type": "image", "url": "https://cdn.example.com/a.jpg"}


async def test_an_agent_says_something_in_the_name_of_the_tokens_member(api: Api, ana: Ana) -> None:
    answer = await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Yes, two left."})

    assert answer.json() == OK
    assert (await ana.said())[-1] == ("agent", "Yes, two left.", "Olga")


async def test_an_agents_words_pause_the_bot(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    state = await ana.state()
    assert state.control is Control.AGENT
    assert state.pause.cause == "agent_reply"


async def test_text_is_taken_for_content_and_is_not_trimmed(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "text": "  - one\n  - two\n"})

    assert (await ana.said())[-1][1] == "  - one\n  - two\n"


async def test_another_agent_may_be_named(api: Api, ana: Ana, world: World) -> None:
    luis = world.company.agent
    body = {"user_ns": ana.user_ns, "content": "Hi", "agent_id": str(luis.id)}

    await api.post("/subscriber/send-text", body)

    assert (await ana.said())[-1] == ("agent", "Hi", "Luis")
    assert (await ana.last()).member_id == luis.id


async def test_agent_0_is_nobody_and_changes_nothing(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi", "agent_id": 0})

    assert (await ana.said())[-1] == ("agent", "Hi", "Olga")


async def test_an_unknown_agent_says_nothing(api: Api, ana: Ana) -> None:
    answer = await api.post(
        "/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi", "agent_id": 999}
    )

    assert answer.status_code == 422
    sentence = "The selected agent id is invalid: there is no agent in this workspace with the id 999."
    assert answer.json() == {"message": sentence, "errors": {"agent_id": [sentence]}}
    assert len(await ana.said()) == 2


async def test_an_agent_of_another_company_says_nothing(api: Api, ana: Ana, world: World) -> None:
    stranger = (await world.add_company("Bolt")).agent

    answer = await api.post(
        "/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi", "agent_id": stranger.id}
    )

    assert answer.status_code == 422
    assert len(await ana.said()) == 2


async def test_the_bot_may_say_it_instead_and_keeps_control(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi", "send_as_agent": 0})

    assert (await ana.said())[-1] == ("out", "Hi", "Bot")
    assert (await ana.state()).control is Control.BOT


async def test_a_token_without_a_member_speaks_as_an_agent(api: Api, ana: Ana, world: World) -> None:
    nobody = api.with_token(await world.add_token(anonymous=True))

    await nobody.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    assert (await ana.said())[-1] == ("agent", "Hi", "Agent")


async def test_what_is_wrong_with_a_text_is_said_and_nothing_is_sent(api: Api, ana: Ana) -> None:
    for body, field, sentence in WRONG_TEXTS:
        answer = await api.post("/subscriber/send-text", body)

        assert answer.status_code == 422
        assert answer.json()["message"] in answer.json()["errors"][field] == [sentence]
    assert len(await ana.said()) == 2


WRONG_TEXTS: list[tuple[dict[str, Any], str, str]] = [
    ({"content": "Hi"}, "user_ns", "The user ns field is required."),
    ({"user_ns": "", "content": "Hi"}, "user_ns", "The user ns field is required."),
    ({"user_ns": "34", "content": "Hi"}, "user_ns", "The user ns format is invalid."),
    ({"user_ns": "f1001u34\n", "content": ""}, "content", "The content field is required."),
    ({"user_ns": 34, "content": "Hi"}, "user_ns", "The user ns format is invalid."),
    ({"user_ns": None, "content": "Hi"}, "user_ns", "The user ns field is required."),
    ({"user_ns": "f1001u1"}, "content", "The content field is required."),
    ({"user_ns": "f1001u1", "content": " \n"}, "content", "The content field is required."),
    ({"user_ns": "f1001u1", "content": 5}, "content", "The content must be a string; it is 5."),
    ({"user_ns": "f1001u1", "content": True}, "content", "The content must be a string; it is True."),
    (
        {"user_ns": "f1001u1", "content": {"a": 1}},
        "content",
        "The content must be a string; it is {'a': 1}.",
    ),
    (
        {"user_ns": "f1001u1", "content": "x" * 20_001},
        "content",
        "The content must not be greater than 20000 characters; it has 20001.",
    ),
    (
        {"user_ns": "f1001u1", "content": "a\0"},
        "content",
        "The content must not contain the character U+0000.",
    ),
    (
        {"user_ns": "f1001u1", "content": "Hi", "agent_id": "x"},
        "agent_id",
        "The agent id must be an integer; it is 'x'.",
    ),
    (
        {"user_ns": "f1001u1", "content": "Hi", "send_as_agent": 2},
        "send_as_agent",
        "The selected send as agent is invalid: 2 is none of 0, 1.",
    ),
]


# Content


async def test_content_is_said_by_the_bot_whoever_has_control(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns})

    answer = await api.post(
        "/subscriber/send-content",
        {"user_ns": ana.user_ns, "data": {"version": "v1", "content": {"messages": [TEXT, IMAGE]}}},
    )

    assert answer.json() == OK
    said = await ana.messages()
    assert [one.content for one in said[-2:]] == [
        Text("Hi Ana"),
        Media(type="image", url="https://cdn.example.com/a.jpg"),
    ]
    assert {one.type for one in said[-2:]} == {"out"}
    assert (await ana.state()).control is Control.AGENT


async def test_content_may_be_said_by_an_agent(api: Api, ana: Ana) -> None:
    await api.post(
        "/subscriber/send-content",
        {"user_ns": ana.user_ns, "data": {"content": {"messages": [IMAGE]}}, "send_as_agent": 1},
    )

    last = await ana.last()
    assert (last.type, last.username) == ("agent", "Olga")
    assert (await ana.state()).control is Control.AGENT


async def test_the_wrapping_may_be_left_out(api: Api, ana: Ana) -> None:
    for number, wrapped in enumerate(WRAPPINGS, 3):
        await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, **wrapped})

        said = await ana.said()
        assert (len(said), said[-1]) == (number, ("out", "Hi Ana", "Bot"))


WRAPPINGS: list[dict[str, Any]] = [
    {"data": {"version": "v1", "content": {"messages": [TEXT]}}},
    {"data": {"messages": [TEXT]}},
    {"messages": [TEXT]},
    {"version": "v1", "content": {"messages": [TEXT]}},
    {"data": {"messages": [TEXT]}, "messages": [IMAGE]},
]


async def test_actions_change_the_subscriber(api: Api, ana: Ana) -> None:
    actions = [
        {"action": "add_tag", "tag_name": "lead"},
        {"action": "add_tag", "tag_name": "cold"},
        {"action": "remove_tag", "tag_name": "cold"},
        {"action": "set_field_value", "field_name": "size", "value": 42},
        {"action": "set_field_value", "field_name": "email", "value": "ana@example.com"},
    ]

    await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, "data": {"actions": actions}})

    subscriber = (await ana.state()).subscriber
    assert subscriber.tags == ("lead",)
    assert subscriber.fields == {"size": 42}
    assert subscriber.profile.email == "ana@example.com"


@pytest.mark.parametrize("target", ["person", "f1001s2"])
async def test_goto_starts_a_subflow(api: Api, ana: Ana, target: str) -> None:
    await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, "data": {"goto": target}})

    assert (await ana.said())[-1][1] == "I am getting somebody for you."
    assert (await ana.state()).control is Control.AGENT


async def test_a_button_to_a_subflow_works_when_it_is_pressed(api: Api, ana: Ana, world: World) -> None:
    button = {"type": "node", "caption": "A person", "target": "f1001s2"}
    reply = {"type": "content", "caption": "No"}
    data = {"messages": [TEXT | {"buttons": [button]}], "quick_replies": [reply]}

    await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, "data": data})

    sent = (await ana.last()).content
    assert sent == Text("Hi Ana", (Button("A person", id="do:person"),), (QuickReply("No", "say:No"),))


async def test_what_is_wrong_with_content_is_said_and_nothing_is_sent(api: Api, ana: Ana) -> None:
    for body, errors in WRONG_CONTENT:
        answer = await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, **body})

        assert answer.status_code == 422
        assert answer.json() == {"message": next(iter(errors.values()))[0], "errors": errors}
    assert len(await ana.said()) == 2


WRONG_CONTENT: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({}, {"data": ["The data field is required."]}),
    ({"data": []}, {"data": ["The data field is required."]}),
    ({"data": "x"}, {"data": ["The data must be an array; it is 'x'."]}),
    (
        {"data": {"messages": [{"type": "text"}]}},
        {"data.messages.0.text": ["The data.messages.0.text field is required."]},
    ),
    ({"messages": [{"type": "text"}]}, {"messages.0.text": ["The messages.0.text field is required."]}),
    (
        {"data": {"goto": "nowhere"}},
        {"data.goto": ["The selected data.goto is invalid: there is no subflow 'nowhere'."]},
    ),
    (
        {"data": {"goto": "f1002s1"}},
        {"data.goto": ["The selected data.goto is invalid: there is no subflow 'f1002s1'."]},
    ),
    (
        {"data": {"messages": [TEXT], "goto": "person"}, "send_as_agent": 1},
        {"goto": ["The goto cannot be followed with send_as_agent 1: an agent who speaks pauses the bot."]},
    ),
]


TEMPLATE: dict[str, Any] = {"name": "order_sent", "lang": "en_US", "namespace": "x"}


async def test_a_template_is_stored_with_its_places_filled_in(api: Api, ana: Ana) -> None:
    content = {**TEMPLATE, "params": {"BODY_{{1}}": "Ana"}}

    answer = await api.post(
        "/subscriber/send-whatsapp-template", {"user_ns": ana.user_ns, "content": content}
    )

    assert answer.json() == OK
    said = (await ana.messages())[-1].content
    components = [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]
    assert said == Other("template", {"name": "order_sent", "lang": "en_US", "components": components})


async def test_a_parameter_that_no_template_has_is_named(api: Api, ana: Ana) -> None:
    content = {**TEMPLATE, "params": {"BODY_1": "Ana"}}

    answer = await api.post(
        "/subscriber/send-whatsapp-template", {"user_ns": ana.user_ns, "content": content}
    )

    assert answer.status_code == 422
    assert "'BODY_1' is unknown" in answer.json()["errors"]["content.params"][0]
