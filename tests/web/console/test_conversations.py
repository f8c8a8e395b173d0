"""The list of conversations, and one of them."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.domain.conversations import Control, Conversation
from relevo.domain.events import (
    AgentReplied,
    Assigned,
    ByConversation,
    HandoffAccepted,
    Moved,
    NoteWritten,
    SubscriberChanged,
)
from relevo.domain.flows.runs import AddTag, SetField
from relevo.domain.messages import (
    Button,
    Card,
    Cards,
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    MessageType,
    Other,
    QuickReply,
    Reaction,
    Text,
)
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import LiveChat, LiveChatMode
from relevo.store import accounts, configuring, directory
from relevo.store import conversations as stored
from relevo.testing.builders import World
from relevo.web.console import conversations
from tests.web.console.browsing import Browser, Page


async def ana(world: World, *words: str) -> Conversation:
    """Ana's conversation after she has said these words."""
    results = [await world.says(word) for word in words or ("Hello",)]
    return await world.conversation(results[-1].conversation_id)


def names(page: Page) -> list[str]:
    return [one.text for one in page.main.all("span", class_="inbox-name")]


# The list


async def test_the_list_shows_who_said_what_last(browser: Browser, world: World) -> None:
    await ana(world, "agent", "Is it in stock?")
    world.clock.advance(timedelta(minutes=1))
    await world.says("Hi", user_id="v2", name="Ben Osei")

    page = await browser.get("/console/conversations")

    assert names(page) == ["Ben Osei", "Ana Diaz"]
    previews = [one.text for one in page.main.all("span", class_="inbox-preview")]
    assert previews == ["Bot: Hello Ben. Write *agent* to talk to a person.", "Is it in stock?"]
    assert [one.text for one in page.main.all("span", class_="inbox-badges")] == ["", "Agent"]


async def test_who_waits_for_an_agent_stands_out(browser: Browser, world: World) -> None:
    one = await ana(world, "agent")
    waits = "Ana Diaz waits for an answer."
    assert waits not in (await browser.get("/console/conversations")).text  # the bot has just spoken

    await world.says("Is it in stock?")
    assert waits in (await browser.get("/console/conversations")).text

    await world.submit(AgentReplied(to=ByConversation(one.id), contents=(Text("Yes"),)))
    assert waits not in (await browser.get("/console/conversations")).text


async def test_the_list_is_searched_and_filtered(browser: Browser, world: World) -> None:
    one = await ana(world, "agent")
    await world.says("Hi", user_id="v2", name="Ben Osei")
    await world.submit(Assigned(to=ByConversation(one.id), member_id=world.company.owner.id))
    await world.submit(Moved(to=ByConversation(one.id), status="pending"))

    for query, found in {
        "q=ana": ["Ana Diaz"],
        f"q={one.user_ns}": ["Ana Diaz"],
        "control=agent": ["Ana Diaz"],
        "control=bot": ["Ben Osei"],
        "status=pending": ["Ana Diaz"],
        "status=nonsense": ["Ben Osei", "Ana Diaz"],
        "assigned=me": ["Ana Diaz"],
        "assigned=nobody": ["Ben Osei"],
        f"channel={world.company.apichat.id}": [],
        "channel=x&q=ben&status=open": ["Ben Osei"],
    }.items():
        page = await browser.get(f"/console/conversations?{query}")
        assert sorted(names(page)) == sorted(found), query


async def test_a_search_shows_what_was_searched_for(browser: Browser, world: World) -> None:
    page = await browser.get('/console/conversations?q="><script>alert(1)</script>&status=spam')

    assert page.field("q").get("value") == '"><script>alert(1)</script>'
    assert page.field("status").one("option", selected="").text == "Spam"
    assert "<script>alert" not in page.html
    assert page.main.one("h2").text == "No conversation is like that"


