"""The command `gammabox-edge command`: sends a box a command and prints its answer."""

from __future__ import annotations

import getpass
import json
import secrets
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from edge.commands.console import EXIT_CHECK_FAILED
from edge.control_room.conversation import Conversation
from edge.errors import BrokerError
from edge.telemetry.commands import ARGUMENTS, Command, Response
from edge.telemetry.fields import first_error
from edge.telemetry.topics import CommandTopic
from edge.text import one_line

if TYPE_CHECKING:
    from edge.config.device import MqttSettings
    from edge.config.telemetry import Verb

PATIENCE_S = 15.0


def run(
    settings: MqttSettings, box: tuple[str, str], verb: Verb, words: list[str], *, by: str | None, reason: str | None
) -> int:
    """Send a command, wait for the answer and print it as JSON. Return the exit code.

    Raises
    ------
    BrokerError
        The arguments are wrong, the broker cannot be reached or refuses, or no answer comes.

    """
    site, device = box
    name = secrets.token_hex(8)
    command = Command(
        transaction_id=name,
        utc=datetime.now(timezone.utc),
        by=by or getpass.getuser(),
        reason=reason,
        arguments=_arguments(verb, words),
    )
    topic, answers = CommandTopic(site, device, "cmd", verb), CommandTopic(site, device, "rsp", verb)
    with Conversation(settings) as conversation:
        conversation.subscribe([str(answers)])
        problem = conversation.publish(str(topic), command.model_dump_json().encode())
        if problem is not None:
            raise BrokerError(f"the broker refuses {topic} ({problem}); check the rights of this user")
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for heard in conversation.hear(0.5):
                answer = _answer(heard.payload)
                if answer is not None and answer.transaction_id == name:
                    print(json.dumps(answer.result, indent=2))
                    if not answer.ok:
                        sys.stderr.write(f"{device} refuses {verb}: {one_line(answer.error or 'no reason is given')}\n")
                    return 0 if answer.ok else EXIT_CHECK_FAILED
    raise BrokerError(f"no answer of {site}/{device} within {PATIENCE_S:.0f} s; is it online, and its clock right?")


def _answer(payload: bytes) -> Response | None:
    try:
        return Response.model_validate_json(payload)
    except ValidationError:
        return None


def _arguments(verb: Verb, words: list[str]) -> dict[str, JsonValue]:
    """Return the arguments of a command from words such as minutes=5; for `set` they are names of settings."""
    given: dict[str, JsonValue] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise BrokerError(f"found {word!r}, expected NAME=VALUE")
        try:
            given[key] = json.loads(text)
        except ValueError:
            given[key] = text
    if verb == "set":
        given = {"values": given}
    try:
        ARGUMENTS[verb].model_validate(given)
    except ValidationError as error:
        raise BrokerError(f"{verb}, {first_error(error)}; docs/commands.md has the arguments") from error
    return given
