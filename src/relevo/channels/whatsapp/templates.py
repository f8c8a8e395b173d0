"""The templates of an account: listing, making and deleting them at Meta.

https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-account/template-api
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import ListOfTemplates, MakingTemplate, VendorAnswer
from relevo.channels.whatsapp import calls, template_news, wire
from relevo.domain.approved_templates import Template
from relevo.domain.workspaces import Channel

FIELDS = "id,name,language,status,category,components,rejected_reason,quality_score"
PAGE, MOST_PAGES = 100, 60
"""An account has 6,000 templates at most."""
LONGEST_PAGE = 8_000_000
"""Bytes of an answer with a page of templates."""


def every(channel: Channel) -> ListOfTemplates:
    """All templates of the account, page by page."""
    answer = yield calls.call(channel, "GET", f"{_account(channel)}?fields=message_template_namespace")
    if not toolkit.is_success(answer):
        return calls.complaint(answer)
    namespace = calls.read(answer, wire.Account).message_template_namespace
    found: list[Template] = []
    after = ""
    for _ in range(MOST_PAGES):
        answer = yield _page(channel, after)
        if not toolkit.is_success(answer):
            return calls.complaint(answer)
        page = _read_page(answer)
        if page is None:
            return "Meta answered with something that Relevo does not understand"
        found += [_template(one, namespace) for one in page.data]
        after = page.paging.cursors.after if page.paging.next else ""
        if not after:
            break
    return tuple(found)


def make(channel: Channel, wanted: Template) -> MakingTemplate:
    """Ask Meta to approve a template. It answers whether it will look at it."""
    body = {
        "name": wanted.name,
        "language": wanted.lang,
        "category": wanted.category,
        "components": wanted.components,
    }
    answer = yield calls.call(channel, "POST", f"{_account(channel)}/message_templates", body)
    if not toolkit.is_success(answer):
        return calls.complaint(answer)
    made = calls.read(answer, wire.MadeTemplate)
    return msgspec.structs.replace(
        wanted, vendor_id=made.id, status=made.status, category=made.category or wanted.category
    )


def drop(channel: Channel, name: str) -> MakingTemplate:
    """Delete a template in all its languages."""
    place = f"{_account(channel)}/message_templates?{urlencode({'name': name})}"
    answer = yield calls.call(channel, "DELETE", place)
    return None if toolkit.is_success(answer) else calls.complaint(answer)


def _account(channel: Channel) -> str:
    return str(channel.config["waba_id"])


def _page(channel: Channel, after: str) -> Any:
    query = {"fields": FIELDS, "limit": str(PAGE), **({"after": after} if after else {})}
    call = calls.call(channel, "GET", f"{_account(channel)}/message_templates?{urlencode(query)}")
    return msgspec.structs.replace(call, most=LONGEST_PAGE)


def _read_page(answer: VendorAnswer) -> wire.TemplatePage | None:
    """None of what is no page: an account must not look empty because of it."""
    try:
        return msgspec.json.decode(answer.body, type=wire.TemplatePage)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _template(one: wire.TemplateThere, namespace: str) -> Template:
    reason = "" if one.rejected_reason in ("", "NONE") else one.rejected_reason
    return Template(
        name=one.name,
        lang=one.language,
        category=one.category,
        status=one.status,
        components=one.components,
        vendor_id=toolkit.id_text(one.id),
        namespace=namespace,
        reason=reason,
        quality=template_news.quality(one.quality_score.score) if one.quality_score else "",
    )