async def test_later_pages_are_reached_by_where_the_last_one_ended(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "SHOWN", 2)
    for number in range(5):
        await world.says("Hello", user_id=f"u{number}", name=f"Person {number}")

    pages = [await browser.get("/console/conversations?status=open")]
    while further := pages[-1].main.all("a", rel="next"):
        pages.append(await browser.get(further[0].get("href")))

    seen = [name for page in pages for name in names(page)]
    assert seen == [f"Person {number}" for number in reversed(range(5))]
    latest = pages[-1].main.one("nav", aria_label="Pages").all("a")[0]
    assert latest.get("href") == "/console/conversations?status=open"


@pytest.mark.parametrize("mark", ["x", "1-", "-x", f"{10**25}-1", "--", "9" * 30])
async def test_a_mark_that_is_none_begins_at_the_beginning(browser: Browser, world: World, mark: str) -> None:
    await ana(world)

    assert names(await browser.get(f"/console/conversations?behind={mark}")) == ["Ana Diaz"]


async def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    page = await browser.get("/console/conversations")

    assert page.main.one("h2").text == "No conversation yet"
    assert page.main.one("a", class_="button button-main").get("href") == "/console/channels"


# What was said

EVERYTHING: dict[str, Content] = {
    "Hello <b>there</b>": Text("Hello <b>there</b>"),
    "Keep one": Text("Shall I?", buttons=(Button("Keep one", "k"),)),
    "Maybe later": Text("Well?", quick_replies=(QuickReply("Maybe later"),)),
    "A receipt": Media("image", "https://files.example/r.jpg", caption="A receipt", media_id="m"),
    "A sticker": Media("sticker", "https://files.example/s.webp", media_id="m"),
    "the film": Media("video", "https://files.example/v.mp4", caption="the film", media_id="m"),
    "the blue one please": Media(
        "audio", "https://files.example/a.ogg", transcribed_text="the blue one please", media_id="m"
    ),
    "invoice.pdf": Media("file", "https://files.example/i.pdf", title="invoice.pdf", size=2048, media_id="m"),
    "Puerta del Sol": Location(40.4, -3.7, "Puerta del Sol", "Madrid"),
    "Jo Diaz": Contacts((Contact("Jo Diaz", ("+34600",), ("jo@example.com",)),)),
    "Blue": Interactive("Blue", "blue"),
    "👍": Reaction("👍", "m-1"),
    "Trail 45": Cards((Card("Trail 45", "Blue", "https://files.example/c.jpg", "", (Button("Buy"),)),)),
    "by writing “2”": Interactive("Red", "red", "2"),
    "could not be fetched: the vendor answered 404": Media(
        "video", "https://ours.example/m", media_id="m", problem="the vendor answered 404"
    ),
    "poll_answered": Other("unsupported", {"type": "poll_answered"}),
}


async def test_every_kind_of_message_is_shown(browser: Browser, world: World) -> None:
    one = await ana(world)
    for content in EVERYTHING.values():
        await world.says(content)

    page = await browser.get(f"/console/conversations/{one.user_ns}")

    html = page.main.one("ol", class_="messages")
    shown = html.text + " ".join(one.get("alt") + one.get("aria-label") for one in html.elements)
    assert [words for words in EVERYTHING if words not in shown] == []
    assert "<b>there" not in page.html
    assert html.one("video").get("src") == "https://files.example/v.mp4"
    assert html.all("a", href="https://files.example/i.pdf") != []


async def test_no_link_of_a_message_runs_anything(browser: Browser, world: World) -> None:
    one = await ana(world)
    evil = "javascript:alert(1)"
    await world.says(Media("file", evil, title="x", media_id="m"))
    await world.says(Media("image", f"data:text/html,{evil}", media_id="m"))
    await world.says(Cards((Card("c", image_url=evil, buttons=(Button("b", kind="url", target=evil),)),)))
    await world.says(f"See {evil} and https://ok.example/a?b=1&c=2.")

    page = await browser.get(f"/console/conversations/{one.user_ns}")

    links = [link.get("href") for link in page.main.one("ol", class_="messages").all("a")]
    assert links == ["", "", "https://ok.example/a?b=1&c=2"]
    assert [one.get("src") for one in page.main.all("img")] == ["", ""]


