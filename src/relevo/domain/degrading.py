"""Rich content → the plainest form that a channel can carry.

Nothing is dropped while words can say it: buttons become numbered lines, cards become pictures with
captions, what cannot be shown becomes a link. What was lost on the way is named, so that a person can
find it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import assert_never

import msgspec

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
    Other,
    QuickReply,
    Reaction,
    Text,
    plain_text,
)

EVERY_BUTTON = frozenset({"reply", "url", "call"})
EVERY_MEDIA = frozenset({"image", "video", "audio", "file", "sticker"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What can be carried: `text` in characters (at least 1) or, with `in_bytes`, in bytes of UTF-8 (at
    least 4), the types of media, and how many buttons and quick replies one message may have.

    `button_text`, `reply_text`: the most of a text that has buttons or quick replies, 0: as of any other.

    `caption` in characters (0: as many as of a text), of the types of media that are `captioned`: those
    may have words and buttons.
    `media_sizes` in bytes and `media_kinds` as MIME types, by type. `button_id` in bytes and `button_title`
    in characters, 0: any. `albums`: how many pictures with words one message may have.
    `options`: how many buttons and quick replies one message may have together, and `captioned_options` one
    with a file; 0: no more is asked than of each. `most_cards`: of one message, 0: any.
    `requests`: what a quick reply may ask for: `location`, `contact`.
    """

    text: int = 4096
    in_bytes: bool = False
    button_text: int = 0
    reply_text: int = 0
    caption: int = 0
    captioned: frozenset[str] = EVERY_MEDIA
    media: frozenset[str] = frozenset()
    media_sizes: dict[str, int] = {}
    media_kinds: dict[str, frozenset[str]] = {}
    buttons: int = 0
    button_kinds: frozenset[str] = EVERY_BUTTON
    button_id: int = 0
    button_title: int = 0
    quick_replies: int = 0
    options: int = 0
    captioned_options: int = 0
    cards: bool = False
    most_cards: int = 0
    albums: int = 0
    location: bool = False
    contacts: bool = False
    requests: frozenset[str] = frozenset()
    reactions: bool = False
    templates: bool = False


class Degraded(msgspec.Struct, frozen=True):
    """What is to be sent, in order, and what it no longer has (empty: nothing was lost).

    `numbered` are the buttons that became lines with a number before them, the first being 1.
    """

    contents: tuple[Content, ...]
    lost: tuple[str, ...] = ()
    numbered: tuple[QuickReply, ...] = ()


def degrade(content: Content, limits: Limits) -> Degraded:
    """The plainest form of `content` that respects `limits`.

    No contents at all when there are no words for it (an order without a text, say).
    """
    return _Degrading(limits).degraded(content)


def has_options(content: Content) -> bool:
    """Whether there is anything to press in it."""
    match content:
        case Text() | Media():
            return bool(content.buttons or content.quick_replies)
        case Cards():
            return True
        case _:
            return False


def chosen(numbered: Sequence[QuickReply], said: str) -> QuickReply | None:
    """Which of the numbered buttons an answer means: by its number (`2`, `2.`, `#2`), or by its title."""
    said = said.strip()
    if match := _NUMBER.fullmatch(said):
        number = int(match[1])
        return numbered[number - 1] if 1 <= number <= len(numbered) else None
    return next((one for one in numbered if one.title.strip().casefold() == said.casefold()), None)


_NUMBER = re.compile(r"#?\s?([0-9]{1,3})\s?[.):]?")


def split_text(text: str, limit: int, *, in_bytes: bool = False) -> tuple[str, ...]:
    """Cut a text into parts of at most `limit` characters (or bytes): at the end of a sentence where there
    is one, else between words, else anywhere."""
    parts = []
    rest = text if len(text) <= _room(text, limit, in_bytes=in_bytes) else text.strip()
    while len(rest) > (room := _room(rest, limit, in_bytes=in_bytes)):
        end = _best_cut(rest, room)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return (*parts, rest) if rest.strip() else tuple(parts)


def _room(text: str, limit: int, *, in_bytes: bool) -> int:
    """How many characters of a text one part may have."""
    return len(text.encode()[:limit].decode(errors="ignore")) if in_bytes else limit


def map_link(place: Location) -> str:
    """A link that opens the place in a map (Google's documented "Maps URLs", which need no key)."""
    return f"https://www.google.com/maps/search/?api=1&query={place.latitude},{place.longitude}"


_SENTENCE_END = re.compile(r"[.!?…]['\")\]»”’]*(?=\s)|[。！？]|\n")


def _best_cut(text: str, limit: int) -> int:
    """Where to cut: never so early that most of the room stays empty, if a word boundary does better."""
    sentences = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1) if match.end() <= limit]
    if sentences and sentences[-1] > limit // 3:
        return sentences[-1]
    spaces = [match.start() for match in re.finditer(r"\s", text[: limit + 1])]
    return spaces[-1] if spaces else limit


