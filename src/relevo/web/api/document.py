"""The OpenAPI document, made by the framework from the very handlers that answer."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag

import relevo
from relevo.web.api import (
    agent_groups,
    bot_fields,
    broadcasting,
    canned,
    control,
    custom_events,
    flow,
    handoff,
    labels,
    me,
    media_library,
    reports,
    segments,
    sending,
    subscribers,
    tags,
    team,
    user_fields,
    whatsapp_templates,
)
from relevo.web.api.access import METHOD
from relevo.web.api.operations import ANSWER_EXAMPLE, REQUEST_EXAMPLES, Json
from relevo.web.routers import OwnRouter

TOKEN = "token"

ABOUT = """\
Relevo's REST API is compatible with UChat's: a client of UChat works when its base URL is changed. (Relevo
is not affiliated with UChat.)

- **A token belongs to one flow.** It sees the subscribers of that flow and nothing else. It is sent as
  `Authorization: Bearer …`.
- **Answers** are `{"status": "ok"}` after a write, `{"data": …}` for one thing, and `data`, `links` and
  `meta` for a list. Errors are `{"message": …}`, with `errors` by field where values were refused, and a
  stable code in the header `relevo-error`.
- **Parameters** are taken from the query, from JSON or from a form. Numbers may be sent as text; flags as
  0 and 1, yes and no, or true and false.
- **Once.** A write with an `Idempotency-Key` happens once, however often it is sent. After a lost
  connection, 429 or 503, send it again with the same key.
"""

_TAGS = {
    me.TAG: "Whom a token belongs to.",
    subscribers.TAG: "The people who write to the flow, and what was said.",
    sending.TAG: "Saying something to a customer.",
    broadcasting.TAG: "One thing said to many.",
    segments.TAG: "Conditions with a name, by which people are chosen.",
    control.TAG: "Who answers, who has the conversation, and whether work is left.",
    handoff.TAG: "What UChat has no call for.",
    whatsapp_templates.TAG: "What the flow's WhatsApp numbers may say at any time.",
    flow.TAG: "The flow itself.",
    canned.TAG: "What agents have ready: answers, and what they leave when they close a conversation.",
    reports.TAG: "What became of conversations, who did what, and the figures of days.",
    team.TAG: "The workspace: its flows, its people, what it offers and shows.",
    agent_groups.TAG: "Who gets a conversation.",
    media_library.TAG: "Files of the workspace.",
    custom_events.TAG: "What you count about subscribers, by names of your own.",
    tags.TAG: "The tags of the flow. Subscribers carry them.",
    user_fields.TAG: "What may be known of the flow's subscribers.",
    bot_fields.TAG: "What the flow knows by itself, the same for every subscriber.",
    labels.TAG: "The labels of the workspace.",
}


def make_document(calls: list[HTTPRouteHandler], public_url: str) -> Json:
    """OpenAPI 3.1, as JSON values."""

    async def call() -> None:
        """Stands for what handlers are given besides their parameters."""

    router = OwnRouter("/api", route_handlers=calls, dependencies={"call": Provide(call)})
    config = OpenAPIConfig(
        title="Relevo API",
        version=relevo.__version__,
        description=ABOUT,
        use_handler_docstrings=True,
        servers=[Server(url=public_url)],
        components=Components(security_schemes={TOKEN: _SCHEME}),
        security=[{TOKEN: []}],
        tags=[Tag(name=name, description=description) for name, description in _TAGS.items()],
    )
    schema = Litestar([router], openapi_config=config, logging_config=None).openapi_schema.to_schema()
    document: Json = _whole_numbers(msgspec.json.decode(msgspec.json.encode(schema)))
    for handler in calls:
        _add_examples(document, handler)
    return document


def _whole_numbers(value: Any) -> Any:
    """The same without the `.0` that the framework puts behind limits."""
    match value:
        case dict():
            return {name: _whole_numbers(inner) for name, inner in value.items()}
        case list():
            return [_whole_numbers(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _add_examples(document: Json, handler: HTTPRouteHandler) -> None:
    """Put in afterwards, because the framework leaves out what is null, examples' values too."""
    (path,) = handler.paths
    operation = document["paths"][f"/api{path.replace(':int}', '}')}"][handler.opt[METHOD].lower()]
    if "requestBody" in operation:
        _of_json(operation["requestBody"])["examples"] = {
            name: {"value": value} for name, value in handler.opt[REQUEST_EXAMPLES].items()
        }
    answer = {"example": {"value": handler.opt[ANSWER_EXAMPLE]}}
    _of_json(operation["responses"]["200"])["examples"] = answer


def _of_json(described: Json) -> Json:
    content: Json = described["content"]["application/json"]
    return content


_SCHEME = SecurityScheme(
    type="http",
    scheme="bearer",
    description="A token of one flow, from `relevo token create --flow NAME` or the console.",
)