async def test_it_shows_who_spoke_on_which_day_and_how_far_it_came(browser: Browser, world: World) -> None:
    one = await ana(world, "agent")
    world.clock.advance(timedelta(days=1))
    to, luis = ByConversation(one.id), world.company.agent.id
    await world.submit(AgentReplied(to=to, contents=(Text("It is."), Text("Two left.")), member_id=luis))
    await world.submit(NoteWritten(to=to, text="A regular", member_id=luis))

    page = await browser.get(f"/console/conversations/{one.user_ns}")

    thread = page.main.one("ol", class_="messages")
    assert [day.text for day in thread.all("li", class_="day")] == ["Yesterday", "Today"]
    assert [one.text for one in thread.all("p", class_="speaker")][-2:] == ["Luis · Agent", "Luis Note"]
    assert [one.text for one in thread.all("span", class_="message-status")][-1] == "Sent"


async def test_earlier_messages_are_a_page_away(browser: Browser, world: World) -> None:
    one = await ana(world, *(f"Message {number}." for number in range(60)))

    latest = await browser.get(f"/console/conversations/{one.user_ns}")
    earlier = await browser.get(latest.main.one("a", data_earlier="").get("href"))

    def seqs(page: Page) -> list[int]:
        return [int(one.get("data-seq")) for one in page.main.all("li") if one.get("data-seq")]

    assert len(seqs(latest)) == 50
    assert seqs(earlier) + seqs(latest) == list(range(1, one.message_seq + 1))
    assert earlier.main.all("textarea") == []  # one answers where the end can be seen


async def test_beside_it_stand_the_person_and_the_work(browser: Browser, world: World) -> None:
    one = await ana(world, "agent")
    to = ByConversation(one.id)
    profile = Profile(email="ana@example.com", phone="+34600111222")
    acts = (SetField("size", "M"), AddTag("vip"))
    await world.submit(SubscriberChanged(to=to, profile=profile, acts=acts))

    panel = (await browser.get(f"/console/conversations/{one.user_ns}")).main.one("aside").text

    for words in ("ana@example.com", "+34600111222", "size M", "vip", one.user_ns, "visitor-1"):
        assert words in panel, words
    assert "Handoff requested to desk" in panel


async def test_an_agent_sees_how_it_stands_without_links_to_the_log(stranger: Browser, world: World) -> None:
    one = await ana(world, "agent")
    await stranger.sign_in(world.company.agent)

    page = await stranger.get(f"/console/conversations/{one.user_ns}")

    assert "Handoff requested" in page.text
    assert [link for link in page.main.all("a") if "/deliveries" in link.get("href")] == []


# Why the customer does, or does not, get an answer


async def facts(browser: Browser, one: Conversation) -> str:
    page = await browser.get(f"/console/conversations/{one.user_ns}")
    return page.main.one("ul", class_="facts").text


async def test_it_says_who_answers(browser: Browser, world: World) -> None:
    one = await ana(world)
    assert (await facts(browser, one)).startswith("The bot answers, by the flow support.")

    await ana(world, "agent", "Is it in stock?")
    said = await facts(browser, one)

    assert "Paused by the flow (Pause the Bot) at 12:00, until 12:30." in said
    assert "What the customer writes is posted to the webhook desk." in said
    assert "A delivery to your platform is on its way." in said


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (LiveChatMode.NONE, "nobody is told what the customer writes"),
        (LiveChatMode.INBOX, "Members answer here"),
    ],
)
async def test_it_says_where_live_chat_goes(
    browser: Browser, world: World, mode: LiveChatMode, words: str
) -> None:
    web = msgspec.structs.replace(world.company.web, live_chat=LiveChat(mode))
    async with world.database.write() as connection:
        await configuring.update_channel(connection, world.cipher, web)
    await world.catalog.refresh(at_once=True)

    assert words in await facts(browser, await ana(world, "agent"))


