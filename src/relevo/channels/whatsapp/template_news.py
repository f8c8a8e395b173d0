"""What Meta posts when something changes with a template. It goes to the app's own callback URL only.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
and its neighbours.
"""

from __future__ import annotations

from relevo.channels import toolkit
from relevo.channels.whatsapp import wire
from relevo.domain.approved_templates import TemplateNews

FIELDS = (
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
)

_SAME = ("APPROVED", "REJECTED", "PENDING", "PAUSED", "DISABLED", "IN_APPEAL", "ARCHIVED", "PENDING_DELETION")
STATUSES = {**dict(zip(_SAME, _SAME, strict=True)), "REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED"}
"""What a template is after an event. FLAGGED, LOCKED and their like do not tell whether it may be sent."""
GONE = "DELETED"
NO_REASON = ("", "NONE")


def read(change: wire.Change) -> TemplateNews | str:
    """What a change says; its name where it changes nothing that we keep."""
    told = toolkit.read_value(change.value, wire.TemplateChange, "value")
    name, lang = told.message_template_name, told.message_template_language
    match change.field:
        case "message_template_status_update":
            return _status(told)
        case "message_template_quality_update" if told.new_quality_score is not None:
            return TemplateNews(name=name, lang=lang, quality=quality(told.new_quality_score))
        case "template_category_update" if told.new_category:
            return TemplateNews(name=name, lang=lang, category=told.new_category)
        case "message_template_components_update":
            return TemplateNews(name=name, lang=lang, is_rewritten=True)
        case field:
            return field


def quality(score: str) -> str:
    return "" if score == "UNKNOWN" else score


def _status(told: wire.TemplateChange) -> TemplateNews | str:
    name, lang = told.message_template_name, told.message_template_language
    if told.event == GONE:
        return TemplateNews(name=name, lang=lang, is_gone=True)
    if told.event not in STATUSES:
        return toolkit.short(f"message_template_status_update {told.event}")
    reason = "" if told.reason in (None, *NO_REASON) else told.reason
    return TemplateNews(name=name, lang=lang, status=STATUSES[told.event], reason=reason)
