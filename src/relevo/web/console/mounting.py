"""The console, put together."""

from __future__ import annotations

from typing import cast

from litestar import Response, get
from litestar.di import Provide
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler, ExceptionHandlersMap

from relevo.domain.errors import NotFound
from relevo.web.console import (
    agent_groups,
    api_keys,
    broadcasts,
    canned,
    channels,
    conversation,
    conversations,
    custom_events,
    deliveries,
    endpoints,
    flow_pictures,
    flow_trying,
    flows,
    inbound_webhooks,
    live,
    mailbox,
    members,
    overview,
    problems,
    redeliveries,
    reports,
    secrets,
    segments,
    setting_up,
    settings,
    signing_in,
    static_files,
    templates,
    vocabulary,
)
from relevo.web.console.guarding import OPEN, guard_of, provide_caller, provide_visit
from relevo.web.console.refusing import handlers_of
from relevo.web.console.visits import AnyRequest, make_console
from relevo.web.routers import OwnRouter
from relevo.web.services import Services

LARGEST_FORM = 4_000_000  # bytes: the text of a flow, written as a form writes it


def create_console(services: Services) -> OwnRouter:
    """Everything under `/console`."""
    console = make_console(services)
    return OwnRouter(
        "/console",
        route_handlers=_pages(),
        guards=[guard_of(console)],
        dependencies={"caller": Provide(provide_caller), "visit": Provide(provide_visit)},
        exception_handlers=cast(ExceptionHandlersMap, handlers_of(console)),
        request_max_body_size=LARGEST_FORM,
        include_in_schema=False,
    )


@get("/static/{name:str}", opt=OPEN)
async def static_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """A file of `static/`; for good, if it is asked for by its version."""
    if name not in static_files.TYPES:
        raise NotFound
    content, version = static_files.content(name)
    is_newest = request.query_params.get("v") == version
    kept = "public, max-age=31536000, immutable" if is_newest else "public, max-age=60"
    return Response(content, media_type=static_files.TYPES[name], headers={"cache-control": kept})


def _pages() -> list[ControllerRouterHandler]:
    return [
        static_file,
        *(signing_in.sign_in_page, signing_in.sign_in, signing_in.sign_out),
        *(setting_up.set_up_page, setting_up.set_up),
        overview.overview,
        *(conversations.listing, conversation.show, live.workspace_events, live.conversation_events),
        *(conversation.say, conversation.pause, conversation.resume, conversation.assign, conversation.move),
        *(conversation.close, conversation.describe),
        *(conversation.accept, conversation.give_back),
        *(endpoints.listing, endpoints.new, endpoints.create, endpoints.show, endpoints.change),
        *(endpoints.enable, endpoints.disable, endpoints.replace_secret, endpoints.retire_secret),
        *(endpoints.send_test, endpoints.delete),
        *(inbound_webhooks.listing, inbound_webhooks.new, inbound_webhooks.create),
        *(inbound_webhooks.show, inbound_webhooks.change, inbound_webhooks.enable, inbound_webhooks.disable),
        *(inbound_webhooks.renew, inbound_webhooks.delete),
        *(channels.listing, channels.new, channels.create, channels.show, channels.change),
        *(channels.enable, channels.disable, channels.delete, channels.connect, channels.check),
        *(templates.listing, templates.sync, templates.create, templates.delete),
        *(flows.listing, flows.new, flows.create, flows.show, flows.show_version, flows.edit, flows.change),
        *(flows.compare, flows.roll_back, flow_pictures.show),
        *(flow_trying.begin, flow_trying.go_on, flow_trying.check),
        *(deliveries.listing, deliveries.show, deliveries.redeliver, deliveries.skip),
        *(redeliveries.confirm, redeliveries.begin, redeliveries.listing),
        *(redeliveries.show, redeliveries.stop),
        *(broadcasts.listing, broadcasts.new, broadcasts.create, broadcasts.show),
        *(broadcasts.cancel, broadcasts.delete),
        *(segments.listing, segments.new, segments.create, segments.show, segments.change, segments.delete),
        *(api_keys.listing, api_keys.new, api_keys.create, api_keys.revoke),
        *(secrets.listing, secrets.new, secrets.put, secrets.remove),
        *(mailbox.show, mailbox.save, mailbox.send_test, mailbox.remove),
        *(members.listing, members.new, members.create, members.show, members.change),
        members.remove_password,
        *(agent_groups.listing, agent_groups.new, agent_groups.create),
        *(agent_groups.show, agent_groups.change, agent_groups.delete),
        *(canned.shortcuts, canned.new_shortcut, canned.create_shortcut),
        *(canned.show_shortcut, canned.change_shortcut, canned.delete_shortcut),
        *(canned.closing_notes, canned.new_closing_note, canned.create_closing_note),
        *(canned.show_closing_note, canned.change_closing_note, canned.delete_closing_note),
        *(custom_events.listing, custom_events.new, custom_events.create),
        *(custom_events.show, custom_events.change, custom_events.delete),
        reports.reports,
        *(vocabulary.listing, vocabulary.add, vocabulary.change, vocabulary.delete),
        *(settings.show, settings.save),
        problems.listing,
    ]
