import json
from datetime import datetime, timezone
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from edge.commands.cli import app
from edge.telemetry import contract
from edge.telemetry.commands import ARGUMENTS, Response
from edge.telemetry.messages import MODELS, Stamp, encode

FOLDER = Path(contract.__file__).parent / "schemas"
PUBLISHED = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}
VERSIONS = PUBLISHED.pop("versions.json")
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
GIVEN = {"transaction_id": "t", "utc": "2026-01-02T03:04:05Z", "by": "Ada", "arguments": {}}
ADVICE = (
    "a message or command has changed: raise VERSION in edge/telemetry/contract.py, then run "
    "python scripts/publish_schemas.py"
)


def test_published_schemas_change_only_with_a_new_version():
    assert VERSIONS.get(contract.VERSION) == contract.digest(), ADVICE


def test_published_files_are_those_of_the_models():
    kinds = [*MODELS, "evidence", "response", "offer", *(f"command-{verb}" for verb in ARGUMENTS)]
    names = {f"{name}.json" for name in kinds}
    assert set(PUBLISHED) == {*names, "asyncapi.json"}
    schemas = {name: document for name, document in PUBLISHED.items() if name != "asyncapi.json"}
    assert contract.digest(schemas) == contract.digest(), ADVICE
    assert contract.digest({"a": PUBLISHED["asyncapi.json"]}) == contract.digest({"a": contract.asyncapi()}), ADVICE


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"asyncapi.json"}))
def test_published_schema_is_a_json_schema(name):
    jsonschema.Draft202012Validator.check_schema(PUBLISHED[name])


def test_digest_notices_a_change():
    changed = json.loads(json.dumps(PUBLISHED))
    del changed["asyncapi.json"]
    changed["alarm.json"]["properties"]["place"]["anyOf"][0]["maxLength"] = 20
    assert contract.digest(changed) != contract.digest()


@pytest.mark.parametrize(
    ("verb", "arguments", "valid"),
    [
        ("acknowledge", {"alarm_id": "a-1"}, True),
        ("acknowledge", {}, False),
        ("silence", {"minutes": 5}, True),
        ("silence", {"minutes": 5, "alarm_id": "a-1"}, True),
        ("silence", {"alarm_id": "a-1"}, False),
        ("silence", {"minutes": 5000}, False),
        ("set", {"values": {"telemetry.hits": False}}, True),
        ("recalibrate", {"no_source_is_near": False}, False),
        ("health", {"extra": 1}, False),
    ],
    ids=str,
)
def test_command_schema_holds_the_arguments_of_its_verb(verb, arguments, valid):
    validator = jsonschema.Draft202012Validator(PUBLISHED[f"command-{verb}.json"])
    assert validator.is_valid({**GIVEN, "arguments": arguments}) == valid


def test_response_fits_its_schema():
    answer = Stamp("s", "d", "b").make(Response, NOW, transaction_id="t", ok=True, error=None, result={"a": [1]})
    jsonschema.validate(json.loads(encode(answer)), PUBLISHED["response.json"])


def references(value):
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_asyncapi_document_holds_what_it_refers_to():
    document = PUBLISHED["asyncapi.json"]
    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert {"gammabox/{site}/{device}/alarm", "gammabox/{site}/{device}/cmd/acknowledge"} <= addresses


def test_schemas_command_writes_the_published_files(tmp_path):
    ran = CliRunner().invoke(app, ["schemas", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(PUBLISHED)
    printed = CliRunner().invoke(app, ["schemas"])
    assert json.loads(printed.output)["asyncapi"] == "3.0.0"
