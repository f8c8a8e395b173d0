"""The widget in a real browser, against a server that does what the contract says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from relevo.channels.web.wire import OpenPost, SessionAnswer, WidgetCapabilities
from relevo.domain.messages import (
    Button,
    Card,
    Cards,
    Contact,
    Contacts,
    Location,
    Media,
    Other,
    QuickReply,
    Text,
)
from tests.browsers import PATIENCE, chromium
from tests.web.widget_fake import WidgetFake, serving

pytestmark = pytest.mark.browser

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f"
    "00050001ff56c72f0d0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def fake() -> WidgetFake:
    return WidgetFake()


@pytest.fixture
def base(fake: WidgetFake) -> Iterator[str]:
    with serving(fake) as base:
        yield base


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-AU")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, base: str) -> Page:
    """A shop's page with the widget on it, closed."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the widget threw {error}"))
    page.goto(base)
    return page


@pytest.fixture
def chat(page: Page) -> Page:
    """The page with the chat opened and connected."""
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)
    return page


def wait_until_online(page: Page) -> None:
    expect(page.locator("relevo-chat")).to_have_attribute("data-state", "online")
    expect(page.locator("relevo-chat")).to_have_attribute("data-transport", re.compile("events|poll"))


def write(page: Page, text: str) -> None:
    page.get_by_label("Write a message…").fill(text)
    page.get_by_label("Write a message…").press("Enter")


def shown(page: Page) -> list[str]:
    """The words in the conversation, from top to bottom."""
    return page.locator(".message:not(.typing) .bubble").all_inner_texts()


# Talking


def test_a_person_opens_the_chat_is_greeted_and_talks(chat: Page, fake: WidgetFake) -> None:
    expect(chat.get_by_role("dialog", name="Acme")).to_be_visible()
    fake.say(Text("Hello. Write *agent* to talk to a person."))
    expect(chat.get_by_role("log")).to_contain_text("Write agent to talk")
    expect(chat.locator(".bubble b")).to_have_text("agent")

    write(chat, "Is it in stock?")
    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    fake.say(Text("Yes, 12 left."), "agent")

    expect(chat.get_by_role("log")).to_contain_text("Yes, 12 left.")
    assert shown(chat) == ["Hello. Write agent to talk to a person.", "Is it in stock?", "Yes, 12 left."]
    expect(chat.locator(".agent .who")).to_have_text("Luis")
    assert (len(fake.opens), fake.posts) == (1, 1)
    assert [message.content for message in fake.said] == [Text("Is it in stock?")]


def test_nothing_is_asked_of_the_server_before_the_chat_is_opened(page: Page, fake: WidgetFake) -> None:
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()

    assert fake.sessions == []


def test_the_session_tells_what_the_page_knows(context: BrowserContext, fake: WidgetFake, base: str) -> None:
    fake.page_attributes = 'data-open data-name="Ana Diaz" data-email="ana@example.com"'
    page = context.new_page()

    page.goto(base)
    wait_until_online(page)

    profile = fake.sessions[0].profile
    assert fake.opens == [OpenPost(profile=profile)]
    assert (profile.name, profile.email, profile.locale) == ("Ana Diaz", "ana@example.com", "en-AU")
    assert profile.timezone


def test_a_visitor_who_comes_back_finds_the_conversation(chat: Page, fake: WidgetFake) -> None:
    write(chat, "Hello")
    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    fake.say(Text("Welcome"))
    expect(chat.get_by_role("log")).to_contain_text("Welcome")

    chat.reload()
    chat.get_by_role("button", name="Open chat").click()

    expect(chat.get_by_role("log")).to_contain_text("Welcome")
    assert shown(chat) == ["Hello", "Welcome"]
    assert fake.sessions[-1].token == "visitor-token"


def test_a_token_that_is_no_longer_good_is_renewed(chat: Page, fake: WidgetFake) -> None:
    fake.valid_token = "another"

    write(chat, "Still there?")

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    assert len(fake.said) == 1
    assert len(fake.sessions) == 2


