"""Applications are quickly made: what was read of a handler once is not read again."""

from __future__ import annotations

from litestar import Litestar, get

from relevo.web.routers import OwnRouter
from tests.web.exchanges import client_of


@get("/one")
async def one() -> int:
    return 1


@get("/two")
async def two() -> None:
    return None


def _application() -> Litestar:
    router = OwnRouter("/", route_handlers=[one, two])
    return Litestar(route_handlers=[router], openapi_config=None, logging_config=None)


def test_a_handler_s_signature_is_read_for_the_first_application_only() -> None:
    first, second = _application(), _application()

    for path in ("/one", "/two"):
        before, after = (app.route_handler_method_map[path]["GET"] for app in (first, second))
        assert before is not after
        assert before.parsed_fn_signature is after.parsed_fn_signature


def test_all_handlers_for_options_share_what_was_read_of_one() -> None:
    routes = _application().route_handler_method_map
    read = {id(routes[path]["OPTIONS"].parsed_fn_signature) for path in ("/one", "/two")}

    assert len(read) == 1


async def test_each_route_says_itself_what_is_allowed_there() -> None:
    async with client_of(_application()) as client:
        answer = await client.request("OPTIONS", "/one")

    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, OPTIONS")
