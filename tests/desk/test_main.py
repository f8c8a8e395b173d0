from __future__ import annotations

import sys

import httpx
import pytest
from litestar import Litestar

from relevo.desk.__main__ import main
from tests.desk.serving import on_a_port
from tests.sdk.webhooks import SECRET


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, object]:
    """Run the command; what it would have served, and how."""
    served: dict[str, object] = {}
    monkeypatch.setattr(sys, "argv", ["relevo.desk", *arguments])
    monkeypatch.setattr("uvicorn.Server.run", lambda server: served.update(vars(server.config)))
    main()
    return served


def test_the_desk_is_served_where_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    served = run(
        monkeypatch, "--token", "t", "--secret", SECRET, "--port", "9101", "--header", "X-Desk-Key: k"
    )

    assert isinstance(served["app"], Litestar)
    assert (served["host"], served["port"]) == ("127.0.0.1", 9101)


def test_the_secrets_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_TOKEN", "t")
    monkeypatch.setenv("DESK_SECRET", SECRET)

    assert isinstance(run(monkeypatch)["app"], Litestar)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--secret", SECRET], "relevo token create"),
        (["--token", "t", "--secret", "plain"], "whsec_"),
        (["--token", "t", "--secret", SECRET, "--header", "X-Desk-Key"], "X-Desk-Key: the value"),
        (["--token", "t", "--secret", SECRET, "--base-url", "relevo"], "'relevo'"),
    ],
)
def test_what_cannot_work_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit, match=complaint):
        run(monkeypatch, *arguments)


async def test_the_page_and_its_parts_are_served_and_may_be_framed_here_only(app: Litestar) -> None:
    async with on_a_port(app) as url, httpx.AsyncClient(base_url=url) as http:
        page = await http.get("/")
        parts = [await http.get(f"/static/{name}") for name in ("desk.js", "desk.css", "icon.svg")]
        missing = await http.get("/static/app.py")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert [part.status_code for part in parts] == [200, 200, 200]
    assert missing.status_code == 404
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*" in policy
    assert "unsafe" not in policy
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_the_page_is_told_over_http_and_let_go_at_the_end(app: Litestar) -> None:
    async with (
        on_a_port(app) as url,
        httpx.AsyncClient(base_url=url) as http,
        http.stream("GET", "/live") as live,
    ):
        told = live.aiter_text()
        first = await anext(told)
        app.state.desk.live.close()
        rest = "".join([part async for part in told])

    assert '"type":"everything"' in first + rest
