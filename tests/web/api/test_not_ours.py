"""What of UChat's API is not ours answers 404, and says so."""

from __future__ import annotations

import re

import pytest

from relevo.web.api import CALLS
from relevo.web.not_ours import NOT_OURS, why_not
from tests.web.api.validating import Api
from tests.web.exchanges import Client

PATHS = [path for paths in NOT_OURS.values() for path in paths]


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/shop/products/7/variants", "Shops, carts and orders are not part of Relevo."),
        ("DELETE", "/subscriber/empty-cart", "Shops, carts and orders are not part of Relevo."),
        ("PUT", "/team/ticket-lists/3/update/4", "Ticket lists are not part of Relevo."),
        ("GET", "/templates", "The template marketplace is not part of Relevo."),
        ("GET", "/flow/template-installs", "The template marketplace is not part of Relevo."),
        ("POST", "/integration/openai", "Integrations with other services are not part of Relevo."),
        ("POST", "/subscriber/app-trigger", "Mini-apps are not part of Relevo."),
        ("GET", "/openai-embeddings", "Embeddings are not part of Relevo."),
        ("GET", "/wa-call-logs", "A log of calls is not part of Relevo."),
    ],
)
async def test_it_answers_404_with_a_message_that_says_so(
    client: Client, method: str, path: str, message: str
) -> None:
    answer = await client.request(method, f"/api{path}", json={})

    assert (answer.status_code, answer.json()) == (404, {"message": message})
    assert answer.headers["relevo-error"] == "not_found"


@pytest.mark.parametrize("path", ["/shopping", "/template", "/subscriber/carts", "/integration", "/flow/ai"])
async def test_other_paths_are_just_not_there(api: Api, path: str) -> None:
    message = (await api.get(path)).json()["message"]

    assert message.startswith(f"The route api{path} could not be found.")


def test_nothing_that_can_be_called_is_said_not_to_be_ours() -> None:
    ours = {path for handler in CALLS for path in handler.paths}

    assert [path for path in ours if why_not(path)] == []
    assert [path for path in PATHS if not why_not(re.sub(r"\{…\}", "a/b", path))] == []