def test_html_is_only_words_and_links_lead_only_to_the_web(chat: Page, fake: WidgetFake) -> None:
    attack = "<img src=x onerror=\"document.title='owned'\"> javascript:alert(1)"
    fake.say(Text(attack, (Button("Go", kind="url", target="javascript:alert(1)"),)))
    fake.say(Text("See https://shop.example/mugs?a=1&b=2, or (www.shop.example) or ana@example.com."))

    links = chat.locator(".message .bubble a")
    expect(links).to_have_count(3)
    assert [link.get_attribute("href") for link in links.all()] == [
        "https://shop.example/mugs?a=1&b=2",
        "https://www.shop.example/",
        "mailto:ana@example.com",
    ]
    assert all("noreferrer" in (link.get_attribute("rel") or "") for link in links.all())
    assert shown(chat)[0] == attack
    assert chat.get_by_text("Go", exact=True).get_attribute("href") is None
    assert chat.title() == "Shop"
    assert chat.locator(".message img").count() == 0


def test_shift_enter_makes_a_line_and_enter_sends(chat: Page, fake: WidgetFake) -> None:
    box = chat.get_by_label("Write a message…")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    box.press("Enter")

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    assert fake.said[0].content == Text("one\ntwo")
    expect(box).to_have_value("")


def test_what_was_half_written_is_there_after_a_reload(chat: Page) -> None:
    chat.get_by_label("Write a message…").fill("I was just about")

    chat.reload()
    chat.get_by_role("button", name="Open chat").click()

    expect(chat.get_by_label("Write a message…")).to_have_value("I was just about")


# What can be said


def test_a_button_is_pressed_by_its_id_and_quick_replies_go_away(chat: Page, fake: WidgetFake) -> None:
    buttons = (Button("Order", "order"), Button("Shop", kind="url", target="https://shop.example"))
    fake.say(Text("What next?", buttons, (QuickReply("Red", "r"), QuickReply("Blue", "b"))))
    expect(chat.get_by_role("link", name="Shop")).to_have_attribute("href", "https://shop.example/")

    chat.get_by_role("button", name="Blue").click()
    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    expect(chat.get_by_role("button", name="Red")).to_have_count(0)
    chat.get_by_role("button", name="Order").click()

    expect(chat.locator(".message.in")).to_have_count(2)
    expect(chat.locator(".waiting")).to_have_count(0)
    assert [(m.content.title, m.content.id) for m in fake.said] == [("Blue", "b"), ("Order", "order")]  # type: ignore[union-attr]


def test_every_kind_of_content_is_shown(chat: Page, fake: WidgetFake, base: str) -> None:
    fake.media["p"] = ("image/png", PIXEL)
    fake.say(Media("image", f"{base}/media/p", "image/png", 70, caption="Our mug"))
    fake.say(Media("image", f"{base}/media/missing", "image/png", title="gone.png"))
    fake.say(Media("video", f"{base}/media/v", "video/mp4", 9_000_000, title="Film"))
    fake.say(Media("audio", f"{base}/media/a", "audio/mpeg", 9_000, title="Sound"))
    fake.say(Media("file", f"{base}/media/f", "application/pdf", 3 * 2**20, title="Prices.pdf"))
    fake.say(Media("sticker", f"{base}/media/p", "image/png", 70))
    fake.say(Location(-33.8568, 151.2153, "Opera House"))
    fake.say(Contacts((Contact("Bo", ("+61 411 111 111",)),)))
    fake.say(Other("order", {"items": 2}))
    mug = Card("Mug", "9.90", f"{base}/media/p", "https://shop.example/m", (Button("Buy", "buy-mug"),))
    fake.say(Cards((mug, Card("Lamp")), quick_replies=(QuickReply("More", "more"),)))

    expect(chat.get_by_role("button", name="Buy")).to_be_visible()
    expect(chat.get_by_role("img", name="Our mug")).to_be_visible()
    expect(chat.get_by_role("link", name="gone.png")).to_be_visible()
    expect(chat.locator("video")).to_be_visible()
    expect(chat.locator("audio")).to_be_visible()
    expect(chat.get_by_role("link", name="Prices.pdf 3 MB")).to_be_visible()
    expect(chat.get_by_role("link", name="Opera House")).to_have_attribute(
        "href", re.compile(r"q=-33\.8568,151\.2153$")
    )
    expect(chat.get_by_role("link", name="+61 411 111 111")).to_have_attribute("href", "tel:+61411111111")
    expect(chat.get_by_text("This message cannot be shown.")).to_be_visible()
    expect(chat.get_by_role("button", name="More")).to_be_visible()


