"""The UChat-compatible REST API under `/api`: one file a category, and `handoff`, which is our own part.

UChat's words are translated here and nowhere else.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp

from relevo.web.api import (
    agent_groups,
    bot_fields,
    broadcasting,
    canned,
    control,
    custom_events,
    deliveries,
    describing,
    events,
    flow,
    flow_settings,
    handoff,
    labels,
    me,
    media_library,
    messages,
    people,
    reaching,
    redelivering,
    reports,
    segments,
    sending,
    starting,
    subscribers,
    tags,
    team,
    user_fields,
    whatsapp_templates,
)
from relevo.web.api.access import AnyConnection, Gate
from relevo.web.api.calls import Call
from relevo.web.api.operations import also_as_post
from relevo.web.api.pages import create_pages
from relevo.web.api.reading import ApiRequest, ours
from relevo.web.bearers import Bearers
from relevo.web.numbers import are_possible
from relevo.web.services import Services

CALLS: list[HTTPRouteHandler] = [
    me.me,
    subscribers.list_subscribers,
    subscribers.list_team_bot_users,
    subscribers.get_info,
    subscribers.get_info_by_user_id,
    people.create,
    people.create_many,
    people.update,
    people.delete,
    describing.add_tag,
    describing.add_tags,
    describing.add_tag_by_name,
    describing.add_tags_by_name,
    describing.remove_tag,
    describing.remove_tags,
    describing.remove_tag_by_name,
    describing.remove_tags_by_name,
    describing.add_labels_by_name,
    describing.remove_labels_by_name,
    describing.set_user_field,
    describing.set_user_fields,
    describing.set_user_field_by_name,
    describing.set_user_fields_by_name,
    describing.clear_user_field,
    describing.clear_user_fields,
    describing.clear_user_field_by_name,
    describing.clear_user_fields_by_name,
    people.subscribe_to_bot,
    people.unsubscribe_from_bot,
    people.opt_in_sms,
    people.opt_out_sms,
    people.opt_in_email,
    people.opt_out_email,
    messages.chat_messages,
    messages.chat_messages_by_mids,
    sending.send_text,
    sending.send_content,
    sending.send_whatsapp_template,
    sending.send_email,
    whatsapp_templates.list_templates,
    whatsapp_templates.create_template,
    whatsapp_templates.delete_template,
    whatsapp_templates.sync_templates,
    reaching.send_whatsapp_template_by_user_id,
    reaching.send_sms,
    starting.send_main_flow,
    starting.send_sub_flow,
    starting.send_sub_flow_by_flow_name,
    starting.send_sub_flow_by_user_id,
    starting.send_node,
    broadcasting.broadcast,
    broadcasting.broadcast_by_user_id,
    broadcasting.broadcast_by_tag,
    broadcasting.broadcast_by_segment,
    broadcasting.broadcast_template_by_user_id,
    broadcasting.broadcast_template_by_tag,
    broadcasting.list_broadcasts,
    broadcasting.cancel_broadcast,
    broadcasting.delete_broadcast,
    segments.list_segments,
    segments.count_segment,
    control.pause_bot,
    control.resume_bot,
    control.assign_agent,
    control.unassign_agent,
    control.move_chat_to,
    handoff.accept,
    handoff.return_,
    agent_groups.assign_agent_group,
    handoff.typing,
    handoff.seen,
    handoff.presence,
    events.list_events,
    deliveries.list_deliveries,
    deliveries.get_delivery,
    redelivering.redeliver,
    redelivering.skip,
    redelivering.redeliver_many,
    redelivering.list_redeliveries,
    redelivering.get_redelivery,
    redelivering.stop_redelivery,
    flow.agents,
    flow.subflows,
    flow.bot_users_count,
    flow.inbound_webhooks,
    canned.list_shortcuts,
    canned.get_shortcut,
    canned.create_shortcut,
    canned.update_shortcut,
    canned.delete_shortcut,
    canned.list_closing_notes,
    canned.get_closing_note,
    canned.create_closing_note,
    canned.update_closing_note,
    canned.delete_closing_note,
    reports.conversations_data,
    reports.activity_data,
    reports.flow_summary,
    reports.flow_agent_summary,
    team.team_info,
    team.team_flows,
    team.team_members,
    team.channel_settings,
    team.update_channel_settings,
    team.sidebar_settings,
    team.update_sidebar_settings,
    agent_groups.list_agent_groups,
    agent_groups.get_agent_group,
    agent_groups.create_agent_group,
    agent_groups.update_agent_group,
    agent_groups.update_agent_group_users,
    agent_groups.delete_agent_group,
    flow_settings.set_default_start_flow,
    flow_settings.set_widget_start_flow,
    flow_settings.delete_sub_flow,
    flow_settings.error_logs,
    media_library.list_media,
    media_library.upload_media,
    media_library.delete_media,
    custom_events.log_custom_event,
    custom_events.list_custom_events,
    custom_events.custom_event_summary,
    custom_events.custom_event_data,
    tags.list_tags,
    tags.create_tag,
    tags.delete_tag,
    tags.delete_tag_by_name,
    user_fields.list_user_fields,
    user_fields.create_user_field,
    user_fields.update_user_field,
    user_fields.delete_user_field,
    user_fields.delete_user_field_by_name,
    bot_fields.list_bot_fields,
    bot_fields.create_bot_field,
    bot_fields.set_bot_field,
    bot_fields.set_bot_field_by_name,
    bot_fields.set_bot_fields,
    bot_fields.set_bot_fields_by_name,
    bot_fields.delete_bot_field,
    bot_fields.delete_bot_field_by_name,
    labels.list_labels,
    labels.create_label,
    labels.delete_label,
    labels.delete_label_by_name,
]
"""Everything that can be called, in the order of the document."""


def create_api(services: Services, bearers: Bearers | None = None) -> list[Router]:
    """The routers of `/api`: what can be called, and the pages about it.

    Side by side, since the framework copies a router with all that is in it into the one around it.
    """
    gate = Gate(services, bearers or Bearers(services.database, services.clock))

    # Functions, not methods: the framework makes a deep copy of the router, which stops at functions.
    async def call(request: Request[Any, Any, Any]) -> Call:
        return await Call.of(services, ours(request))

    async def admit(request: AnyConnection, handler: BaseRouteHandler) -> None:
        await gate.admit(request, handler)

    def complete(app: ASGIApp) -> ASGIApp:
        return gate.complete(app)

    calls = Router(
        "/api",
        route_handlers=[*CALLS, *also_as_post(CALLS)],
        dependencies={"call": Provide(call)},
        guards=[admit, are_possible],
        middleware=[complete],
        request_class=ApiRequest,
        request_max_body_size=services.edge.max_body,
    )
    return [calls, create_pages(CALLS, services.edge.public_url)]
