"""Writes plain data as YAML that `edge.config.yaml_file` reads back unchanged, in the order of its keys.

ruamel.yaml's own writer puts a bare U+0085 into quoted text, and every reader takes that for a line break. Here every
text is written in double quotes, as in JSON, unless it is plainly a word.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from edge.config.yaml_file import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

# Begins with a letter or a slash and holds nothing that YAML gives a meaning to: a colon only before a further letter.
_WORD = re.compile(r"[A-Za-z/]([A-Za-z0-9_./+-]|:(?=[A-Za-z0-9]))*")


def block(data: Mapping[str, JsonValue], indent: str = "") -> str:
    """Return a mapping as YAML, with mappings inside it as indented blocks and lists on one line."""
    return "".join(
        f"{indent}{_text(key)}:\n{block(value, indent + '  ')}"
        if isinstance(value, dict) and value
        else f"{indent}{_text(key)}: {_flow(value)}\n"
        for key, value in data.items()
    )


def _flow(value: JsonValue) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_flow(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _text(text: str) -> str:
    if _WORD.fullmatch(text) and text not in WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