def test_a_file_is_uploaded_and_shown_once(chat: Page, fake: WidgetFake) -> None:
    with chat.expect_file_chooser() as chooser:
        chat.get_by_role("button", name="Attach a file").click()
    chooser.value.set_files({"name": "r.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(chat.get_by_role("button", name="Remove r.png")).to_be_visible()
    write(chat, "My receipt")

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    expect(chat.locator(".message.in")).to_have_count(1)
    expect(chat.get_by_role("img", name="r.png")).to_be_visible()
    content = fake.said[0].content
    assert isinstance(content, Media)
    assert (content.type, content.caption) == ("image", "My receipt")
    assert fake.media[content.media_id] == ("image/png", PIXEL)


def test_several_files_are_sent_in_their_order(chat: Page, fake: WidgetFake) -> None:
    files = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x" * (5000 - n)} for n in range(4)]
    chat.locator("relevo-chat input[type=file]").set_input_files(files)  # type: ignore[arg-type]

    fake.upload_statuses = [503]

    chat.get_by_role("button", name="Send").click()

    expect(chat.locator(".message.in:not(.waiting)")).to_have_count(4)
    assert [m.content.media_id.partition("-")[2] for m in fake.said] == [f["name"] for f in files]  # type: ignore[union-attr]


def test_a_file_over_the_limit_is_refused_before_it_is_sent(chat: Page, fake: WidgetFake) -> None:
    chat.locator("relevo-chat input[type=file]").evaluate(
        """input => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(26 * 2 ** 20)], "film.mp4", {type: "video/mp4"}));
          input.files = files.files;
          input.dispatchEvent(new Event("change"));
        }"""
    )

    expect(chat.get_by_role("status")).to_have_text("film.mp4 is too large. The limit is 25 MB.")
    assert fake.media == {}


def test_a_file_that_the_server_finds_too_large_can_be_tried_again(chat: Page, fake: WidgetFake) -> None:
    fake.session = wire_limit(fake, 10)
    chat.locator("relevo-chat input[type=file]").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 20}
    )
    chat.get_by_role("button", name="Send").click()
    expect(chat.get_by_role("status")).to_contain_text("a.txt is too large")

    fake.session = wire_limit(fake, 100)
    chat.get_by_role("button", name="Not sent. Try again").click()

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    assert len(fake.said) == 1


