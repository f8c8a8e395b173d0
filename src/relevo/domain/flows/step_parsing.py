"""The steps of a flow file, read one by one; each mistake is reported where it stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypeVar, get_args

from relevo.domain.flows.condition_parsing import condition
from relevo.domain.flows.model import (
    AnswerKind,
    Ask,
    Call,
    Choice,
    End,
    FlowButton,
    FlowMessage,
    GiveUp,
    Go,
    LocationMessage,
    MediaMessage,
    Pause,
    Send,
    Set,
    Step,
    Tag,
    TextMessage,
    Timeout,
    Untag,
    Wait,
    When,
    Words,
)
from relevo.domain.flows.value_parsing import (
    Names,
    field_value,
    fixed_text,
    fixed_texts,
    settable_name,
    template,
)
from relevo.domain.flows.words import folded
from relevo.domain.yaml_reading import Mapping, Value, did_you_mean, nearest, quoted

MAX_BUTTONS = 10
MAX_QUICK_REPLIES = 11
_YEAR_OF_MINUTES = 366 * 24 * 60

_T = TypeVar("_T")

_MEDIA: tuple[Literal["image", "video", "audio", "file"], ...] = ("image", "video", "audio", "file")
_CONTENTS = ("text", *_MEDIA, "location")
_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)


def steps(value: Value, names: Names) -> tuple[Step, ...]:
    """A list of steps, at least one."""
    items = value.items("write a list of steps, each on a line that starts with -")
    if value.is_list and not items:
        value.problem(f"{value.name} has no steps", "add one, or leave it out")
    return tuple(step for item in items if (step := _step(item, names)) is not None)


def _step(item: Value, names: Names) -> Step | None:
    if not item.is_mapping:
        return _bare_step(item)
    keys = item.mapping()
    assert keys is not None
    found = [key for key in keys if key in STEPS]
    if len(found) != 1:
        _report_step(keys, found)
        return None
    name = found[0]
    _check_beside(keys, name)
    return STEPS[name](keys, names)


def _check_beside(keys: Mapping, name: str) -> None:
    beside = BESIDE.get(name, ())
    for key in keys:
        if key not in (name, *beside):
            inside = f"write it inside: {name}: {{{key}: …}}"
            remedy = did_you_mean(key, beside) if nearest(key, beside) else inside
            keys.problem_at(key, f"{quoted(key)} does not belong beside {name}", remedy)


def _report_step(keys: Mapping, found: list[str]) -> None:
    if found:
        what = f"one step does several things: {', '.join(found)}"
        keys.problem_at(found[1], what, "start each with a - of its own")
    elif len(keys):
        first = next(iter(keys))
        keys.problem_at(first, f"there is no step {quoted(first)}", did_you_mean(first, STEPS))
    else:
        keys.problem("an empty step", f"write one of: {', '.join(STEPS)}")


def _bare_step(item: Value) -> Step | None:
    """A step that is a word alone: `- end`."""
    word = item.text(f"write one of: {', '.join(STEPS)}")
    match word:
        case "end":
            return End()
        case "pause_bot":
            return Pause()
        case None:
            pass
        case _ if word in STEPS:
            item.problem(f"{word} says nothing", f"write {word}: and what it is to do")
        case _:
            item.problem(f"there is no step {quoted(word)}", did_you_mean(word, STEPS))
    return None


# Messages


def _send(keys: Mapping, names: Names) -> Step | None:
    message = _message(keys["send"], names)
    return None if message is None else Send(message)


def _message(value: Value, names: Names) -> FlowMessage | None:
    if not value.is_mapping:
        text = template(value)
        return None if text is None else TextMessage(text)
    keys = value.mapping()
    assert keys is not None
    found = [key for key in _CONTENTS if key in keys]
    if len(found) != 1:
        _report_contents(keys, found)
        return None
    if found[0] == "text":
        return _text_message(keys, names)
    return _location(keys) if found[0] == "location" else _media(keys, names)


def _report_contents(keys: Mapping, found: list[str]) -> None:
    if found:
        keys.problem(f"{' and '.join(found)} in one message", "send each by a step of its own")
    elif meant := next((key for key in keys if nearest(key, _CONTENTS)), None):
        keys.problem_at(meant, f"unknown key {quoted(meant)}", did_you_mean(meant, _CONTENTS))
    else:
        keys.problem("the message has no content", f"add one of: {', '.join(_CONTENTS)}")


def _text_message(keys: Mapping, names: Names) -> TextMessage | None:
    keys.only(("text", "buttons", "quick_replies"))
    text = template(keys["text"])
    buttons, quick_replies = _buttons(keys, names), _quick_replies(keys, names)
    return None if text is None else TextMessage(text, buttons, quick_replies)


def _media(keys: Mapping, names: Names) -> MediaMessage | None:
    kind = next(kind for kind in _MEDIA if kind in keys)
    keys.only((kind, "title", "caption", "buttons", "quick_replies"))
    url = _url(keys[kind], ("http://", "https://"))
    title, caption = _words(keys, "title"), _words(keys, "caption")
    buttons, quick_replies = _buttons(keys, names), _quick_replies(keys, names)
    return None if url is None else MediaMessage(kind, url, title, caption, buttons, quick_replies)


def _location(keys: Mapping) -> LocationMessage | None:
    keys.only(("location",))
    place = keys["location"].mapping(("latitude", "longitude", "name", "address"))
    if place is None:
        return None
    latitude, longitude = _degrees(place, "latitude", 90), _degrees(place, "longitude", 180)
    name, address = _words(place, "name"), _words(place, "address")
    if latitude is None or longitude is None:
        return None
    return LocationMessage(latitude, longitude, name, address)


def _degrees(place: Mapping, key: str, most: int) -> float | None:
    value = place.need(key, f"add {key}: degrees from -{most} to {most}")
    number = value.number() if value else None
    if value is None or number is None:
        return None
    if abs(number) > most:
        value.mismatch(f"from -{most} to {most} degrees", "north and east are positive")
        return None
    return float(number)


def _words(keys: Mapping, key: str) -> Words:
    """A template that may be left out."""
    value = keys.get(key)
    return (template(value) or "") if value else ""


def _url(value: Value, schemes: tuple[str, ...]) -> Words | None:
    url = template(value)
    if isinstance(url, str) and not url.lower().startswith(schemes):
        value.mismatch("a URL", f"start it with {schemes[-1]}")
        return None
    return url


# Buttons


def _buttons(keys: Mapping, names: Names) -> tuple[FlowButton, ...]:
    return _pressables(keys.get("buttons"), names, ("do", "url", "call"), MAX_BUTTONS)


def _quick_replies(keys: Mapping, names: Names) -> tuple[FlowButton, ...]:
    return _pressables(keys.get("quick_replies"), names, ("do",), MAX_QUICK_REPLIES)


def _pressables(
    value: Value | None, names: Names, actions: tuple[str, ...], most: int
) -> tuple[FlowButton, ...]:
    if value is None:
        return ()
    items = value.items()
    if len(items) > most:
        value.problem(f"{len(items)} {value.name}", f"at most {most} fit under a message")
    return tuple(button for item in items if (button := _button(item, names, actions)) is not None)


def _button(value: Value, names: Names, actions: tuple[str, ...]) -> FlowButton | None:
    if not value.is_mapping:
        title = template(value)
        return None if title is None else FlowButton(title)
    keys = value.mapping(("title", *actions))
    assert keys is not None
    title_value = keys.need("title", "add title: the words on it")
    title = template(title_value) if title_value else None
    given = [action for action in actions if action in keys]
    if given[1:]:
        keys.problem_at(given[1], f"one button does several things: {', '.join(given)}", "keep one of them")
    do, url, call = _button_action(keys, names, given)
    return None if title is None else FlowButton(title, do, url, call)


def _button_action(keys: Mapping, names: Names, given: list[str]) -> tuple[str, Words, Words]:
    do = (names.subflow(keys["do"]) or "") if "do" in given else ""
    url = (_url(keys["url"], ("http://", "mailto:", "tel:", "https://")) or "") if "url" in given else ""
    call = (template(keys["call"]) or "") if "call" in given else ""
    return do, url, call


# Questions


def _ask(keys: Mapping, names: Names) -> Step | None:
    value = keys["ask"]
    if not value.is_mapping:
        text = template(value)
        return None if text is None else Ask(TextMessage(text))
    known = ("text", "buttons", "quick_replies", "kind", "choices", "save", "retry", "give_up", "timeout")
    inner = value.mapping(known)
    assert inner is not None
    text_value = inner.need("text", "add text: the question")
    choices = _choices(inner)
    ask = Ask(
        message=TextMessage(
            (template(text_value) or "") if text_value else "",
            _buttons(inner, names),
            _quick_replies(inner, names),
        ),
        kind=_kind(inner),
        choices=choices,
        save=_save(inner),
        retry=_words(inner, "retry"),
        give_up=_give_up(inner, names),
        timeout=_timeout(inner, names),
    )
    return ask


def _kind(keys: Mapping) -> AnswerKind:
    """What the answer must be: `choice` where there are choices, `text` otherwise."""
    value = keys.get("kind")
    word = value.one_of(_KINDS) if value else None
    kind = next((kind for kind in _KINDS if kind == word), "choice" if "choices" in keys else "text")
    if kind == "choice" and "choices" not in keys:
        keys.problem('"choices" is missing', "add choices: [Yes, No]")
    if kind != "choice" and "choices" in keys:
        keys.problem_at(
            "choices", f"a question of the kind {kind} has no choices", "leave out kind, or choices"
        )
    return kind


def _choices(keys: Mapping) -> tuple[Choice, ...]:
    value = keys.get("choices")
    if value is None:
        return ()
    items = value.items("write a list: [Yes, No]")
    if value.is_list and not 1 <= len(items) <= MAX_QUICK_REPLIES:
        value.problem(f"{len(items)} choices", f"write 1 to {MAX_QUICK_REPLIES}")
    found = [(item, choice) for item in items if (choice := _choice(item)) is not None]
    _report_same_choices(found)
    return tuple(choice for _, choice in found)


def _choice(value: Value) -> Choice | None:
    if not value.is_mapping:
        alone = fixed_text(value)
        return None if alone is None else Choice(alone, alone)
    keys = value.mapping(("title", "value"))
    assert keys is not None
    title_value, saved = keys.need("title", "add title: the words on it"), keys.get("value")
    title = fixed_text(title_value) if title_value else None
    stored = fixed_text(saved) if saved else title
    return None if title is None or stored is None else Choice(title, stored)


def _report_same_choices(found: list[tuple[Value, Choice]]) -> None:
    seen: set[str] = set()
    for value, choice in found:
        if folded(choice.title) in seen:
            value.problem(f"the choice {quoted(choice.title)} is given twice", "keep one of them")
        seen.add(folded(choice.title))


def _save(keys: Mapping) -> str:
    value = keys.get("save")
    return (settable_name(value, value.text("write the name of a field")) or "") if value else ""


def _give_up(keys: Mapping, names: Names) -> GiveUp:
    value = keys.get("give_up")
    inner = value.mapping(("after", "do"), "for example {after: 3, do: person}") if value else None
    if inner is None:
        return GiveUp()
    after = inner.get("after")
    times = after.integer(least=1, most=20) if after else None
    return GiveUp(times or GiveUp().after, _do(inner, names))


def _timeout(keys: Mapping, names: Names) -> Timeout | None:
    value = keys.get("timeout")
    inner = value.mapping(("after", "do"), "for example {after: 10m, do: person}") if value else None
    if inner is None:
        return None
    after = inner.need("after", "add after: 10m")
    length = after.duration() if after else None
    do = _do(inner, names)
    return None if length is None else Timeout(length, do)


def _do(keys: Mapping, names: Names) -> tuple[Step, ...]:
    """`do`: the steps themselves, or the name of a subflow to go to."""
    value = keys.get("do")
    if value is None:
        return ()
    if value.is_list:
        return steps(value, names)
    name = names.subflow(value)
    return () if name is None else (Go(name),)


# The other steps


def _when(keys: Mapping, names: Names) -> Step | None:
    test = condition(keys["when"])
    then_value, else_value = keys.need("then", "add then: and a list of steps"), keys.get("else")
    then = steps(then_value, names) if then_value else ()
    otherwise = steps(else_value, names) if else_value else ()
    return None if test is None else When(test, then, otherwise)


def _set(keys: Mapping, names: Names) -> Step | None:
    values = keys["set"].mapping(remedy="for example set: {plan: pro}")
    if values is None:
        return None
    if not len(values):
        keys["set"].problem("set sets nothing", "for example set: {plan: pro}")
    return Set(
        tuple((settable_name(value, name) or "", field_value(value)) for name, value in values.items())
    )


def _tag(keys: Mapping, names: Names) -> Step | None:
    return Tag(fixed_texts(keys["tag"]))


def _untag(keys: Mapping, names: Names) -> Step | None:
    return Untag(fixed_texts(keys["untag"]))


def _go(keys: Mapping, names: Names) -> Step | None:
    name = names.subflow(keys["go"])
    return None if name is None else Go(name)


def _call(keys: Mapping, names: Names) -> Step | None:
    name = names.subflow(keys["call"])
    return None if name is None else Call(name)


def _wait(keys: Mapping, names: Names) -> Step | None:
    length = keys["wait"].duration()
    return None if length is None else Wait(length)


def _pause_bot(keys: Mapping, names: Names) -> Step | None:
    value = keys["pause_bot"]
    if value.is_null:
        return Pause()
    inner = value.mapping(("minutes", "leave_words"), "for example pause_bot: {minutes: 30}")
    if inner is None:
        return None
    minutes_value, words = inner.get("minutes"), inner.get("leave_words")
    minutes = minutes_value.integer(least=1, most=_YEAR_OF_MINUTES) if minutes_value else None
    leave_words = fixed_texts(words) if words else ()
    return Pause(timedelta(minutes=minutes) if minutes else None, leave_words)


def _end(keys: Mapping, names: Names) -> Step | None:
    if not keys["end"].is_null:
        keys["end"].problem("end takes nothing", "write - end")
    return End()


STEPS: dict[str, Callable[[Mapping, Names], Step | None]] = {
    "send": _send,
    "ask": _ask,
    "when": _when,
    "set": _set,
    "tag": _tag,
    "untag": _untag,
    "go": _go,
    "call": _call,
    "wait": _wait,
    "pause_bot": _pause_bot,
    "end": _end,
}
"""Each step by its word in the file."""

BESIDE = {"when": ("then", "else")}
"""The keys that stand beside a step's word rather than inside its value."""
