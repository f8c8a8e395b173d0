"""How a call is declared: `reads`, `writes`, `looks_up`. What all calls have in common is said here once,
for the framework and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from litestar import Request, delete, get, post, put
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import inspect

from relevo.domain.workspaces import Scope
from relevo.web.api.access import METHOD, SCOPE
from relevo.web.api.reading import ours, read
from relevo.web.errors import AnyRequest, Problem
from relevo.web.routers import share_signature

Json = dict[str, Any]
Method = Literal["POST", "PUT", "DELETE"]
Handler = TypeVar("Handler", bound=Callable[..., Any])

USER_NS = "f1001u34"

REQUEST_EXAMPLES, ANSWER_EXAMPLE = "request_examples", "answer_example"
"""In a handler's `opt`, for the document."""

TOLD, DONE = "What was asked for.", "Done, and stored."

REPLAYED_HEADER = "Idempotent-Replayed"
LONGEST_KEY = 255

IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description=(
        "Any text that you make up for this write. The same key again, with the same request, changes "
        f"nothing and is answered as the first time, with the header `{REPLAYED_HEADER}: true`; with "
        "another request it is refused. It is remembered for 24 hours."
    ),
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=LONGEST_KEY),
    example="order-77-confirmation",
)

LIMIT_HEADERS = [
    ResponseHeader(
        name="X-RateLimit-Limit",
        documentation_only=True,
        description="Calls an hour; left out where there is no limit.",
        value="36000",
    ),
    ResponseHeader(
        name="X-RateLimit-Remaining",
        documentation_only=True,
        description="Calls that are left now; left out where there is no limit.",
        value="35999",
    ),
]

_REPLAYED = ResponseHeader(
    name=REPLAYED_HEADER,
    documentation_only=True,
    description="`true`: this was a repetition, and nothing was done.",
    value="true",
)

NOT_FOUND = rf"No query results for model [App\Models\Chatbot\BotUser] {USER_NS}"

_INVALID = {
    "message": "The user ns format is invalid.",
    "errors": {"user_ns": ["The user ns format is invalid."]},
}

_REFUSALS: dict[int, tuple[str, Json]] = {
    401: ("There is no such token, or it was revoked.", {"message": "Unauthenticated."}),
    403: ("The token lacks the scope.", {"message": "Scope required: Manage Flow"}),
    409: (
        "It cannot be done as things are: the customer may not be written to (what was said is kept as not "
        "sent), or the delivery is under way or was delivered or skipped already.",
        {"message": "This was not sent: window_closed: the person has not written for 24 hours."},
    ),
    413: (
        "The request is too large.",
        {"message": "The request is larger than the limit of 1000000 bytes."},
    ),
    422: ("Something that was sent is wrong. Nothing was done.", _INVALID),
    429: ("Too many calls; `Retry-After` says when there is room.", {"message": "Too Many Attempts."}),
    500: (
        "A fault of Relevo's. Nothing was done.",
        {"message": "Something went wrong on our side. It is in the log, under this request's id."},
    ),
    503: (
        "Nothing was stored; `Retry-After` says when to try again.",
        {
            "message": "Relevo cannot store anything right now. Nothing was accepted; send it again later.",
        },
    ),
}


class About(NamedTuple):
    """What a call is about: how it is answered when that is not there."""

    told: str
    message: str


SUBSCRIBER = About("The token's flow has no such subscriber.", NOT_FOUND)
DELIVERY = About("The token's flow has no such delivery.", "There is no delivery 7012 in this flow")
REDELIVERY = About("The token's flow has no such redelivery.", "There is no redelivery 3 in this flow")

_DECLARED: dict[Method, Callable[..., Any]] = {"POST": post, "PUT": put, "DELETE": delete}


def reads(
    path: str,
    *,
    tag: str,
    title: str,
    name: str,
    example: Json,
    asks: type[msgspec.Struct] | None = None,
    scope: Scope | None = Scope.MANAGE_FLOW,
    about: About | None = None,
) -> Callable[[Handler], HTTPRouteHandler]:
    """A GET. `asks` is the struct that the handler gets as `asked`; `example` is an answer."""
    return get(
        path,
        summary=title,
        operation_id=name,
        tags=[tag],
        operation_class=_described(_parameters(asks) if asks else []),
        dependencies={"asked": Provide(_asked(asks))} if asks else None,
        response_description=TOLD,
        responses=_responses(403 if scope else 0, 413, 422, about=about),
        response_headers=LIMIT_HEADERS,
        opt={SCOPE: scope, METHOD: "GET", ANSWER_EXAMPLE: example},
    )


