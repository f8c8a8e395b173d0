"""Parameters as clients send them: from the query, from JSON or from a form, and tolerantly, as Laravel takes
them – but nothing that would do something else than was meant. What is wrong is said in Laravel's words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from msgspec import inspect

from relevo.domain import complaints
from relevo.domain.errors import InvalidInput
from relevo.web.numbers import GREATEST, SMALLEST

T = TypeVar("T", bound=msgspec.Struct)
AnyNumber = TypeVar("AnyNumber", int, float)

Parameters = dict[str, Any]

MOST_PARAMETERS = 1000
ALIASES, VERBATIM = "aliases", "verbatim"
"""In the `extra` of a field's Meta: other names that clients use for it; whether numbers are no texts."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_INDEX = re.compile(r"(.+?)\[[0-9]*\]")
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


class ApiRequest(Request[Any, Any, State]):
    """A request whose `data` is read by `read`."""

    __slots__ = ("_parameters",)

    async def body(self) -> bytes:
        """Never empty, for the framework would not ask for `json`: parameters may all be in the query."""
        return await self.raw_body() or b"{}"

    async def raw_body(self) -> bytes:
        return await super().body()

    async def json(self) -> Any:
        """The parameters as what the handler wants for its `data`."""
        wanted = self.route_handler.parsed_data_field
        assert wanted is not None, "asked for by the framework, for a handler with data"
        return read(await self.parameters(), wanted.annotation)

    async def parameters(self) -> Parameters:
        """Everything that was sent, by name, wherever it stood."""
        if not hasattr(self, "_parameters"):
            query = _from_pairs(self.scope["query_string"], "query string")
            self._parameters = _merged(query, self._from_body(await self.raw_body()))
        return self._parameters

    def _from_body(self, body: bytes) -> Parameters:
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _from_pairs(body, "body")
        return _from_json(body) if body.strip() else {}


def ours(request: ASGIConnection[Any, Any, Any, Any]) -> ApiRequest:
    """A request of the API as what it is; the framework knows it by its general kind."""
    assert isinstance(request, ApiRequest)
    return request


# From bytes


def _from_json(body: bytes) -> Parameters:
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput({"body": [f"The body is not valid JSON: {error}."]}) from error
    if not isinstance(sent, dict):
        raise InvalidInput({"body": [complaints.must_be("body", "a JSON object", sent)]})
    if b"\\u0000" in body:
        _refuse_nul(sent)
    return sent


