"""Accounts that were connected by Instagram's own login: no page of Facebook's stands behind them.

https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api and
…/webhooks: the app's callback URL is set in its dashboard alone, the account's subscription by a call.
"""

from __future__ import annotations

from relevo.channels.adapter import Findings, SetUp
from relevo.channels.meta import graph
from relevo.channels.toolkit import id_text
from relevo.domain.workspaces import Channel

Facts = tuple[tuple[str, str], ...]

PERMISSION = "instagram_business_manage_messages"
FIELDS = (
    "messages",
    "messaging_postbacks",
    "messaging_seen",
    "message_reactions",
    "messaging_referral",
    "comments",
    "live_comments",
)


def connect(channel: Channel, to_copy: Facts) -> SetUp:
    """Have the account's messages told to the app. Where the app is told, a person has to write down."""
    said = yield from graph.ask(
        graph.post(channel, f"me/subscribed_apps?subscribed_fields={','.join(FIELDS)}", {})
    )
    if isinstance(said, str):
        return Findings(facts=to_copy, problems=(said,))
    return (yield from check(channel, to_copy))


def check(channel: Channel, to_copy: Facts) -> SetUp:
    me = yield from graph.ask(graph.get(channel, "me", fields="user_id,username"))
    if isinstance(me, str):
        return Findings(facts=to_copy, problems=(me,))
    problems = []
    wanted = channel.config["account_id"]
    if id_text(me.user_id) != wanted:
        problems.append(f"The token is of the account {me.user_id} ({me.username}), not {wanted}")
    told = yield from graph.ask(graph.get(channel, "me/conversations", platform="instagram", limit="1"))
    if isinstance(told, str):
        problems.append(f"The token needs the permission {PERMISSION}: {told}")
    apps = yield from graph.ask(graph.get(channel, "me/subscribed_apps"))
    if isinstance(apps, str) or not apps.data:
        problems.append("The account does not let the app hear; connect it")
    return Findings(facts=(("Account", me.username), *to_copy), problems=tuple(problems))