def writes(
    path: str,
    *,
    method: Method = "POST",
    tag: str,
    title: str,
    name: str,
    example: Json,
    more_examples: dict[str, Json] | None = None,
    answer: Json | None = None,
    scope: Scope = Scope.MANAGE_FLOW,
    about: About | None = SUBSCRIBER,
    may_conflict: bool = False,
) -> Callable[[Handler], HTTPRouteHandler]:
    """What does something, once for each Idempotency-Key. `example` is a request: the body of a DELETE as of
    any other, for UChat's have one. Who cannot send that puts the parameters into the query, or sends a POST
    that names the method."""
    declared: Callable[[Handler], HTTPRouteHandler] = _DECLARED[method](
        path,
        summary=title,
        operation_id=name,
        tags=[tag],
        operation_class=_described([IDEMPOTENCY_KEY]),
        status_code=200,
        response_description=DONE,
        responses=_responses(403, 409 if may_conflict else 0, 413, 422, about=about),
        response_headers=[*LIMIT_HEADERS, _REPLAYED],
        opt={
            SCOPE: scope,
            METHOD: method,
            REQUEST_EXAMPLES: {"example": example, **(more_examples or {})},
            ANSWER_EXAMPLE: answer or {"status": "ok"},
        },
    )
    return declared


def looks_up(
    path: str,
    *,
    tag: str,
    title: str,
    name: str,
    example: Json,
    answer: Json,
    scope: Scope = Scope.MANAGE_FLOW,
) -> Callable[[Handler], HTTPRouteHandler]:
    """A POST that only asks: for more than fits into an address."""
    return post(
        path,
        summary=title,
        operation_id=name,
        tags=[tag],
        operation_class=_described([]),
        status_code=200,
        response_description=TOLD,
        responses=_responses(403, 413, 422),
        response_headers=LIMIT_HEADERS,
        opt={
            SCOPE: scope,
            METHOD: "POST",
            REQUEST_EXAMPLES: {"example": example},
            ANSWER_EXAMPLE: answer,
        },
    )


def also_as_post(handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Those with another method once more, for clients that can only POST and name the method in a header."""
    return [_as_post(handler) for handler in handlers if handler.opt[METHOD] != "POST"]


@cache  # made once, for all applications
def _as_post(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    twin = post(
        [*handler.paths],
        include_in_schema=False,
        status_code=200,
        dependencies=handler.dependencies,
        opt={**handler.opt},
    )(handler.fn)
    share_signature(twin, handler)
    return twin


def _asked(asks: type[msgspec.Struct]) -> Callable[[AnyRequest], Any]:
    async def asked(request: Request[Any, Any, Any]) -> Any:
        return read(await ours(request).parameters(), asks)

    return asked


# For the document


def _responses(*statuses: int, about: About | None = None) -> dict[int, ResponseSpec]:
    told = {status: _REFUSALS[status] for status in {401, *statuses, 429, 500, 503} - {0}}
    if about is not None:
        told[404] = about.told, {"message": about.message}
    return {
        status: ResponseSpec(
            Problem,
            description=told[status][0],
            generate_examples=False,
            examples=[Example(value=told[status][1])],
        )
        for status in sorted(told)
    }


def _described(parameters: Sequence[Parameter]) -> type[Operation]:
    """With the parameters that we read ourselves, and so the framework cannot see."""

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            of_path = [one for one in self.parameters or () if isinstance(one, Parameter)]
            of_path = [one for one in of_path if one.param_in == "path"]
            for one in of_path:
                one.description, one.example = "Which one.", 3
            self.parameters = [*of_path, *parameters] or None
            (self.responses or {}).pop("400", None)  # the framework's own validation, which is not in use

    return Described


def _parameters(asks: type[msgspec.Struct]) -> list[Parameter]:
    struct = inspect.type_info(asks)
    assert isinstance(struct, inspect.StructType)
    return [_parameter(one) for one in struct.fields]


def _parameter(one: inspect.Field) -> Parameter:
    type_, told = one.type, dict[str, Any]()
    if isinstance(type_, inspect.Metadata):
        told = type_.extra_json_schema or {}
        type_ = type_.type
    schema = _schema(type_)
    if not one.required and one.default not in (None, ""):
        schema.default = one.default
    return Parameter(
        name=one.encode_name,
        param_in="query",
        required=one.required,
        description=told.get("description"),
        example=told.get("examples", [None])[0],
        schema=schema,
    )


def _schema(type_: inspect.Type) -> Schema:
    match type_:
        case inspect.UnionType(types=types):
            (inner,) = (one for one in types if not isinstance(one, inspect.NoneType))
            return _schema(inner)
        case inspect.IntType(ge=least, le=most):
            return Schema(type=OpenAPIType.INTEGER, minimum=least, maximum=most)
        case inspect.FloatType(ge=least, le=most):
            return Schema(type=OpenAPIType.NUMBER, minimum=least, maximum=most)
        case inspect.LiteralType(values=values):
            kind = OpenAPIType.INTEGER if isinstance(values[0], int) else OpenAPIType.STRING
            return Schema(type=kind, enum=list(values))
        case inspect.StrType(pattern=pattern, max_length=longest):
            return Schema(type=OpenAPIType.STRING, pattern=pattern, max_length=longest)
        case _:
            raise TypeError(f"{type_} is not a kind of query parameter")
