"""What a subscriber is described by: tags, labels and fields, put on, set and taken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain.events import AnyEvent, ByConversation, DirectAct, Once, SubscriberChanged
from relevo.domain.flows.runs import AddLabel, AddTag, RemoveLabel, RemoveTag, SetField
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import Names
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.operations import USER_NS, writes
from relevo.web.api.subscribers import TAG
from relevo.web.api.vocabulary import (
    MOST_AT_ONCE,
    TagNs,
    Value,
    VarNs,
    have,
    have_labels,
    look_for,
    names_by_ns,
    names_of,
    of_flow,
    own_labels,
    refuse_going,
    typed_values,
)

TagName = Annotated[str, Meta(max_length=200, description="The tag's name.", examples=["lead"])]
LabelName = Annotated[str, Meta(max_length=200, description="The label's name.", examples=["VIP"])]
FieldName = Annotated[str, Meta(max_length=200, description="The field's name.", examples=["size"])]


class TagByNs(msgspec.Struct, frozen=True):
    tag_ns: TagNs


class TagByName(msgspec.Struct, frozen=True):
    tag_name: TagName


class LabelByName(msgspec.Struct, frozen=True):
    label_name: LabelName


class FieldByNs(msgspec.Struct, frozen=True):
    var_ns: VarNs


class FieldByName(msgspec.Struct, frozen=True):
    name: FieldName


class ValueByNs(msgspec.Struct, frozen=True):
    var_ns: VarNs
    value: Value


class ValueByName(msgspec.Struct, frozen=True):
    name: FieldName
    value: Value


class OneTagByNs(msgspec.Struct, frozen=True):
    """Whom, and which tag."""

    user_ns: UserNs
    tag_ns: TagNs


class OneTagByName(msgspec.Struct, frozen=True):
    """Whom, and which tag."""

    user_ns: UserNs
    tag_name: TagName


class TagsByNs(msgspec.Struct, frozen=True):
    """Whom, and which tags."""

    user_ns: UserNs
    data: Annotated[list[TagByNs], Meta(max_length=MOST_AT_ONCE, description="The tags.")]


class TagsByName(msgspec.Struct, frozen=True):
    """Whom, and which tags."""

    user_ns: UserNs
    data: Annotated[list[TagByName], Meta(max_length=MOST_AT_ONCE, description="The tags.")]


class LabelsByName(msgspec.Struct, frozen=True):
    """Whom, and which labels."""

    user_ns: UserNs
    data: Annotated[list[LabelByName], Meta(max_length=MOST_AT_ONCE, description="The labels.")]


class OneValueByNs(msgspec.Struct, frozen=True):
    """Whom, which field and what."""

    user_ns: UserNs
    var_ns: VarNs
    value: Value


class OneValueByName(msgspec.Struct, frozen=True):
    """Whom, which field and what."""

    user_ns: UserNs
    field_name: FieldName
    value: Value


class ValuesByNs(msgspec.Struct, frozen=True):
    """Whom, which fields and what."""

    user_ns: UserNs
    data: Annotated[list[ValueByNs], Meta(max_length=MOST_AT_ONCE, description="Fields and values.")]


class ValuesByName(msgspec.Struct, frozen=True):
    """Whom, which fields and what."""

    user_ns: UserNs
    data: Annotated[list[ValueByName], Meta(max_length=MOST_AT_ONCE, description="Fields and values.")]


class OneFieldByNs(msgspec.Struct, frozen=True):
    """Whom, and which field."""

    user_ns: UserNs
    var_ns: VarNs


class OneFieldByName(msgspec.Struct, frozen=True):
    """Whom, and which field."""

    user_ns: UserNs
    field_name: FieldName


class FieldsByNs(msgspec.Struct, frozen=True):
    """Whom, and which fields."""

    user_ns: UserNs
    data: Annotated[list[FieldByNs], Meta(max_length=MOST_AT_ONCE, description="The fields.")]


class FieldsByName(msgspec.Struct, frozen=True):
    """Whom, and which fields."""

    user_ns: UserNs
    data: Annotated[list[FieldByName], Meta(max_length=MOST_AT_ONCE, description="The fields.")]


# Tags


@writes(
    "/subscriber/add-tag",
    tag=TAG,
    title="Add a tag",
    name="addTag",
    example={"user_ns": USER_NS, "tag_ns": "f1001t7"},
)
async def add_tag(call: NamedDependency[Call], data: JSONBody[OneTagByNs]) -> Ok:
    """Put a tag on a subscriber. Nothing happens when it is there already."""
    return await _tags_by_ns(call, data.user_ns, [("tag_ns", data.tag_ns)], AddTag)


@writes(
    "/subscriber/add-tags",
    tag=TAG,
    title="Add tags",
    name="addTags",
    example={"user_ns": USER_NS, "data": [{"tag_ns": "f1001t7"}]},
)
async def add_tags(call: NamedDependency[Call], data: JSONBody[TagsByNs]) -> Ok:
    """Put tags on a subscriber, all of them or none; at most 20."""
    return await _tags_by_ns(call, data.user_ns, _tag_nss(data), AddTag)


@writes(
    "/subscriber/add-tag-by-name",
    tag=TAG,
    title="Add a tag by its name",
    name="addTagByName",
    example={"user_ns": USER_NS, "tag_name": "lead"},
)
async def add_tag_by_name(call: NamedDependency[Call], data: JSONBody[OneTagByName]) -> Ok:
    """Put a tag on a subscriber. One that there is not is made."""
    return await _add_tags(call, data.user_ns, [("tag_name", data.tag_name)])


@writes(
    "/subscriber/add-tags-by-name",
    tag=TAG,
    title="Add tags by their names",
    name="addTagsByName",
    example={"user_ns": USER_NS, "data": [{"tag_name": "lead"}, {"tag_name": "newsletter"}]},
)
async def add_tags_by_name(call: NamedDependency[Call], data: JSONBody[TagsByName]) -> Ok:
    """Put tags on a subscriber, at most 20. Those that there are not are made."""
    return await _add_tags(call, data.user_ns, _tag_names(data))


@writes(
    "/subscriber/remove-tag",
    method="DELETE",
    tag=TAG,
    title="Remove a tag",
    name="removeTag",
    example={"user_ns": USER_NS, "tag_ns": "f1001t7"},
)
async def remove_tag(call: NamedDependency[Call], data: JSONBody[OneTagByNs]) -> Ok:
    """Take a tag off a subscriber. Nothing happens when it is not there."""
    return await _tags_by_ns(call, data.user_ns, [("tag_ns", data.tag_ns)], RemoveTag)


@writes(
    "/subscriber/remove-tags",
    method="DELETE",
    tag=TAG,
    title="Remove tags",
    name="removeTags",
    example={"user_ns": USER_NS, "data": [{"tag_ns": "f1001t7"}]},
)
async def remove_tags(call: NamedDependency[Call], data: JSONBody[TagsByNs]) -> Ok:
    """Take tags off a subscriber; at most 20."""
    return await _tags_by_ns(call, data.user_ns, _tag_nss(data), RemoveTag)


@writes(
    "/subscriber/remove-tag-by-name",
    method="DELETE",
    tag=TAG,
    title="Remove a tag by its name",
    name="removeTagByName",
    example={"user_ns": USER_NS, "tag_name": "lead"},
)
async def remove_tag_by_name(call: NamedDependency[Call], data: JSONBody[OneTagByName]) -> Ok:
    """Take a tag off a subscriber. Nothing happens when it is not there."""
    return await _change(call, data.user_ns, lambda: [RemoveTag(data.tag_name)])


@writes(
    "/subscriber/remove-tags-by-name",
    method="DELETE",
    tag=TAG,
    title="Remove tags by their names",
    name="removeTagsByName",
    example={"user_ns": USER_NS, "data": [{"tag_name": "lead"}]},
)
async def remove_tags_by_name(call: NamedDependency[Call], data: JSONBody[TagsByName]) -> Ok:
    """Take tags off a subscriber; at most 20."""
    return await _change(call, data.user_ns, lambda: [RemoveTag(one.tag_name) for one in data.data])


# Labels


@writes(
    "/subscriber/add-labels-by-name",
    tag=TAG,
    title="Add labels",
    name="addLabelsByName",
    example={"user_ns": USER_NS, "data": [{"label_name": "VIP"}]},
)
async def add_labels_by_name(call: NamedDependency[Call], data: JSONBody[LabelsByName]) -> Ok:
    """Put labels of the workspace on a subscriber, at most 20. Those that there are not are made."""
    names = [(f"data.{index}.label_name", one.label_name) for index, one in enumerate(data.data)]
    await have_labels(call, [name for _, name in names])

    def acts() -> list[DirectAct]:
        refuse_going(own_labels(call), names)
        return [AddLabel(name) for _, name in names]

    return await _change(call, data.user_ns, acts)


@writes(
    "/subscriber/remove-labels-by-name",
    method="DELETE",
    tag=TAG,
    title="Remove labels",
    name="removeLabelsByName",
    example={"user_ns": USER_NS, "data": [{"label_name": "VIP"}]},
)
async def remove_labels_by_name(call: NamedDependency[Call], data: JSONBody[LabelsByName]) -> Ok:
    """Take labels off a subscriber; at most 20."""
    return await _change(call, data.user_ns, lambda: [RemoveLabel(one.label_name) for one in data.data])


# Fields


@writes(
    "/subscriber/set-user-field",
    method="PUT",
    tag=TAG,
    title="Set a field",
    name="setUserField",
    example={"user_ns": USER_NS, "var_ns": "f1001v9", "value": "42"},
)
async def set_user_field(call: NamedDependency[Call], data: JSONBody[OneValueByNs]) -> Ok:
    """Say what a field of a subscriber holds. A value that is not of the field's type is refused."""
    return await _set_by_ns(call, data.user_ns, [("", data.var_ns, data.value)])


