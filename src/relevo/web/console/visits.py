"""Who asks for a page, for which workspace, and how they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from relevo.admin.changing import Means
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import Member, Workspace
from relevo.store.directory import Directory
from relevo.web.buckets import Buckets, Limit
from relevo.web.console import cookies, form_tokens, forms, notices, pages
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.sightings import Sightings
from relevo.web.console.streams import Streams
from relevo.web.console.times import When
from relevo.web.services import Services

AnyRequest: TypeAlias = Request[Any, Any, Any]
Page: TypeAlias = Response[str]

OF_ADDRESS = Limit(a_second=0.2, burst=20)
"""Attempts to sign in or to set up, from one network."""
OF_EMAIL = Limit(a_second=1 / 30, burst=10)
"""Attempts to sign in with one e-mail address, wherever they come from."""
OF_REHEARSALS = Limit(a_second=4, burst=40)
"""Checks and trials of flows, by one member."""


class Console(msgspec.Struct, frozen=True):
    """What all pages share."""

    services: Services
    means: Means
    attempts_of_address: Buckets
    attempts_with_email: Buckets
    streams: Streams
    sightings: Sightings
    rehearsals: Buckets


def make_console(services: Services) -> Console:
    return Console(
        services,
        services.means,
        services.buckets("sign-in address", OF_ADDRESS),
        services.buckets("sign-in email", OF_EMAIL),
        Streams(),
        Sightings(services.database, services.clock),
        services.buckets("rehearsals", OF_REHEARSALS),
    )


class Caller:
    """A request to the console, of whomever."""

    def __init__(self, console: Console, request: AnyRequest) -> None:
        self.console, self.request = console, request
        self.services, self.means = console.services, console.means
        self.session = cookies.read(request.cookies, "session", self.services)
        form_cookie = cookies.read(request.cookies, "form", self.services)
        self._new_form_cookie = "" if self.session or form_cookie else self.means.chance.token()
        self._bound_to = self.session or form_cookie or self._new_form_cookie

    # What was sent

    async def form(self) -> Form:
        return forms.read(await self.request.body())

    @property
    def query(self) -> Form:
        """What stands behind the `?`."""
        return forms.of_pairs(list(self.request.query_params.multi_items()))

    @property
    def form_token(self) -> str:
        return form_tokens.token_for(self.services.cookie_key, self._bound_to)

    async def sent_our_form(self) -> bool:
        """Whether the posted form was shown to this browser by us."""
        if self._new_form_cookie:
            return False
        given = (await self.form()).get(form_tokens.FIELD)
        return form_tokens.is_ours(self.services.cookie_key, self._bound_to, given)

    # What is answered

    @property
    def when(self) -> When:
        return When(self.services.clock.now())

    def context(self) -> dict[str, Any]:
        """What every template may use."""
        return {"form_token": self.form_token, "when": self.when, "path": self.request.url.path}

    def page(self, template: str, *, title: str, status: int = 200, **context: Any) -> Page:
        """A page, with what the redirect before it wanted to say."""
        notice, used = self._notice()
        everything = {**self.context(), "title": title, "notice": notice, **context}
        return Response(
            pages.render(template, everything),
            status_code=status,
            media_type=MediaType.HTML,
            headers={"cache-control": "no-store"},
            cookies=[*used, *self._form_cookie()],
        )

    def part(self, template: str, **context: Any) -> str:
        """A piece of a page."""
        return pages.render(template, {**self.context(), **context})

    def go(
        self, path: str, notice: Notice | str = "", *, cookies_too: Sequence[Cookie] = ()
    ) -> Response[bytes]:
        """Send the browser to a page, which then says something."""
        notice = Notice(notice) if isinstance(notice, str) else notice
        said = [self._notice_cookie(notice)] if notice.text else []
        return Response(b"", status_code=303, headers={"location": path}, cookies=[*said, *cookies_too])

    def _notice_cookie(self, notice: Notice) -> Cookie:
        sealed = notices.sealed(notice, self.services.cipher)
        return cookies.cookie("notice", sealed, self.services, None)

    def _notice(self) -> tuple[Notice | None, list[Cookie]]:
        value = cookies.read(self.request.cookies, "notice", self.services)
        if not value:
            return None, []
        return notices.opened(value, self.services.cipher), [cookies.gone("notice", self.services)]

    def _form_cookie(self) -> list[Cookie]:
        if not self._new_form_cookie:
            return []
        return [cookies.cookie("form", self._new_form_cookie, self.services, None)]


class Visit(Caller):
    """A request of a signed-in member. `directory` is as of now, and of all workspaces."""

    def __init__(self, caller: Caller, member: Member, directory: Directory) -> None:
        super().__init__(caller.console, caller.request)
        self.member, self.directory = member, directory

    @property
    def workspace(self) -> Workspace:
        return self.directory.workspaces[self.member.workspace_id]

    @property
    def workspace_id(self) -> WorkspaceId:
        return self.member.workspace_id

    @property
    def when(self) -> When:
        return When(self.services.clock.now(), self.workspace.timezone)

    def context(self) -> dict[str, Any]:
        return {**super().context(), "member": self.member, "workspace": self.workspace}


TheCaller: TypeAlias = NamedDependency[Caller]
TheVisit: TypeAlias = NamedDependency[Visit]
"""What the guard leaves for a page: the request, of whomever, or of a signed-in member."""