async def test_it_says_that_the_platform_is_not_told(browser: Browser, world: World) -> None:
    one = await ana(world, "agent")
    async with world.database.write() as connection:
        await directory.disable_endpoint(connection, world.company.endpoint.id, "endpoint_gone")

    said = await facts(browser, one)

    assert "Your platform is not told: the webhook desk is disabled: the endpoint answered 410 Gone." in said


# Doing


async def test_a_member_replies_and_the_bot_is_silent(browser: Browser, world: World) -> None:
    one = await ana(world)
    address = f"/console/conversations/{one.user_ns}"
    page = await browser.get(address)
    assert "your reply pauses it for 30 min" in page.text

    sent = await browser.send(f"{address}/say", {"kind": "reply", "text": " Hello Ana,\r\nit is. "})

    assert sent.goes_to == f"{address}#latest"
    last = (await world.messages(one.id))[-1]
    assert (last.type, last.content, last.username) == (MessageType.AGENT, Text("Hello Ana,\nit is."), "Olga")
    assert (await world.conversation(one.id)).control is Control.AGENT
    assert "Hello Ana," in (await browser.follow(sent)).text


async def test_a_note_is_for_colleagues(browser: Browser, world: World) -> None:
    one = await ana(world)

    await browser.send(f"/console/conversations/{one.user_ns}/say", {"kind": "note", "text": "VIP"})

    last = (await world.messages(one.id))[-1]
    assert (last.type, last.content) == (MessageType.NOTE, Text("VIP"))
    assert (await world.conversation(one.id)).control is Control.BOT


async def test_a_form_that_is_sent_twice_says_it_once(browser: Browser, world: World) -> None:
    one = await ana(world)
    address = f"/console/conversations/{one.user_ns}"
    nonce = (await browser.get(address)).field("nonce").get("value")
    before = len(await world.messages(one.id))

    for _ in range(2):
        sent = await browser.send(f"{address}/say", {"kind": "reply", "text": "Hello", "nonce": nonce})
        assert sent.status == 303

    assert len(await world.messages(one.id)) == before + 1
    other = (await browser.get(address)).field("nonce").get("value")
    assert nonce != other != ""


@pytest.mark.parametrize(("text", "words"), [(" \n", "write something"), ("x" * 10_001, "at most 10,000")])
async def test_what_cannot_be_sent_is_kept_and_said(
    browser: Browser, world: World, text: str, words: str
) -> None:
    one = await ana(world)
    address = f"/console/conversations/{one.user_ns}/say"

    page = await browser.send(address, {"kind": "note", "text": text})
    by_script = await browser.send(address, {"kind": "note", "text": text}, accept="application/json")

    assert page.status == 422
    assert words in page.problems[0]
    assert page.field("text").text == text.strip()
    assert page.main.one("input", name="kind", checked="").get("value") == "note"
    assert by_script.status == 422
    assert words in by_script.html


async def test_the_script_is_answered_without_a_page(browser: Browser, world: World) -> None:
    one = await ana(world)

    sent = await browser.send(
        f"/console/conversations/{one.user_ns}/say", {"text": "Hello"}, accept="application/json"
    )

    assert (sent.status, sent.html) == (204, "")
    assert (await world.messages(one.id))[-1].content == Text("Hello")


async def test_the_bot_is_paused_and_resumed(browser: Browser, world: World) -> None:
    one = await ana(world)
    address = f"/console/conversations/{one.user_ns}"

    await browser.send(f"{address}/pause", {"minutes": "30"})
    paused = await world.conversation(one.id)
    assert paused.pause is not None
    assert paused.pause.until == world.clock.now() + timedelta(minutes=30)
    assert "Resume the bot" in (await browser.get(address)).text

    await browser.send(f"{address}/resume")
    assert (await world.conversation(one.id)).control is Control.BOT

    await browser.send(f"{address}/pause")
    paused = await world.conversation(one.id)
    assert paused.pause is not None
    assert (paused.pause.until, paused.pause.cause) == (None, "member")
    assert "until somebody resumes the bot" in (await browser.get(address)).text