@writes(
    "/subscriber/set-user-fields",
    method="PUT",
    tag=TAG,
    title="Set fields",
    name="setUserFields",
    example={"user_ns": USER_NS, "data": [{"var_ns": "f1001v9", "value": 42}]},
)
async def set_user_fields(call: NamedDependency[Call], data: JSONBody[ValuesByNs]) -> Ok:
    """Say what fields of a subscriber hold, all of them or none; at most 20."""
    given = [(f"data.{index}.", one.var_ns, one.value) for index, one in enumerate(data.data)]
    return await _set_by_ns(call, data.user_ns, given)


@writes(
    "/subscriber/set-user-field-by-name",
    method="PUT",
    tag=TAG,
    title="Set a field by its name",
    name="setUserFieldByName",
    example={"user_ns": USER_NS, "field_name": "size", "value": 42},
)
async def set_user_field_by_name(call: NamedDependency[Call], data: JSONBody[OneValueByName]) -> Ok:
    """Say what a field of a subscriber holds. One that there is not is made, with the type of the value."""
    return await _set_by_name(call, data.user_ns, [("", data.field_name, data.value)])


@writes(
    "/subscriber/set-user-fields-by-name",
    method="PUT",
    tag=TAG,
    title="Set fields by their names",
    name="setUserFieldsByName",
    example={"user_ns": USER_NS, "data": [{"name": "size", "value": 42}]},
)
async def set_user_fields_by_name(call: NamedDependency[Call], data: JSONBody[ValuesByName]) -> Ok:
    """Say what fields of a subscriber hold, all of them or none; at most 20."""
    given = [(f"data.{index}.", one.name, one.value) for index, one in enumerate(data.data)]
    return await _set_by_name(call, data.user_ns, given)


