"""A member's browser: it keeps cookies, sends forms as they stand in pages, and follows redirects by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from argon2 import PasswordHasher
from httpx import Response

from relevo.admin import members
from relevo.admin.changing import Means
from relevo.domain.workspaces import Member
from relevo.web.console import cookies, form_tokens
from relevo.web.services import Services
from tests.web.console.markup import Element, parsed
from tests.web.exchanges import Client

Fields = Mapping[str, str | Sequence[str]]


class Page(msgspec.Struct, frozen=True):
    """An answer, as a person has it."""

    status: int
    headers: Mapping[str, str]
    html: str

    @property
    def tree(self) -> Element:
        return parsed(self.html)

    @property
    def main(self) -> Element:
        """The page without the menu around it."""
        return self.tree.one("main")

    @property
    def text(self) -> str:
        return self.main.text

    @property
    def goes_to(self) -> str:
        """Where it redirects to; "" for a page."""
        return self.headers.get("location", "") if self.status == 303 else ""

    @property
    def problems(self) -> list[str]:
        """What is wrong, as it stands beside the fields."""
        return [one.text for one in self.main.all("p", class_="problem")]

    def field(self, name: str) -> Element:
        return self.main.one("input", "textarea", "select", name=name)


class Browser:
    """`client` speaks to the application; `services` are the server's."""

    def __init__(self, client: Client, services: Services) -> None:
        self._client, self._services = client, services

    async def sign_in(self, member: Member) -> None:
        """Have a session, without a password."""
        token = await members.open_session(means_of(self._services), member.id)
        self.keep("session", token)

    def keep(self, purpose: cookies.Purpose, value: str) -> None:
        self._client.cookies.set(cookies.name_of(purpose, self._services), value)

    def kept(self, purpose: cookies.Purpose) -> str:
        return self._client.cookies.get(cookies.name_of(purpose, self._services)) or ""

    def forget(self) -> None:
        self._client.cookies.clear()

    @property
    def form_token(self) -> str:
        """The token that this browser's pages have."""
        bound_to = self.kept("session") or self.kept("form")
        return form_tokens.token_for(self._services.cookie_key, bound_to)

    async def get(self, path: str, **headers: str) -> Page:
        return _page(await self._client.get(path, headers=headers))

    async def send(self, path: str, fields: Fields | None = None, **headers: str) -> Page:
        """Post a form that our page has shown."""
        return await self.post(path, {form_tokens.FIELD: self.form_token, **(fields or {})}, **headers)

    async def post(self, path: str, fields: Fields, **headers: str) -> Page:
        """Post a form, whoever has shown it."""
        data: dict[str, Any] = dict(fields)
        return _page(await self._client.post(path, data=data, headers=headers))

    async def post_raw(self, path: str, body: str | bytes) -> Page:
        """Post whatever one likes, as a form."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return _page(await self._client.post(path, content=body, headers=kind))

    async def follow(self, page: Page) -> Page:
        assert page.goes_to, f"{page.status}: {page.html[:500]}"
        return await self.get(page.goes_to.partition("#")[0])


def _page(answer: Response) -> Page:
    return Page(answer.status_code, dict(answer.headers), answer.text)


def means_of(services: Services) -> Means:
    return Means(
        database=services.database,
        cipher=services.cipher,
        clock=services.clock,
        chance=services.chance,
        guard=services.guard,
        passwords=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )
