"""What a flow says: its messages, filled in, as contents.

The id of a button says what pressing it does, so that it still works when it is pressed late:
`do:person` starts the subflow `person`; `say:Yes` is as good as writing *Yes*. A new version of
the flow understands the buttons of an old one.
"""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from relevo.domain.flows.expressions import Variables, filled_in
from relevo.domain.flows.languages import best
from relevo.domain.flows.messages import (
    CardsMessage,
    Choice,
    FlowButton,
    FlowCard,
    FlowMessage,
    LocationMessage,
    MediaMessage,
    TextMessage,
)
from relevo.domain.messages import Button, Card, Cards, Content, Location, Media, QuickReply, Text

REQUEST = {
    "location": {
        "en": "Send my location",
        "de": "Meinen Standort senden",
        "es": "Enviar mi ubicación",
        "fr": "Envoyer ma position",
        "pt": "Enviar a minha localização",
    },
    "contact": {
        "en": "Share my number",
        "de": "Meine Nummer teilen",
        "es": "Compartir mi número",
        "fr": "Partager mon numéro",
        "pt": "Partilhar o meu número",
    },
}
"""What stands on the button with which a customer sends what is asked for, by language."""

_DO = "do:"
_SAY = "say:"


def subflow_of(button_id: str) -> str | None:
    """The subflow that a button of this id starts, if it does."""
    return button_id[len(_DO) :] if button_id.startswith(_DO) else None


def words_of_button(button_id: str) -> str | None:
    """What a button of this id says, if it does."""
    return button_id[len(_SAY) :] if button_id.startswith(_SAY) else None


def start_id(subflow: str) -> str:
    """The id of a button that starts a subflow."""
    return _DO + subflow


def say_id(words: str) -> str:
    """The id of a button that is as good as writing these words."""
    return _SAY + words


def content_of(
    message: FlowMessage, variables: Variables, choices: tuple[Choice, ...] = ()
) -> Content | None:
    """The message as content; None when there is nothing in it. Raises TemplateFailed.

    `choices` become quick replies, before those that the message has.
    """
    match message:
        case TextMessage(text=text):
            return _text(filled_in(text, variables), message, variables, choices)
        case MediaMessage():
            return _media(message, variables)
        case LocationMessage(latitude=latitude, longitude=longitude, name=name, address=address):
            return Location(latitude, longitude, filled_in(name, variables), filled_in(address, variables))
        case CardsMessage():
            return _cards(message, variables)
        case _:
            assert_never(message)


def _cards(message: CardsMessage, variables: Variables) -> Cards | None:
    made = (_card(card, variables) for card in message.cards)
    cards = tuple(card for card in made if card.title.strip())
    return Cards(cards, message.shape, _quick_replies(message, variables)) if cards else None


def _card(card: FlowCard, variables: Variables) -> Card:
    return Card(
        title=filled_in(card.title, variables),
        subtitle=filled_in(card.text, variables),
        image_url=filled_in(card.image, variables).strip(),
        action_url=filled_in(card.url, variables).strip(),
        buttons=_buttons(card, variables),
    )


def _text(text: str, message: TextMessage, variables: Variables, choices: tuple[Choice, ...]) -> Text | None:
    if not text.strip():
        return None
    picks = tuple(QuickReply(filled_in(choice.title, variables), say_id(choice.value)) for choice in choices)
    quick_replies = picks + _quick_replies(message, variables)
    opened_by = filled_in(message.list_button, variables) if message.list_button else ""
    return Text(text, _buttons(message, variables), quick_replies, opened_by)


def with_request(text: Text, asks: Literal["location", "contact"], variables: Variables) -> Text:
    """The text with a quick reply by which the customer sends where, or who, they are."""
    titles = REQUEST[asks]
    request = QuickReply(titles[best(variables.language, titles)], asks=asks)
    return msgspec.structs.replace(text, quick_replies=(request, *text.quick_replies))


def _media(message: MediaMessage, variables: Variables) -> Media | None:
    url = filled_in(message.url, variables).strip()
    if not url:
        return None
    return Media(
        type=message.kind,
        url=url,
        title=filled_in(message.title, variables),
        caption=filled_in(message.caption, variables),
        buttons=_buttons(message, variables),
        quick_replies=_quick_replies(message, variables),
    )


def _buttons(message: TextMessage | MediaMessage | FlowCard, variables: Variables) -> tuple[Button, ...]:
    if not message.buttons:
        return ()
    made = (_button(button, variables) for button in message.buttons)
    return tuple(button for button in made if button.title.strip())


def _button(button: FlowButton, variables: Variables) -> Button:
    title = filled_in(button.title, variables)
    kind: Literal["url", "call"] = "url" if button.url else "call"
    if target := filled_in(button.url or button.call, variables):
        return Button(title, kind=kind, target=target)
    return Button(title, id=_id(button, title))


def _quick_replies(
    message: TextMessage | MediaMessage | CardsMessage, variables: Variables
) -> tuple[QuickReply, ...]:
    if not message.quick_replies:
        return ()
    titles = [(reply, filled_in(reply.title, variables)) for reply in message.quick_replies]
    return tuple(_quick_reply(reply, title, variables) for reply, title in titles if title.strip())


def _quick_reply(reply: FlowButton, title: str, variables: Variables) -> QuickReply:
    about, section = filled_in(reply.about, variables), filled_in(reply.section, variables)
    return QuickReply(title, _id(reply, title), about, section)


def _id(button: FlowButton, title: str) -> str:
    return start_id(button.do) if button.do else say_id(title)
