"""The document's own examples, made possible: what they speak of is there, and what they make is not yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from relevo.domain.events import BotPaused, ByConversation
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.vocabulary import BotField, Names
from relevo.store import defining, vocabulary
from relevo.testing.builders import World
from tests.web.api.conftest import READY, Ana, park
from tests.web.api.validating import Api, Json


class Preparing:
    """Makes examples about Ana. What an example deletes, or says to be new, is another thing each time."""

    def __init__(self, world: World, ana: Ana, numbers: dict[str, int]) -> None:
        self._world, self._ana = world, ana
        self._ours: Json = {"user_ns": ana.user_ns, "agent_id": world.company.agent.id, **numbers}
        self._numbers = count(1)

    @classmethod
    async def of(cls, world: World, ana: Ana) -> Preparing:
        return cls(world, ana, await park(world))

    async def each(self, api: Api, *, besides: set[str]) -> AsyncIterator[tuple[str, str, Json]]:
        """Method, path and body of every write of the document, each made possible when it is its turn."""
        for method, path, operation in api.told.writing():
            if path not in besides:
                for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
                    body = await self.ready(path, example["value"])
                    yield method, path.replace("{id}", f"{READY}"), body

    @property
    def ours(self) -> Json:
        """What there is, by the names of parameters."""
        return self._ours

    async def ready(self, path: str, example: Json) -> Json:
        body = {
            name: value if name == "id" and isinstance(value, str) else self._ours.get(name, value)
            for name, value in example.items()
        }
        if path.startswith("/handoff/"):
            await self._world.submit(BotPaused(to=ByConversation(self._ana.id), minutes=30, by="api"))
        if "epoch" in body:
            body["epoch"] = (await self._ana.state()).epoch
        number = next(self._numbers)
        if path == "/subscriber/create":
            return {**body, "phone": f"+614{number:08}"}
        if path in ("/subscriber/delete", "/subscriber/unsubscribe-from-bot"):
            said = await self._world.says("Hello", user_id=f"someone-{number}")
            return {"user_ns": Ana(self._world, said.conversation_id).user_ns}
        if "/create-" in path and path.startswith(("/flow/", "/team/")):
            return {**body, "name": f"{body['name']} {number}"}
        return dict(await self._named(path, body, number))

    async def _named(self, path: str, body: Any, number: int) -> Any:
        """The same with tags, fields and labels that there are."""
        match body:
            case list():
                return [await self._named(path, one, number) for one in body]
            case dict():
                return {name: await self._value(path, name, value, number) for name, value in body.items()}
            case _:
                return body

    async def _value(self, path: str, name: str, value: Any, number: int) -> Any:
        wanted = f"gone {number}" if "/delete-" in path else "there"
        if name == "bot_fields":
            return await self._named("/flow/set-bot-fields", value, number)
        if name == "tag_ns" or (name == "name" and "delete-tag" in path):
            return await self._tag(wanted, by_ns=name == "tag_ns")
        if (name == "var_ns" or (name == "name" and path.startswith("/flow/"))) and "bot-field" in path:
            return await self._bot_field(wanted, by_ns=name == "var_ns")
        if name == "var_ns" or (name == "name" and "delete-user-field" in path):
            return await self._user_field(wanted, by_ns=name == "var_ns")
        if path.startswith("/team/delete-label"):
            return await self.label(wanted, by_id=name == "id")
        return await self._named(path, value, number)

    async def _tag(self, name: str, *, by_ns: bool) -> str:
        await self.register(Names(frozenset({name})))
        return self._words().tags[name].ns if by_ns else name

    async def _user_field(self, name: str, *, by_ns: bool) -> str:
        await self.register(Names(fields={name: "number"}))
        return self._words().fields[name].ns if by_ns else name

    async def _bot_field(self, name: str, *, by_ns: bool) -> str:
        if name not in self._words().bot_fields:
            async with self._world.database.write() as connection:
                number = await defining.field_numbers(connection, self._flow_id)
                new = BotField(flow_id=self._flow_id, number=number, name=name)
                await defining.insert_bot_field(connection, new, self._world.clock.now())
            await self._world.catalog.refresh(at_once=True)
        return self._words().bot_fields[name].ns if by_ns else name

    async def label(self, name: str, *, by_id: bool) -> Any:
        """The number or the name of a label that is there."""
        workspace_id: WorkspaceId = self._world.company.workspace.id
        async with self._world.database.write() as connection:
            known = (await vocabulary.all_labels(connection)).get(workspace_id, {})
            if name not in known:
                await defining.insert_label(connection, workspace_id, name, self._world.clock.now())
        await self._world.catalog.refresh(at_once=True)
        return self._world.catalog.directory.labels[workspace_id][name].id if by_id else name

    async def register(self, names: Names) -> None:
        """Have these be there."""
        async with self._world.database.write() as connection:
            await defining.register(connection, self._flow_id, names, self._world.clock.now())
        await self._world.catalog.refresh(at_once=True)

    def _words(self) -> Any:
        return self._world.catalog.directory.vocabulary(self._flow_id)

    @property
    def _flow_id(self) -> FlowId:
        return self._world.company.flow.id
