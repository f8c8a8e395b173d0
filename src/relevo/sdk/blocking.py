"""`SyncClient`: the same calls for programs that do not use asyncio.

A method of `Client` waits for nothing but its transport (`relevo.sdk.transport`). With a blocking one it
runs to its end in one step, so here is nothing but its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import timedelta
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from relevo.sdk.calling import api_url
from relevo.sdk.client import Client
from relevo.sdk.transport import Blocking, Transport

P = ParamSpec("P")
T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("the transport of a SyncClient must block, not wait")


def _at_once(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncClient, P], T]:
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return _run(method(self._client, *args, **kwargs))

    update_wrapper(call, method)
    return call


def _one_by_one(
    method: Callable[Concatenate[Any, P], AsyncIterator[T]],
) -> Callable[Concatenate[SyncClient, P], Iterator[T]]:
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = method(self._client, *args, **kwargs)
        while True:
            try:
                yield _run(_next(found))
            except StopAsyncIteration:
                return

    update_wrapper(call, method)
    return call


async def _next(found: AsyncIterator[T]) -> T:
    return await found.__anext__()


class SyncClient:
    """`Client`, blocking: the same calls, with the same arguments, errors and repetitions. Lists are plain
    iterators. Use it in `with`, or `close` it. Several threads may share one."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 15.0,
        attempts: int = 3,
        longest_wait: float = 10.0,
        knows_keys: bool = True,
        transport: Transport | None = None,
    ) -> None:
        blocking = transport or Blocking(api_url(base_url), token, timedelta(seconds=timeout))
        self._client = Client(
            base_url,
            token,
            attempts=attempts,
            longest_wait=longest_wait,
            knows_keys=knows_keys,
            transport=blocking,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        return self._client.base_url

    close = _at_once(Client.close)

    me = _at_once(Client.me)
    get_info = _at_once(Client.get_info)
    get_info_by_user_id = _at_once(Client.get_info_by_user_id)
    subscribers = _one_by_one(Client.subscribers)
    team_bot_users = _one_by_one(Client.team_bot_users)
    bot_users_count = _at_once(Client.bot_users_count)
    create_subscriber = _at_once(Client.create_subscriber)
    create_subscribers = _at_once(Client.create_subscribers)
    update_subscriber = _at_once(Client.update_subscriber)
    delete_subscriber = _at_once(Client.delete_subscriber)
    subscribe_to_bot = _at_once(Client.subscribe_to_bot)
    unsubscribe_from_bot = _at_once(Client.unsubscribe_from_bot)
    opt_in_sms = _at_once(Client.opt_in_sms)
    opt_out_sms = _at_once(Client.opt_out_sms)
    opt_in_email = _at_once(Client.opt_in_email)
    opt_out_email = _at_once(Client.opt_out_email)

    add_tag = _at_once(Client.add_tag)
    add_tags = _at_once(Client.add_tags)
    add_tag_by_name = _at_once(Client.add_tag_by_name)
    add_tags_by_name = _at_once(Client.add_tags_by_name)
    remove_tag = _at_once(Client.remove_tag)
    remove_tags = _at_once(Client.remove_tags)
    remove_tag_by_name = _at_once(Client.remove_tag_by_name)
    remove_tags_by_name = _at_once(Client.remove_tags_by_name)
    add_labels_by_name = _at_once(Client.add_labels_by_name)
    remove_labels_by_name = _at_once(Client.remove_labels_by_name)
    set_user_field = _at_once(Client.set_user_field)
    set_user_fields = _at_once(Client.set_user_fields)
    set_user_field_by_name = _at_once(Client.set_user_field_by_name)
    set_user_fields_by_name = _at_once(Client.set_user_fields_by_name)
    clear_user_field = _at_once(Client.clear_user_field)
    clear_user_fields = _at_once(Client.clear_user_fields)
    clear_user_field_by_name = _at_once(Client.clear_user_field_by_name)
    clear_user_fields_by_name = _at_once(Client.clear_user_fields_by_name)

    chat_messages = _one_by_one(Client.chat_messages)
    chat_messages_by_mids = _at_once(Client.chat_messages_by_mids)

    send_text = _at_once(Client.send_text)
    send_content = _at_once(Client.send_content)
    typing = _at_once(Client.typing)
    seen = _at_once(Client.seen)
    send_whatsapp_template = _at_once(Client.send_whatsapp_template)
    send_whatsapp_template_by_user_id = _at_once(Client.send_whatsapp_template_by_user_id)
    send_sms = _at_once(Client.send_sms)
    send_email = _at_once(Client.send_email)
    send_main_flow = _at_once(Client.send_main_flow)
    send_sub_flow = _at_once(Client.send_sub_flow)
    send_sub_flow_by_flow_name = _at_once(Client.send_sub_flow_by_flow_name)
    send_sub_flow_by_user_id = _at_once(Client.send_sub_flow_by_user_id)
    send_node = _at_once(Client.send_node)

    pause_bot = _at_once(Client.pause_bot)
    resume_bot = _at_once(Client.resume_bot)
    accept_handoff = _at_once(Client.accept_handoff)
    return_handoff = _at_once(Client.return_handoff)
    assign_agent = _at_once(Client.assign_agent)
    assign_agent_group = _at_once(Client.assign_agent_group)
    unassign_agent = _at_once(Client.unassign_agent)
    set_presence = _at_once(Client.set_presence)
    move_chat_to = _at_once(Client.move_chat_to)

    events = _one_by_one(Client.events)
    all_events = _one_by_one(Client.all_events)
    deliveries = _one_by_one(Client.deliveries)
    delivery = _at_once(Client.delivery)
    redeliver = _at_once(Client.redeliver)
    skip = _at_once(Client.skip)
    count_redeliverable = _at_once(Client.count_redeliverable)
    redeliver_many = _at_once(Client.redeliver_many)
    redeliveries = _one_by_one(Client.redeliveries)
    redelivery = _at_once(Client.redelivery)
    stop_redelivery = _at_once(Client.stop_redelivery)

    broadcast = _at_once(Client.broadcast)
    broadcast_by_user_id = _at_once(Client.broadcast_by_user_id)
    broadcast_by_tag = _at_once(Client.broadcast_by_tag)
    broadcast_by_segment = _at_once(Client.broadcast_by_segment)
    broadcast_whatsapp_template_by_user_id = _at_once(Client.broadcast_whatsapp_template_by_user_id)
    broadcast_whatsapp_template_by_tag = _at_once(Client.broadcast_whatsapp_template_by_tag)
    broadcasts = _one_by_one(Client.broadcasts)
    cancel_broadcast = _at_once(Client.cancel_broadcast)
    delete_broadcast = _at_once(Client.delete_broadcast)
    segments = _one_by_one(Client.segments)
    segment_bot_users_count = _at_once(Client.segment_bot_users_count)

    whatsapp_templates = _one_by_one(Client.whatsapp_templates)
    create_whatsapp_template = _at_once(Client.create_whatsapp_template)
    delete_whatsapp_template = _at_once(Client.delete_whatsapp_template)
    sync_whatsapp_templates = _at_once(Client.sync_whatsapp_templates)

    agents = _one_by_one(Client.agents)
    inbound_webhooks = _one_by_one(Client.inbound_webhooks)
    subflows = _one_by_one(Client.subflows)
    set_default_start_flow = _at_once(Client.set_default_start_flow)
    set_web_chat_widget_default_start_flow = _at_once(Client.set_web_chat_widget_default_start_flow)
    delete_sub_flow = _at_once(Client.delete_sub_flow)
    error_logs = _one_by_one(Client.error_logs)

    tags = _one_by_one(Client.tags)
    create_tag = _at_once(Client.create_tag)
    delete_tag = _at_once(Client.delete_tag)
    delete_tag_by_name = _at_once(Client.delete_tag_by_name)
    labels = _one_by_one(Client.labels)
    create_label = _at_once(Client.create_label)
    delete_label = _at_once(Client.delete_label)
    delete_label_by_name = _at_once(Client.delete_label_by_name)
    user_fields = _one_by_one(Client.user_fields)
    create_user_field = _at_once(Client.create_user_field)
    update_user_field = _at_once(Client.update_user_field)
    delete_user_field = _at_once(Client.delete_user_field)
    delete_user_field_by_name = _at_once(Client.delete_user_field_by_name)
    bot_fields = _one_by_one(Client.bot_fields)
    create_bot_field = _at_once(Client.create_bot_field)
    set_bot_field = _at_once(Client.set_bot_field)
    set_bot_field_by_name = _at_once(Client.set_bot_field_by_name)
    set_bot_fields = _at_once(Client.set_bot_fields)
    set_bot_fields_by_name = _at_once(Client.set_bot_fields_by_name)
    delete_bot_field = _at_once(Client.delete_bot_field)
    delete_bot_field_by_name = _at_once(Client.delete_bot_field_by_name)

    shortcuts = _one_by_one(Client.shortcuts)
    shortcut = _at_once(Client.shortcut)
    create_shortcut = _at_once(Client.create_shortcut)
    update_shortcut = _at_once(Client.update_shortcut)
    delete_shortcut = _at_once(Client.delete_shortcut)
    closing_notes = _one_by_one(Client.closing_notes)
    closing_note = _at_once(Client.closing_note)
    create_closing_note = _at_once(Client.create_closing_note)
    update_closing_note = _at_once(Client.update_closing_note)
    delete_closing_note = _at_once(Client.delete_closing_note)

    log_custom_event = _at_once(Client.log_custom_event)
    custom_events = _one_by_one(Client.custom_events)
    custom_event_summary = _at_once(Client.custom_event_summary)
    custom_event_data = _one_by_one(Client.custom_event_data)

    conversations_data = _one_by_one(Client.conversations_data)
    agent_activity_log = _one_by_one(Client.agent_activity_log)
    flow_summary = _at_once(Client.flow_summary)
    flow_agent_summary = _at_once(Client.flow_agent_summary)

    team_info = _at_once(Client.team_info)
    team_flows = _one_by_one(Client.team_flows)
    team_members = _one_by_one(Client.team_members)
    channel_settings = _at_once(Client.channel_settings)
    update_channel_settings = _at_once(Client.update_channel_settings)
    live_chat_sidebar = _at_once(Client.live_chat_sidebar)
    update_live_chat_sidebar = _at_once(Client.update_live_chat_sidebar)

    agent_groups = _one_by_one(Client.agent_groups)
    agent_group = _at_once(Client.agent_group)
    create_agent_group = _at_once(Client.create_agent_group)
    update_agent_group = _at_once(Client.update_agent_group)
    update_agent_group_users = _at_once(Client.update_agent_group_users)
    delete_agent_group = _at_once(Client.delete_agent_group)

    media_library = _one_by_one(Client.media_library)
    upload_media = _at_once(Client.upload_media)
    delete_media = _at_once(Client.delete_media)
