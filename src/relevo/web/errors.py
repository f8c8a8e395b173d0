"""What goes wrong in the API, as UChat's clients know it: `{"message": …}`, and `errors` by field where
values were refused. The stable code of an error is in the header `relevo-error`."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from relevo.domain.errors import IdempotencyKeyReused, InvalidInput, RelevoError, TooLarge, Unauthenticated
from relevo.web.front_door import note
from relevo.web.not_ours import why_not
from relevo.web.refusals import INTERNAL_ERROR, refusal_of

log = structlog.get_logger()

CODE_HEADER = "relevo-error"

AnyRequest = Request[Any, Any, Any]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error."""

    message: str
    errors: dict[str, list[str]] | None = None


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """The answer to a call that was refused or that failed."""
    known = _as_ours(request, error)
    refusal = refusal_of(known)
    facts = known.facts if isinstance(known, RelevoError) else {}
    note(request.scope, refused=refusal.code, **{name: facts[name] for name in ("cause",) if name in facts})
    if refusal.code == INTERNAL_ERROR:
        log.error("http.failed", exc_info=error)
    problem = Problem(refusal.message, _by_field_of(known))
    return Response(
        msgspec.json.encode(problem),
        status_code=refusal.status,
        headers={
            CODE_HEADER: refusal.code,
            **{name.decode(): value.decode() for name, value in refusal.headers},
            **_own_headers(known),
        },
        media_type=MediaType.JSON,
    )


def _by_field_of(error: Exception) -> dict[str, list[str]] | None:
    match error:
        case InvalidInput(errors=errors):
            return errors
        case IdempotencyKeyReused(message=message):
            return {"Idempotency-Key": [message]}
        case _:
            return None


def _as_ours(request: AnyRequest, error: Exception) -> Exception:
    """The framework's refusals in the words of the API."""
    match error:
        case ValidationException(extra=extra):
            return InvalidInput(_by_field(extra))
        case NotFoundException():
            there = "/api/openapi.json has those that there are."
            unknown = f"The route {_route(request)} could not be found. {there}"
            return NotFoundException(why_not(request.url.path.removeprefix("/api")) or unknown)
        case MethodNotAllowedException():
            return not_allowed(request)
        case ClientException(status_code=413):
            limit = request.route_handler.resolve_request_max_body_size()
            return TooLarge(f"The request is larger than the limit of {limit} bytes.")
        case _:
            return error


def not_allowed(request: AnyRequest, method: str = "") -> MethodNotAllowedException:
    """The refusal of a method that a route does not have."""
    methods = ", ".join(sorted(_methods(request) - {"OPTIONS"}))
    words = f"The {method or request.method} method is not supported for route {_route(request)}."
    return MethodNotAllowedException(f"{words} Supported methods: {methods}.", headers={"allow": methods})


def _methods(request: AnyRequest) -> set[str]:
    path = request.url.path.rstrip("/")
    handlers = request.app.route_handler_method_map.get(path, {})
    return {
        str(method) for method, handler in handlers.items() if getattr(handler, "include_in_schema", True)
    }


def _route(request: AnyRequest) -> str:
    return request.url.path.strip("/")[:200]


def _by_field(extra: Any) -> dict[str, list[str]]:
    """The framework's list of `{message, key}` by field."""
    found = [one for one in extra if isinstance(one, dict)] if isinstance(extra, list) else []
    wrong = {str(one.get("key", "body")): [f"{one.get('message', 'This is invalid')}."] for one in found}
    return wrong or {"body": ["The given data was invalid."]}


def _own_headers(error: Exception) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    return dict(error.headers or {}) if isinstance(error, HTTPException) else {}
