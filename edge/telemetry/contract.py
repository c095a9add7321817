"""The contract with subscribers as files: JSON Schemas of all messages and commands, and an AsyncAPI document."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edge.telemetry.commands import ARGUMENTS, Command, Response
from edge.telemetry.messages import MODELS, Evidence
from edge.telemetry.offer import Offer
from edge.telemetry.topics import EVIDENCE, MINUTE, NAME, OFFER, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

VERSION = "1.6"
"""Version of the contract. It grows with every change of a published schema: 1.x adds, 2.0 breaks."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI = "asyncapi.json"
PURPOSES = {
    "status": "Whether the agent is online: birth, clean stop and last will.",
    "info": "Facts that do not change while the agent runs.",
    "health": "The state of the box.",
    "alarm": "What the box says of its surroundings: the alarm that stands, the all-clear, or why neither can be said.",
    "hit": "The hits of a frame.",
}
EVIDENCE_PURPOSE = (
    "A crop of the picture around a hit, only where telemetry.evidence is set; the last part names the hit message."
)


def json_schemas() -> dict[str, Schema]:
    """Return the JSON Schemas by the name of their file.

    Examples
    --------
    >>> sorted(json_schemas())[:3]
    ['alarm.json', 'command-acknowledge.json', 'command-get.json']

    """
    found: dict[str, Schema] = {kind: model.model_json_schema(mode="serialization") for kind, model in MODELS.items()}
    for verb, arguments in ARGUMENTS.items():
        found[f"command-{verb}"] = _command_schema(verb, arguments.model_json_schema(mode="validation"))
    found[EVIDENCE] = Evidence.model_json_schema(mode="serialization")
    found["response"] = Response.model_json_schema(mode="serialization")
    found["offer"] = Offer.model_json_schema(mode="validation")
    return {
        f"{name}.json": {"$schema": DIALECT, "$id": f"urn:gammabox:{name}", **schema} for name, schema in found.items()
    }


def asyncapi() -> Schema:
    """Return the AsyncAPI 3 document, from the point of view of a box."""
    schemas = json_schemas()
    routes = list(_routes())
    names = sorted({route.message for route in routes})
    components: dict[str, Schema] = {}
    for name in names:
        components |= _parts(name, schemas[f"{name}.json"])
    return {
        "asyncapi": "3.0.0",
        "id": "urn:gammabox",
        "info": {
            "title": "Gammabox",
            "version": VERSION,
            "description": "Camera boxes that notice ionising radiation: what they send and which commands they take.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "broker.example:8883", "protocol": "mqtts", "protocolVersion": "5"}},
        "channels": {route.key: route.channel() for route in routes},
        "operations": {f"{route.action}-{route.key}": route.operation() for route in routes},
        "components": {
            "parameters": {
                "site": {"description": f"Id of the place: {NAME.pattern}"},
                "hit": {"description": "Event id of a hit message."},
                "device": {"description": f"Id of the box, unique at its site: {NAME.pattern}"},
            },
            "messages": {name: _message(name) for name in names},
            "schemas": components,
        },
    }


@dataclass(frozen=True)
class _Route:
    """A topic below a box, the message on it, and who sends it."""

    below: str
    message: str
    action: Literal["send", "receive"]
    purpose: str
    retained: bool = False

    @property
    def key(self) -> str:
        return self.below.partition("/{")[0].replace("/", "-")

    def channel(self) -> Schema:
        return {
            "address": f"{ROOT}/{{site}}/{{device}}/{self.below}",
            "description": self.purpose,
            "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in self._parameters()},
            "messages": {self.message: {"$ref": f"#/components/messages/{self.message}"}},
        }

    def _parameters(self) -> Iterator[str]:
        yield from ("site", "device")
        if "{hit}" in self.below:
            yield "hit"

    def operation(self) -> Schema:
        binding = {"qos": 1, "retain": self.retained, "bindingVersion": "0.2.0"}
        return {
            "action": self.action,
            "channel": {"$ref": f"#/channels/{self.key}"},
            "bindings": {"mqtt": binding},
        }


def _routes() -> Iterator[_Route]:
    for kind, purpose in PURPOSES.items():
        yield _Route(kind, kind, "send", purpose, retained=kind != "hit")
    minute = "A health message once a minute, for a bridge to a wider network."
    yield _Route(MINUTE, "health", "send", minute, retained=True)
    yield _Route(OFFER, "offer", "receive", "The release that the box is to run; see docs/update.md.", retained=True)
    yield _Route(f"{EVIDENCE}/{{hit}}", EVIDENCE, "send", EVIDENCE_PURPOSE)
    for verb in ARGUMENTS:
        yield _Route(f"cmd/{verb}", f"command-{verb}", "receive", f"The command {verb}; see docs/commands.md.")
        yield _Route(f"rsp/{verb}", "response", "send", f"The answer to {verb}.")


def _message(name: str) -> Schema:
    payload = {"$ref": f"#/components/schemas/{name}"}
    return {"name": name, "contentType": "application/json", "payload": payload}


def files() -> dict[str, str]:
    """Return all files of the contract by name."""
    documents = {**json_schemas(), ASYNCAPI: asyncapi()}
    return {name: json.dumps(document, indent=1, ensure_ascii=False) + "\n" for name, document in documents.items()}


def digest(documents: dict[str, Schema] | None = None) -> str:
    """Return a digest of the schemas, of those of this release by default. The words in them do not count.

    Examples
    --------
    >>> digest({"a.json": {"type": "object", "title": "A"}}) == digest({"a.json": {"type": "object"}})
    True

    """
    plain = _without_words(json_schemas() if documents is None else documents)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _without_words(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_without_words(each) for each in value]
    if isinstance(value, dict):
        # A property may be called title; then it is no text.
        return {
            key: _without_words(each)
            for key, each in value.items()
            if key not in {"title", "description"} or not isinstance(each, str)
        }
    return value


def _command_schema(verb: str, arguments: Schema) -> Schema:
    """Return the schema of a command with the arguments of its verb in their place."""
    schema = Command.model_json_schema(mode="validation")
    inner = arguments.pop("$defs", {})
    schema["properties"]["arguments"] = arguments
    needs_arguments = ["arguments"] if arguments.get("required") else []
    schema["required"] = [*schema["required"], *needs_arguments]
    schema.pop("$defs", None)
    return {**schema, "title": f"Command {verb}", **({"$defs": inner} if inner else {})}


def _parts(name: str, schema: Schema) -> dict[str, Schema]:
    """Return a schema and its parts as components of an AsyncAPI document, in the dialect that AsyncAPI has."""
    inner = schema.pop("$defs", {})
    outer = {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    return {key: _translated(value) for key, value in {name: outer, **inner}.items()}


def _translated(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_translated(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {key: _translated(each) for key, each in value.items()}
    if "prefixItems" in told:  # draft 7 calls it items
        told["items"] = told.pop("prefixItems")
    if isinstance(told.get("$ref"), str):
        told["$ref"] = told["$ref"].replace("#/$defs/", "#/components/schemas/")
    return told