class _Degrading:
    """One content on its way down. Numbers of buttons run on through all of its parts."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lost: list[str] = []
        self.choices: list[QuickReply] = []

    def degraded(self, content: Content) -> Degraded:
        contents = tuple(self.parts(content))
        return Degraded(contents, tuple(dict.fromkeys(self.lost)), tuple(self.choices))

    def parts(self, content: Content) -> Iterator[Content]:
        match content:
            case Text():
                yield from self.text(content)
            case Media():
                yield from self.media(content)
            case Cards():
                yield from self.cards(content)
            case Location():
                yield from self.location(content)
            case Contacts() if self.limits.contacts:
                yield content
            case Reaction() if self.limits.reactions:
                yield content
            case Other(type="template") if self.limits.templates:
                yield content
            case Contacts(contacts=contacts):
                self.lost.append("contacts became text")
                yield from self.words("\n".join(map(_contact_line, contacts)))
            case Interactive() | Reaction() | Other():
                self.lost.append(f"{content.__struct_config__.tag} became text")
                yield from self.words(plain_text(content))
            case _:
                assert_never(content)

    def words(self, text: str) -> Iterator[Content]:
        yield from map(Text, self.split(text))

    def split(self, text: str, *, last: int = 0) -> tuple[str, ...]:
        """Only the last part has the buttons, and may have to be shorter for them."""
        parts = split_text(text, self.limits.text, in_bytes=self.limits.in_bytes)
        if not (parts and last):
            return parts
        return (*parts[:-1], *split_text(parts[-1], last, in_bytes=self.limits.in_bytes))

    def shortest(self, buttons: Sequence[Button], quick_replies: Sequence[QuickReply]) -> int:
        """The most of a text that has these; 0: as of any other."""
        limits = (self.limits.button_text if buttons else 0, self.limits.reply_text if quick_replies else 0)
        return min(filter(None, limits), default=0)

    def text(self, text: Text) -> Iterator[Content]:
        """Buttons and quick replies stay with the last part: they belong where the reading ends."""
        words, buttons, quick_replies = self.options(text.text, text.buttons, text.quick_replies)
        parts = self.split(words, last=self.shortest(buttons, quick_replies))
        if len(parts) > 1:
            self.lost.append(f"a text of {len(words)} characters was split")
        yield from map(Text, parts[:-1])
        if parts or buttons or quick_replies:
            opened_by = text.list_button if quick_replies else ""
            yield Text(parts[-1] if parts else "", buttons, quick_replies, opened_by)

    def media(self, media: Media) -> Iterator[Content]:
        kind = self.media_kind(media)
        if kind is None:
            self.lost.append(f"{media.type} became a link")
            yield from self.text(
                Text(_lines(media.caption or media.title, media.url), media.buttons, media.quick_replies)
            )
            return
        if kind != media.type:
            self.lost.append(f"{media.type} became {kind}")
        caption, buttons, quick_replies = self.options(media.caption, media.buttons, media.quick_replies)
        plainer = msgspec.structs.replace(media, type=kind, caption=caption)
        if self.fits(kind, caption, len(buttons) + len(quick_replies)):
            yield msgspec.structs.replace(plainer, buttons=buttons, quick_replies=quick_replies)
        else:
            self.lost.append(f"a caption of {len(caption)} characters became text")
            yield msgspec.structs.replace(plainer, caption="", buttons=(), quick_replies=())
            yield from self.text(Text(caption, buttons, quick_replies))

    def fits(self, kind: str, caption: str, options: int) -> bool:
        """Whether a file can have these words, and so many buttons, with it."""
        if kind not in self.limits.captioned:
            return not (caption or options)
        return len(caption) <= self.longest_caption and options <= (self.limits.captioned_options or options)

    @property
    def longest_caption(self) -> int:
        return self.limits.caption or self.limits.text

    def media_kind(self, media: Media) -> str | None:
        """What to send it as: itself, a sticker as a picture, anything as a file; None: as a link."""
        wishes = (media.type, "image" if media.type == "sticker" else media.type, "file")
        return next((kind for kind in wishes if self.takes(kind, media)), None)

    def takes(self, kind: str, media: Media) -> bool:
        """Whether a file can be sent as this kind, as far as its size and type are known."""
        size, mime_type = media.size, media.mime_type
        return (
            kind in self.limits.media
            and size <= self.limits.media_sizes.get(kind, size)
            and (not mime_type or mime_type in self.limits.media_kinds.get(kind, {mime_type}))
        )

    def cards(self, cards: Cards) -> Iterator[Content]:
        if self.carries(cards):
            yield from self.galleries(cards)
            return
        self.lost.append("cards became messages")
        for position, card in enumerate(cards.cards, start=1):
            is_last = position == len(cards.cards)
            yield from self.parts(_plain_card(card, cards.quick_replies if is_last else ()))

    def galleries(self, cards: Cards) -> Iterator[Content]:
        """As many messages as their number needs; the quick replies stay with the last."""
        words, _, quick_replies = self.options("", (), cards.quick_replies)
        most = self.limits.most_cards or len(cards.cards) or 1
        parts = [cards.cards[at : at + most] for at in range(0, len(cards.cards), most)] or [()]
        if len(parts) > 1:
            self.lost.append(f"{len(cards.cards)} cards were split")
        for part in parts[:-1]:
            yield msgspec.structs.replace(cards, cards=part, quick_replies=())
        yield msgspec.structs.replace(cards, cards=parts[-1], quick_replies=quick_replies)
        yield from self.words(words)

    def carries(self, cards: Cards) -> bool:
        """Whether cards can be sent as they are, or as an album of pictures with words."""
        if self.limits.cards:
            return all(self.fit_on_a_card(card.buttons) for card in cards.cards)
        has_room = 2 <= len(cards.cards) <= self.limits.albums and not cards.quick_replies
        return has_room and all(
            card.image_url and not card.buttons and len(card_words(card)) <= self.longest_caption
            for card in cards.cards
        )

    def fit_on_a_card(self, buttons: tuple[Button, ...]) -> bool:
        kinds = {button.kind for button in buttons}
        fits = len(buttons) <= self.limits.buttons and kinds <= self.limits.button_kinds
        return fits and self.has_room_for(buttons)

    def location(self, place: Location) -> Iterator[Content]:
        if self.limits.location:
            yield place
            return
        self.lost.append("location became a link")
        yield from self.words(_lines(place.name, place.address, map_link(place)))

    def options(
        self, words: str, buttons: tuple[Button, ...], quick_replies: tuple[QuickReply, ...]
    ) -> tuple[str, tuple[Button, ...], tuple[QuickReply, ...]]:
        """The words with everything in them that there is no room for as buttons."""
        lines = [words]
        quick_replies = self.requests(quick_replies)
        if len(buttons) > self.limits.buttons or not self.has_room_for(buttons):
            self.lost.append("buttons became text")
            lines += self.button_lines(buttons)
            buttons = ()
        elif others := tuple(one for one in buttons if one.kind not in self.limits.button_kinds):
            self.lost.append("buttons became text")
            lines += self.button_lines(others)
            buttons = tuple(one for one in buttons if one.kind in self.limits.button_kinds)
        too_many = len(quick_replies) > self.limits.quick_replies
        too_many |= 0 < self.limits.options < len(buttons) + len(quick_replies)
        if too_many or not self.has_room_for(quick_replies):
            self.lost.append("quick replies became text")
            lines += [self.numbered(reply) for reply in quick_replies]
            quick_replies = ()
        return _lines(*lines), buttons, quick_replies

    def requests(self, quick_replies: tuple[QuickReply, ...]) -> tuple[QuickReply, ...]:
        """Without those that ask for what cannot be asked for: the question itself says what to send."""
        kept = tuple(one for one in quick_replies if not one.asks or one.asks in self.limits.requests)
        if len(kept) < len(quick_replies):
            self.lost.append("a request became words")
        return kept

    def has_room_for(self, options: Sequence[Button | QuickReply]) -> bool:
        """Whether all of their ids and titles are short enough."""
        id_, title = self.limits.button_id, self.limits.button_title
        return all(
            len(option.id.encode()) <= (id_ or sys.maxsize) and len(option.title) <= (title or sys.maxsize)
            for option in options
        )

    def button_lines(self, buttons: Sequence[Button]) -> list[str]:
        return [
            self.numbered(QuickReply(button.title, button.id))
            if button.kind == "reply"
            else f"{button.title}: {button.target}"
            for button in buttons
        ]

    def numbered(self, choice: QuickReply) -> str:
        self.choices.append(choice)
        about = f" – {choice.about}" if choice.about else ""
        return f"{len(self.choices)}. {choice.title}{about}"


def card_words(card: Card) -> str:
    """What a card says, as a caption."""
    return _lines(card.title, card.subtitle, card.action_url)


def _plain_card(card: Card, quick_replies: tuple[QuickReply, ...]) -> Content:
    words = card_words(card)
    if card.image_url:
        return Media(
            "image", card.image_url, caption=words, buttons=card.buttons, quick_replies=quick_replies
        )
    return Text(words, card.buttons, quick_replies)


def _contact_line(contact: Contact) -> str:
    return ": ".join(filter(None, (contact.name, ", ".join((*contact.phones, *contact.emails)))))


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))