@writes(
    "/subscriber/clear-user-field",
    method="DELETE",
    tag=TAG,
    title="Clear a field",
    name="clearUserField",
    example={"user_ns": USER_NS, "var_ns": "f1001v9"},
)
async def clear_user_field(call: NamedDependency[Call], data: JSONBody[OneFieldByNs]) -> Ok:
    """Have a field of a subscriber hold nothing."""
    return await _clear_by_ns(call, data.user_ns, [("var_ns", data.var_ns)])


@writes(
    "/subscriber/clear-user-fields",
    method="DELETE",
    tag=TAG,
    title="Clear fields",
    name="clearUserFields",
    example={"user_ns": USER_NS, "data": [{"var_ns": "f1001v9"}]},
)
async def clear_user_fields(call: NamedDependency[Call], data: JSONBody[FieldsByNs]) -> Ok:
    """Have fields of a subscriber hold nothing; at most 20."""
    given = [(f"data.{index}.var_ns", one.var_ns) for index, one in enumerate(data.data)]
    return await _clear_by_ns(call, data.user_ns, given)


@writes(
    "/subscriber/clear-user-field-by-name",
    method="DELETE",
    tag=TAG,
    title="Clear a field by its name",
    name="clearUserFieldByName",
    example={"user_ns": USER_NS, "field_name": "size"},
)
async def clear_user_field_by_name(call: NamedDependency[Call], data: JSONBody[OneFieldByName]) -> Ok:
    """Have a field of a subscriber hold nothing."""
    return await _change(call, data.user_ns, lambda: [SetField(data.field_name, None)])


