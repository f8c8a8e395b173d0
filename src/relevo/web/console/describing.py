"""What a person is described by, beside their conversation: what there is to choose from, and the choice."""

from __future__ import annotations

import msgspec

from relevo.admin.vocabulary import checked
from relevo.domain.conversations import Conversation
from relevo.domain.errors import InvalidInput
from relevo.domain.events import DirectAct
from relevo.domain.flows.runs import AddLabel, AddTag, RemoveLabel, RemoveTag, SetField
from relevo.domain.vocabulary import LONGEST_NAME, UserField
from relevo.web.console.forms import Form
from relevo.web.console.speaking import field_text
from relevo.web.console.visits import Visit


class Known(msgspec.Struct, frozen=True):
    """What may still be put on, the fields that may be set, and what those hold that are shown."""

    tags: list[str]
    labels: list[str]
    fields: list[UserField]
    values: list[tuple[str, str]]


def known(visit: Visit, one: Conversation) -> Known:
    words, person = visit.directory.vocabulary(one.flow_id), one.subscriber
    labels = visit.directory.labels.get(one.workspace_id, {}).values()
    fields = {name: field for name, field in words.fields.items() if not field.going}
    return Known(
        sorted(tag.name for tag in words.tags.values() if not tag.going and tag.name not in person.tags),
        sorted(label.name for label in labels if not label.going and label.name not in person.labels),
        sorted(fields.values(), key=lambda field: field.name.casefold()),
        [(name, field_text(person.fields[name])) for name in _shown(one, fields)],
    )


def _shown(one: Conversation, fields: dict[str, UserField]) -> list[str]:
    """The names of what they hold, pinned ones first; one that has no row yet is shown as well."""
    displays = {name: fields[name].display if name in fields else "default" for name in one.subscriber.fields}
    held = [name for name, display in displays.items() if display != "hidden"]
    return sorted(held, key=lambda name: (displays[name] != "pin", name.casefold()))


async def act_of(visit: Visit, one: Conversation, form: Form) -> DirectAct:
    """Raises InvalidInput."""
    name = form.get("name")
    if not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        raise InvalidInput({"name": [f"A name has 1 to {LONGEST_NAME} characters."]})
    match form.get("what"):
        case "add-tag":
            return AddTag(name)
        case "remove-tag":
            return RemoveTag(name)
        case "remove-label":
            return RemoveLabel(name)
        case "add-label":
            if name not in known(visit, one).labels:
                raise InvalidInput({"name": [f"There is no label {name} to put on."]})
            return AddLabel(name)
        case "set-field":
            return _set_field(visit, one, name, form.raw("value"))
        case other:
            raise InvalidInput({"what": [f"There is nothing like {other!r} to do."]})


def _set_field(visit: Visit, one: Conversation, name: str, value: str) -> SetField:
    field = visit.directory.vocabulary(one.flow_id).fields.get(name)
    if field is None or field.going:
        raise InvalidInput({"name": [f"There is no field {name} to set."]})
    return SetField(name, checked(name, field.type, value.strip()))
