import json
from pathlib import Path

import jsonschema
import pytest

from edge.config.reference import as_markdown, as_schema

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_page_in_docs_is_what_the_command_prints():
    assert PAGE.read_text(encoding="utf-8") == as_markdown() + "\n"


def test_schema_accepts_good_settings_only():
    schema = json.loads(as_schema())
    good = {"site": "docks", "device": "gate", "source": {"spec": "a.avi"}, "mqtt": {"host": "broker"}}
    jsonschema.validate(good, schema)
    for wrong in ({**good, "mqtts": {}}, {**good, "site": "Docks"}, {"site": "docks"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