@writes(
    "/subscriber/clear-user-fields-by-name",
    method="DELETE",
    tag=TAG,
    title="Clear fields by their names",
    name="clearUserFieldsByName",
    example={"user_ns": USER_NS, "data": [{"name": "size"}]},
)
async def clear_user_fields_by_name(call: NamedDependency[Call], data: JSONBody[FieldsByName]) -> Ok:
    """Have fields of a subscriber hold nothing; at most 20."""
    return await _change(call, data.user_ns, lambda: [SetField(one.name, None) for one in data.data])


# What they have in common


async def _change(call: Call, user_ns: str, acts: Callable[[], Iterable[DirectAct]]) -> Ok:
    """`acts` may find that something is wrong: that is no reason to refuse a repetition."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return SubscriberChanged(to=to, once=once, acts=tuple(acts()))

    return await call.write(user_ns, event)


async def _tags_by_ns(
    call: Call,
    user_ns: str,
    wanted: Sequence[tuple[str, str]],
    act: type[AddTag | RemoveTag],
) -> Ok:
    await look_for(call, lambda: _are_there((one.ns for one in of_flow(call).tags.values()), wanted))
    return await _change(
        call, user_ns, lambda: [act(name) for name in names_by_ns(of_flow(call).tags, wanted)]
    )


async def _add_tags(call: Call, user_ns: str, wanted: Sequence[tuple[str, str]]) -> Ok:
    await have(call, Names(frozenset(name for _, name in wanted)))

    def acts() -> list[DirectAct]:
        refuse_going(of_flow(call).tags, wanted)
        return [AddTag(name) for _, name in wanted]

    return await _change(call, user_ns, acts)


async def _set_by_ns(call: Call, user_ns: str, given: Sequence[tuple[str, str, FieldValue]]) -> Ok:
    wanted = [(f"{path}var_ns", ns) for path, ns, _ in given]
    await look_for(call, lambda: _are_there((one.ns for one in of_flow(call).fields.values()), wanted))

    def acts() -> list[DirectAct]:
        fields = of_flow(call).fields
        names = names_by_ns(fields, wanted)
        values = [(f"{path}value", name, value) for (path, _, value), name in zip(given, names, strict=True)]
        return [SetField(name, value) for name, value in typed_values(fields, values).items()]

    return await _change(call, user_ns, acts)


async def _set_by_name(call: Call, user_ns: str, given: Sequence[tuple[str, str, FieldValue]]) -> Ok:
    await have(call, names_of({name: value for _, name, value in given}))

    def acts() -> list[DirectAct]:
        fields = of_flow(call).fields
        refuse_going(fields, [(f"{path}name", name) for path, name, _ in given])
        values = [(f"{path}value", name, value) for path, name, value in given]
        return [SetField(name, value) for name, value in typed_values(fields, values).items()]

    return await _change(call, user_ns, acts)


async def _clear_by_ns(call: Call, user_ns: str, wanted: Sequence[tuple[str, str]]) -> Ok:
    await look_for(call, lambda: _are_there((one.ns for one in of_flow(call).fields.values()), wanted))
    return await _change(
        call, user_ns, lambda: [SetField(name, None) for name in names_by_ns(of_flow(call).fields, wanted)]
    )


def _are_there(known: Iterable[str], wanted: Sequence[tuple[str, str]]) -> bool:
    return {ns for _, ns in wanted} <= set(known)


def _tag_nss(data: TagsByNs) -> list[tuple[str, str]]:
    return [(f"data.{index}.tag_ns", one.tag_ns) for index, one in enumerate(data.data)]


def _tag_names(data: TagsByName) -> list[tuple[str, str]]:
    return [(f"data.{index}.tag_name", one.tag_name) for index, one in enumerate(data.data)]