async def test_a_conversation_is_assigned_and_moved(browser: Browser, world: World) -> None:
    one = await ana(world)
    address = f"/console/conversations/{one.user_ns}"

    await browser.send(f"{address}/assign", {"member": str(world.company.agent.id)})
    await browser.send(f"{address}/status", {"status": "done"})

    changed = await world.conversation(one.id)
    assert (changed.member_id, changed.status) == (world.company.agent.id, "done")
    page = await browser.get(address)
    assert page.field("member").one("option", selected="").text == "Luis"
    await browser.send(f"{address}/assign", {"member": "0"})
    assert (await world.conversation(one.id)).member_id is None
    refused = await browser.send(f"{address}/status", {"status": "gone"})
    assert refused.status == 422
    assert "use open, pending, done, spam" in refused.text


async def test_an_agent_may_answer_too(stranger: Browser, world: World) -> None:
    one = await ana(world)
    await stranger.sign_in(world.company.agent)

    await stranger.send(f"/console/conversations/{one.user_ns}/say", {"text": "This is Luis"})

    last = (await world.messages(one.id))[-1]
    assert (last.username, last.member_id) == ("Luis", world.company.agent.id)


async def test_a_deleted_session_cannot_answer(browser: Browser, world: World) -> None:
    one = await ana(world)
    async with world.database.write() as connection:
        await accounts.delete_sessions(connection, world.company.owner.id)

    sent = await browser.send(f"/console/conversations/{one.user_ns}/say", {"text": "Hello"})

    assert sent.goes_to == "/console/sign-in"
    assert (await world.messages(one.id))[-1].type == MessageType.OUT


async def test_a_handoff_is_accepted_and_returned_with_what_came_of_it(
    browser: Browser, world: World
) -> None:
    conversation = await ana(world, "agent")
    address = f"/console/conversations/{conversation.user_ns}"
    page = await browser.get(address)
    assert "Handoff Requested" in page.text
    assert "Nobody has accepted since" in page.text

    await browser.send(f"{address}/accept")

    page = await browser.get(address)
    assert "Handoff Accepted" in page.text
    assert "Accepted by Olga at" in page.text
    await browser.send(f"{address}/return", {"outcome": "refunded", "note": "She was kind"})

    page = await browser.get(address)
    assert (await world.conversation(conversation.id)).control is Control.BOT
    assert "Last handoff Ended by member Outcome refunded Note She was kind" in page.text


async def test_who_accepts_too_late_is_told_so(browser: Browser, world: World) -> None:
    conversation = await ana(world, "agent")
    by_luis = HandoffAccepted(to=ByConversation(conversation.id), by="api", member_id=world.company.agent.id)
    await world.submit(by_luis)

    await browser.send(f"/console/conversations/{conversation.user_ns}/accept")

    page = await browser.get(f"/console/conversations/{conversation.user_ns}")
    assert "This handoff was accepted by Luis before." in page.text


async def test_what_the_flow_looks_out_for_is_told(browser: Browser, world: World) -> None:
    conversation = await ana(world, "agent")
    at = world.clock.now() + timedelta(minutes=2)
    assert conversation.pause is not None
    watched = msgspec.structs.replace(conversation.pause, accept_by=at)
    async with world.database.write() as connection:
        changed = msgspec.structs.replace(conversation, pause=watched)
        await stored.save(connection, [changed], {conversation.id: conversation})

    page = await browser.get(f"/console/conversations/{conversation.user_ns}")

    assert "the flow does something about it: nobody has accepted." in page.text