def test_a_picture_can_be_pasted_and_a_file_dropped(chat: Page, fake: WidgetFake) -> None:
    transfer = chat.evaluate_handle(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File(["x"], "dropped.txt", {type: "text/plain"}));
          return files;
        }"""
    )
    chat.get_by_role("dialog").dispatch_event("dragover", {"dataTransfer": transfer})
    expect(chat.locator(".dragging")).to_be_visible()
    chat.get_by_role("dialog").dispatch_event("drop", {"dataTransfer": transfer})
    expect(chat.locator(".dragging")).to_have_count(0)
    chat.get_by_label("Write a message…").evaluate(
        """input => {
          const files = new DataTransfer();
          files.items.add(new File(["y"], "pasted.png", {type: "image/png"}));
          input.dispatchEvent(new ClipboardEvent("paste", {clipboardData: files, bubbles: true}));
        }"""
    )

    expect(chat.get_by_role("button", name="Remove dropped.txt")).to_be_visible()
    chat.get_by_role("button", name="Remove pasted.png").click()
    chat.get_by_role("button", name="Send").click()

    expect(chat.locator(".message.in:not(.waiting)")).to_have_count(1)
    assert [body for _, body in fake.media.values()] == [b"x"]


def test_a_place_is_shared_when_the_person_says_so(chat: Page, fake: WidgetFake) -> None:
    chat.context.grant_permissions(["geolocation"])
    chat.context.set_geolocation({"latitude": -33.8568, "longitude": 151.2153})

    chat.get_by_role("button", name="Share your location").click()
    expect(chat.get_by_role("button", name="Remove My location")).to_be_visible()
    assert fake.said == []
    chat.get_by_role("button", name="Send").click()

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    assert [message.content for message in fake.said] == [Location(-33.8568, 151.2153)]


# Typing, ticks, unread


def test_typing_is_shown_both_ways(chat: Page, fake: WidgetFake) -> None:
    fake.type()
    expect(chat.get_by_label("is typing")).to_be_visible()
    fake.say(Text("Here I am"), "agent")
    expect(chat.get_by_label("is typing")).to_be_hidden()

    with chat.expect_response("**/typing"):
        chat.get_by_label("Write a message…").press_sequentially("abc")

    assert fake.typed == 1


def test_ticks_tell_how_far_a_message_came(chat: Page, fake: WidgetFake) -> None:
    write(chat, "Hello")
    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()

    fake.tell_status("read", 1)
    expect(chat.get_by_label("Read", exact=True)).to_be_visible()
    fake.tell_status("delivered", 1)
    fake.say(Text("Thanks"))

    expect(chat.get_by_role("log")).to_contain_text("Thanks")
    expect(chat.get_by_label("Read", exact=True)).to_be_visible()


def test_what_is_seen_is_read_and_what_is_not_is_counted(chat: Page, fake: WidgetFake) -> None:
    with chat.expect_response("**/receipts"):
        fake.say(Text("One"))
    assert [(r.status, r.up_to_seq) for r in fake.receipts] == [("read", 1)]

    chat.get_by_role("button", name="Close chat").first.click()
    with chat.expect_response("**/receipts"):
        fake.say(Text("Two"))
    assert [(r.status, r.up_to_seq) for r in fake.receipts[1:]] == [("delivered", 2)]
    expect(chat.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()

    chat.reload()
    expect(chat.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()
    with chat.expect_response("**/receipts"):
        chat.get_by_role("button", name="Open chat").click()

    assert (fake.receipts[-1].status, fake.receipts[-1].up_to_seq) == ("read", 2)


def test_days_are_told_apart(chat: Page, fake: WidgetFake) -> None:
    now = int(chat.evaluate("Date.now() / 1000"))
    fake.say(Text("Long ago"), ts=now - 5 * 86400)
    fake.say(Text("Yesterday"), ts=now - 86400)
    fake.say(Text("Now"), ts=now)

    expect(chat.locator("[data-day]")).to_have_count(3)
    days = [day.get_attribute("data-day") or "" for day in chat.locator("[data-day]").all()]
    assert days[1:] == ["Yesterday", "Today"]
    assert re.fullmatch(r"[A-Z]\w+day, \w+ \d+", days[0])


# The network


def test_a_cut_stream_is_resumed_without_gap_or_duplicate(chat: Page, fake: WidgetFake) -> None:
    fake.repeats = 2  # what a careful server sends again
    fake.say(Text("one"))
    expect(chat.get_by_role("log")).to_contain_text("one")

    fake.is_silent_on_events = True  # said between the last word on the wire and the cut
    fake.say(Text("two"))
    fake.skip_seq()
    fake.cut_events()
    fake.say(Text("three"))
    fake.is_silent_on_events = False
    expect(chat.get_by_role("log")).to_contain_text("three")
    fake.cut_events()
    fake.say(Text("four"))

    expect(chat.get_by_role("log")).to_contain_text("four")
    assert shown(chat) == ["one", "two", "three", "four"]
    assert fake.streams >= 2


def test_what_is_written_offline_is_sent_in_order_afterwards(chat: Page, fake: WidgetFake) -> None:
    chat.context.set_offline(True)
    fake.cut_events()
    write(chat, "first")
    write(chat, "second")
    expect(chat.get_by_text("You are offline.")).to_be_visible()
    expect(chat.get_by_label("Sending", exact=True).last).to_be_visible()
    fake.say(Text("Meanwhile"), "agent")

    chat.context.set_offline(False)

    expect(chat.locator(".message:not(.waiting) >> text=second")).to_be_visible()
    expect(chat.get_by_text("You are offline.")).to_be_hidden()
    assert [message.content for message in fake.said] == [Text("first"), Text("second")]
    assert shown(chat) == ["Meanwhile", "first", "second"]


def test_what_is_written_offline_survives_a_reload(chat: Page, fake: WidgetFake) -> None:
    fake.post_statuses = [503] * 1000
    write(chat, "first")
    write(chat, "second")
    expect(chat.get_by_label("Sending", exact=True).last).to_be_visible()
    fake.say(Text("Meanwhile"))
    expect(chat.get_by_role("log")).to_contain_text("Meanwhile")
    assert shown(chat) == ["Meanwhile", "first", "second"]

    chat.reload()
    fake.post_statuses = []
    chat.get_by_role("button", name="Open chat").click()

    expect(chat.get_by_label("Sent", exact=True).last).to_be_visible()
    expect(chat.locator(".waiting")).to_have_count(0)
    assert [message.content for message in fake.said] == [Text("first"), Text("second")]
    assert shown(chat) == ["Meanwhile", "first", "second"]


def test_a_message_whose_answer_was_lost_is_sent_again_under_the_same_id(
    chat: Page, fake: WidgetFake
) -> None:
    fake.lost_answers = 2

    write(chat, "Hello")
    write(chat, "Again")

    expect(chat.locator(".waiting")).to_have_count(0)
    assert [message.content for message in fake.said] == [Text("Hello"), Text("Again")]
    assert shown(chat) == ["Hello", "Again"]


def test_a_refused_message_does_not_hold_the_rest_and_can_be_tried_again(
    chat: Page, fake: WidgetFake
) -> None:
    fake.post_statuses = [422]

    write(chat, "refused")
    write(chat, "taken")
    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    assert [message.content for message in fake.said] == [Text("taken")]
    chat.get_by_role("button", name="Not sent. Try again").click()

    expect(chat.get_by_role("button", name="Not sent. Try again")).to_have_count(0)
    expect(chat.locator(".waiting")).to_have_count(0)
    assert [message.content for message in fake.said] == [Text("taken"), Text("refused")]


def test_without_server_sent_events_it_polls(context: BrowserContext, fake: WidgetFake, base: str) -> None:
    fake.refuses_events = True
    page = context.new_page()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator("relevo-chat")).to_have_attribute("data-transport", "poll")

    fake.say(Text("one"))
    expect(page.get_by_role("log")).to_contain_text("one")
    write(page, "two")
    fake.say(Text("three"))

    expect(page.get_by_role("log")).to_contain_text("three")
    assert sorted(shown(page)) == ["one", "three", "two"]
    assert fake.streams == 0
    assert fake.polls >= 2


def test_a_server_that_serves_no_events_is_polled_from_the_start(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    fake.session = msgspec.structs.replace(fake.session, capabilities=WidgetCapabilities(events=False))
    page = context.new_page()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator("relevo-chat")).to_have_attribute("data-transport", "poll")

    fake.say(Text("Hello"))

    expect(page.get_by_role("log")).to_contain_text("Hello")
    assert fake.streams == 0


def test_a_stream_that_keeps_silent_is_left_for_polling(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    fake.is_silent_on_events = True
    page = context.new_page()
    page.clock.install()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)

    for times, text in enumerate(("one", "two"), start=1):
        write(page, text)
        expect(page.get_by_label("Sent", exact=True).last).to_be_visible()
        expect(page.locator(".waiting")).to_have_count(0)
        assert (fake.streams, fake.posts) == (times, times)
        with page.expect_response(re.compile("/messages.after=.*wait=0")):
            page.clock.fast_forward(6000)
            page.clock.fast_forward(1000)
        if times == 1:
            fake.wait_for_streams(2)

    expect(page.locator("relevo-chat")).to_have_attribute("data-transport", "poll")
    fake.say(Text("three"))
    expect(page.get_by_role("log")).to_contain_text("three")


def test_two_tabs_show_one_conversation(chat: Page, fake: WidgetFake, base: str) -> None:
    other = chat.context.new_page()
    other.goto(base)
    other.get_by_role("button", name="Open chat").click()
    wait_until_online(other)

    write(chat, "from the first")
    expect(other.get_by_role("log")).to_contain_text("from the first")
    write(other, "from the second")

    expect(chat.get_by_role("log")).to_contain_text("from the second")
    assert shown(chat) == shown(other) == ["from the first", "from the second"]
    assert len(fake.said) == 2


def test_a_connection_that_died_while_the_page_slept_is_made_anew(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)
    hide(page, True)
    fake.is_silent_on_events = True
    fake.say(Text("While you slept"))

    page.clock.fast_forward(40_000)
    hide(page, False)

    expect(page.get_by_role("log")).to_contain_text("While you slept")


def test_a_closed_chat_in_a_hidden_tab_holds_no_connection(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)
    page.keyboard.press("Escape")

    hide(page, True)
    page.clock.fast_forward(40_000)
    fake.wait_until_no_stream()
    fake.say(Text("Are you back?"))
    hide(page, False)

    expect(page.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()


def test_a_channel_that_is_gone_is_said_to_be(context: BrowserContext, fake: WidgetFake, base: str) -> None:
    fake.session_status = 404
    page = context.new_page()
    page.goto(base)

    page.get_by_role("button", name="Open chat").click()

    expect(page.get_by_role("status")).to_have_text("This chat is not available right now.")
    fake.session_status = 200
    expect(page.get_by_role("status")).to_be_hidden()


def test_without_storage_the_chat_lasts_as_long_as_the_page(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})"
    )
    page = context.new_page()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)

    write(page, "Hello")

    expect(page.get_by_label("Sent", exact=True)).to_be_visible()
    assert len(fake.said) == 1


def test_a_conversation_that_begins_later_is_the_same_visitors(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    fake.session = msgspec.structs.replace(fake.session, user_ns="")
    page = context.new_page()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)
    with page.expect_response("**/receipts"):
        fake.say(Text("Hello"))
    page.keyboard.press("Escape")

    fake.session = msgspec.structs.replace(fake.session, user_ns="f1001u1")
    page.reload()

    expect(page.locator("relevo-chat")).to_have_attribute("data-state", "online")
    expect(page.get_by_role("button", name="Open chat", exact=True)).to_be_visible()


def test_another_visitors_conversation_is_not_left_on_the_screen(chat: Page, fake: WidgetFake) -> None:
    fake.say(Text("For the first visitor"))
    expect(chat.get_by_role("log")).to_contain_text("For the first visitor")

    fake.valid_token = "none"
    fake.become_somebody_else()
    write(chat, "Who am I?")

    expect(chat.get_by_label("Sent", exact=True)).to_be_visible()
    expect(chat.get_by_role("log")).not_to_contain_text("For the first visitor")
    assert [message.content for message in fake.said] == [Text("Who am I?")]


# Around it


def test_the_keyboard_opens_walks_around_inside_and_closes(page: Page) -> None:
    launcher = page.get_by_role("button", name="Open chat")
    launcher.focus()
    page.keyboard.press("Enter")
    box = page.get_by_label("Write a message…")
    expect(box).to_be_focused()

    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "RELEVO-CHAT"
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") != "launcher"
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()


def test_a_screen_reader_hears_who_said_what(chat: Page, fake: WidgetFake) -> None:
    fake.say(Text("Hello"), "agent")
    expect(chat.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "polite")
    expect(chat.get_by_role("log")).not_to_have_attribute("aria-busy", "true")

    expect(chat.locator(".message").first).to_contain_text(re.compile("Luis.*Hello", re.DOTALL))


def test_it_works_from_another_origin_under_a_strict_policy(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    ours = base.replace("127.0.0.1", "localhost")
    fake.script_base = base
    fake.page_headers = {
        "content-security-policy": f"default-src 'none'; script-src {base}; connect-src {base}; "
        f"img-src {base} blob:; style-src 'unsafe-hashes'; require-trusted-types-for 'script'"
    }
    page = context.new_page()
    page.goto(ours)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)

    write(page, "Hello")

    expect(page.get_by_label("Sent", exact=True)).to_be_visible()
    fake.say(Text("Hi"))
    expect(page.get_by_role("log")).to_contain_text("Hi")
    assert page.get_by_role("dialog").evaluate("node => getComputedStyle(node).display") == "flex"


def test_the_same_chat_is_a_page_of_its_own(context: BrowserContext, fake: WidgetFake, base: str) -> None:
    page = context.new_page()
    page.goto(f"{base}/chat/KEY")
    wait_until_online(page)
    expect(page.get_by_role("button", name="Close chat")).to_have_count(0)

    write(page, "Hello")

    expect(page.get_by_label("Sent", exact=True)).to_be_visible()
    box = page.get_by_role("main").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (1280, 720)


def test_on_a_phone_it_fills_the_screen(browser: Browser, fake: WidgetFake, base: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(base)
    page.get_by_role("button", name="Open chat").click()
    wait_until_online(page)

    page.wait_for_function(
        """() => {
          const inside = document.querySelector("relevo-chat").shadowRoot;
          const box = inside.querySelector(".panel").getBoundingClientRect();
          return [box.x, box.y, box.width, box.height].join() === "0,0,390,844";
        }"""
    )
    context.close()


def test_the_reader_of_older_messages_is_left_there(chat: Page, fake: WidgetFake) -> None:
    for number in range(30):
        fake.say(Text(f"Message {number}"))
    expect(chat.get_by_text("Message 29")).to_be_in_viewport()
    chat.get_by_role("log").evaluate("log => log.scrollTop = 0")
    expect(chat.get_by_role("button", name="New messages")).to_be_visible()

    fake.say(Text("Newest"))
    expect(chat.get_by_role("log")).to_contain_text("Newest")
    expect(chat.get_by_text("Message 0", exact=True)).to_be_in_viewport()
    chat.get_by_role("button", name="New messages").click()

    expect(chat.get_by_text("Newest")).to_be_in_viewport()
    expect(chat.get_by_role("button", name="New messages")).to_be_hidden()


def test_the_page_may_choose_words_colour_and_theme(
    context: BrowserContext, fake: WidgetFake, base: str
) -> None:
    fake.page_attributes = (
        """data-words='{"open": "Abrir"}' data-color="#ffcc00" data-theme="dark" data-title="Uno" """
    )
    page = context.new_page()
    page.goto(base)

    page.get_by_role("button", name="Abrir").click()

    header = page.get_by_role("dialog", name="Uno").locator("header")
    assert header.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 204, 0)"
    assert header.evaluate("node => getComputedStyle(node).color") == "rgb(17, 17, 17)"
    assert page.get_by_role("dialog").evaluate("node => getComputedStyle(node).color") == "rgb(238, 240, 243)"


def hide(page: Page, is_hidden: bool) -> None:
    """As if the person went to another tab."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def wire_limit(fake: WidgetFake, limit: int) -> SessionAnswer:
    return msgspec.structs.replace(fake.session, upload_limit=limit)