def _from_pairs(text: bytes, where: str) -> Parameters:
    """`a=1&b[]=2&b[]=3` → `{"a": "1", "b": ["2", "3"]}`; of several `a` the last one counts."""
    try:
        pairs = parse_qsl(
            text.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        tell = f"The {where} must not have more than {MOST_PARAMETERS} parameters."
        raise InvalidInput({where.replace(" ", "_"): [tell]}) from None
    sent: Parameters = {}
    for name, value in pairs:
        if indexed := _INDEX.fullmatch(name):
            listed = sent.setdefault(indexed[1], [])
            sent[indexed[1]] = [*listed, value] if isinstance(listed, list) else [listed, value]
        else:
            sent[name] = value
    _refuse_nul(sent)
    return sent


def _refuse_nul(sent: Parameters) -> None:
    """PostgreSQL cannot keep that character."""
    wrong = {
        path: [f"The {complaints.shown(path)} must not contain the character U+0000."]
        for name, value in sent.items()
        for path in _with_nul(value, name)
    }
    if wrong:
        raise InvalidInput(wrong)


def _with_nul(value: object, path: str) -> Iterator[str]:
    if isinstance(value, str) and "\0" in value:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _with_nul(inner, f"{path}.{key}")


def _merged(query: Parameters, body: Parameters) -> Parameters:
    twice = [name for name in query if name in body and str(query[name]) != str(body[name])]
    if twice:
        raise InvalidInput({name: [_twice(name, query[name], body[name])] for name in twice})
    return {**query, **body}


def _twice(name: str, in_query: object, in_body: object) -> str:
    given = f"{complaints.quoted(in_query)} in the query and {complaints.quoted(in_body)} in the body"
    return f"The {complaints.shown(name)} is given twice: {given}. Leave one of them out."


# To values


class _Wrong(Exception):
    """A value cannot be taken; the argument is the sentence that says why."""


class _Field(msgspec.Struct, frozen=True):
    name: str
    keys: tuple[str, ...]
    required: bool
    read: Callable[[str, Any], Any]

    def find(self, sent: Parameters) -> Any:
        """What was sent for it; None for nothing. Laravel takes an empty text for nothing as well."""
        values = (sent[key] for key in self.keys if key in sent)
        return next((value for value in values if not _is_blank(value)), None)


def read(sent: Parameters, wanted: type[T], within: str = "") -> T:
    """The parameters as a value of a struct. Raises InvalidInput with everything that is wrong, each by its
    path: `within` is where they stood, with a dot behind."""
    values: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for field in _fields(wanted):
        value, path = field.find(sent), within + field.keys[0]
        try:
            if value is not None:
                values[field.name] = field.read(path, value)
            elif field.required:
                raise _Wrong(complaints.required(path))
        except _Wrong as complaint:
            wrong[path] = [str(complaint)]
        except InvalidInput as inside:
            wrong |= inside.errors
    if wrong:
        raise InvalidInput(wrong)
    return wanted(**values)


def _is_blank(value: Any) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


@cache
def _fields(wanted: Hashable) -> tuple[_Field, ...]:
    struct = inspect.type_info(wanted)
    assert isinstance(struct, inspect.StructType)
    return tuple(_field(field) for field in struct.fields)


def _field(field: inspect.Field) -> _Field:
    type_ = field.type
    extra: Mapping[str, Any] = {}
    if isinstance(type_, inspect.Metadata):
        extra = type_.extra or {}
        type_ = type_.type
    keys = (field.encode_name, *extra.get(ALIASES, ()))
    return _Field(field.name, keys, field.required, _reader(type_, is_verbatim=extra.get(VERBATIM, False)))


def _reader(type_: inspect.Type, *, is_verbatim: bool) -> Callable[[str, Any], Any]:
    match type_:
        case inspect.Metadata(type=inner):
            return _reader(inner, is_verbatim=is_verbatim)
        case inspect.UnionType(types=types):
            (inner,) = (one for one in types if not isinstance(one, inspect.NoneType))
            return _reader(inner, is_verbatim=is_verbatim)
        case inspect.StrType():
            return lambda name, value: _text(name, value, type_, is_verbatim=is_verbatim)
        case inspect.IntType(ge=least, le=most):
            least = SMALLEST if least is None else least
            most = GREATEST if most is None else most
            return lambda name, value: _within(name, _integer(name, value), least, most)
        case inspect.FloatType(ge=least, le=most):
            return lambda name, value: _within(name, _number(name, value), least, most)
        case inspect.LiteralType(values=(0, 1)):
            return _flag
        case inspect.LiteralType(values=values):
            return lambda name, value: _one_of(name, value, values)
        case inspect.ListType(item_type=item, max_length=most):
            read_item = _reader(item, is_verbatim=is_verbatim)
            return lambda name, value: _items(name, value, read_item, most)
        case inspect.DictType():
            return _object
        case inspect.StructType(cls=struct):
            return lambda name, value: _inner(name, value, struct)
        case inspect.AnyType():
            return lambda name, value: value
        case _:
            raise TypeError(f"{type_} is not a kind of parameter")


def _text(name: str, value: Any, type_: inspect.StrType, *, is_verbatim: bool) -> str:
    """A text; a number too, where one may well be sent for it (an id, a phone)."""
    if isinstance(value, int) and not isinstance(value, bool) and not is_verbatim:
        value = str(value)
    if not isinstance(value, str):
        raise _Wrong(complaints.must_be(name, "a string", value))
    text = value if is_verbatim else value.strip()
    if type_.max_length is not None and len(text) > type_.max_length:
        raise _Wrong(complaints.too_long(name, type_.max_length, len(text)))
    if type_.pattern and not re.fullmatch(type_.pattern, text):
        raise _Wrong(complaints.bad_format(name))
    return text


def _integer(name: str, value: Any) -> int:
    """30, "30" and 30.0; nothing else is 30."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _Wrong(complaints.must_be(name, "an integer", value))


def _number(name: str, value: Any) -> float:
    """9.9, "9.9", 9 and "9"; what is not finite is no number."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise _Wrong(complaints.must_be(name, "a number", value))


def _within(name: str, number: AnyNumber, least: float | None, most: float | None) -> AnyNumber:
    if least is not None and number < least:
        raise _Wrong(complaints.too_small(name, least, number))
    if most is not None and number > most:
        raise _Wrong(complaints.too_great(name, most, number))
    return number


def _flag(name: str, value: Any) -> int:
    """1 or 0, and the other ways to say yes and no."""
    said = str(value).strip().lower()
    if isinstance(value, str | int) and said in _YES | _NO:
        return int(said in _YES)
    raise _Wrong(complaints.none_of(name, value, (0, 1)))


def _one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    said = value.strip() if isinstance(value, str) else value
    if isinstance(allowed[0], int) and isinstance(said, str) and _INTEGER.fullmatch(said):
        said = int(said)
    if said not in allowed:
        raise _Wrong(complaints.none_of(name, value, allowed))
    return said


def _items(name: str, value: Any, read_item: Callable[[str, Any], Any], most: int | None) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(complaints.must_be(name, "an array", value))
    if most is not None and len(value) > most:
        raise _Wrong(complaints.too_many(name, most, len(value)))
    return _all_read([partial(read_item, f"{name}.{index}", item) for index, item in enumerate(value)])


def _all_read(items: list[Callable[[], Any]]) -> list[Any]:
    """The items; or all that is wrong with any of them."""
    values, wrong = list[Any](), dict[str, list[str]]()
    for item in items:
        try:
            values.append(item())
        except InvalidInput as inside:
            wrong |= inside.errors
    if wrong:
        raise InvalidInput(wrong)
    return values


def _inner(name: str, value: Any, struct: type[msgspec.Struct]) -> msgspec.Struct:
    """A text where an object is wanted lacks, for Laravel, whatever the object needs."""
    found = read(value if isinstance(value, dict) else {}, struct, f"{name}.")
    _object(name, value)
    return found


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(complaints.must_be(name, "an array", value))
    return value
