"""The files for other software read only what the contract holds."""

import json
import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from edge.telemetry.contract import json_schemas

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "docs" / "integrations"
SCHEMAS = json_schemas()


def text_of(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def resolved(schema, node):
    """Return the object or array of a schema behind its references and without its null."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            node = next(each for each in node["anyOf"] if each.get("type") != "null")
        else:
            return node


def is_field(kind, path):
    """Return whether a path as Telegraf's json_v2 writes it leads to a field of a kind of message."""
    schema = SCHEMAS[f"{kind}.json"]
    node = resolved(schema, schema)
    for part in re.split(r"\.(?![^(]*\))", path):
        if node.get("type") == "array":
            condition = re.fullmatch(r"#(?:\((\w+)==\d+\))?|\d+", part)
            assert condition, path
            node = resolved(schema, node["items"])
            if condition[1] and condition[1] not in node["properties"]:
                return False
        elif part not in node.get("properties", {}):
            return False
        else:
            node = resolved(schema, node["properties"][part])
    return True


def consumers():
    return tomllib.loads(text_of("grafana/telegraf.conf"))["inputs"]["mqtt_consumer"]


def columns():
    """Return the columns that Telegraf writes, by table."""
    return {
        each["topics"][0].rpartition("/")[2]: {"time", "site", "device"}
        | {field.get("rename", field["path"]) for field in each["json_v2"][0]["field"]}
        for each in consumers()
    }


def queries():
    dashboard = json.loads(text_of("grafana/dashboard.json"))
    yield from (target["rawSql"] for panel in dashboard["panels"] for target in panel["targets"])
    yield from (each["query"] for each in dashboard["templating"]["list"])
    for rule in YAML(typ="safe").load(text_of("grafana/alerts.yaml"))["groups"][0]["rules"]:
        yield from (each["model"]["rawSql"] for each in rule["data"] if "rawSql" in each["model"])


@pytest.mark.parametrize("kind", ["health", "alarm", "status"])
def test_telegraf_reads_fields_of_the_contract(kind):
    (consumer,) = [each for each in consumers() if each["topics"] == [f"gammabox/+/+/{kind}"]]
    assert (consumer["qos"], consumer["persistent_session"]) == (1, True)
    assert consumer["topic_parsing"][0]["topic"] == consumer["topics"][0]
    parser = consumer["json_v2"][0]
    paths = [field["path"] for field in parser["field"]]
    assert [path for path in paths if not is_field(kind, path)] == []
    assert is_field(kind, parser.get("timestamp_path", "utc"))


def test_telegraf_consumers_have_ids_of_their_own():
    ids = [each["client_id"] for each in consumers()]
    assert len(set(ids)) == len(ids) == 3


def test_is_field_notices_what_is_missing():
    assert is_field("alarm", "alarm.equivalent.usv_h")
    assert not is_field("alarm", "alarm.dose")
    assert not is_field("health", "recent.#(seconds==60).rate_hz")


def test_grafana_queries_columns_that_telegraf_writes():
    known = columns()
    found = list(queries())
    assert len(found) >= 12
    for query in found:
        tables = re.findall(r"gammabox\.(\w+)", query)
        assert tables
        assert set(tables) <= set(known)
        used = set(re.findall(r'"(\w+)"', query)) - {"value"}
        assert used <= set().union(*(known[table] for table in tables)), query


def test_grafana_alerts_where_nothing_is_known():
    rules = YAML(typ="safe").load(text_of("grafana/alerts.yaml"))["groups"][0]["rules"]
    assert {rule["execErrState"] for rule in rules} == {"Alerting"}
    assert {"gammabox-alarm", "gammabox-away", "gammabox-silent"} <= {rule["uid"] for rule in rules}


def test_node_red_flow_is_whole():
    nodes = {node["id"]: node for node in json.loads(text_of("node_red/flow.json"))}
    for node in nodes.values():
        assert all(target in nodes for port in node.get("wires", []) for target in port)
    assert nodes["gammabox-in"]["topic"] == "gammabox/+/+/alarm"
    assert nodes["gammabox-in"]["qos"] == "1"
    used = set(re.findall(r"\bbox\.([\w.]+)", nodes["gammabox-once"]["func"]))
    assert used == {"site", "device", "state", "place", "advice", "alarm", "alarm.id"}
    assert all(is_field("alarm", path) for path in used)


class Lenient(YAML):
    """YAML with Home Assistant's tag for inputs."""

    def __init__(self):
        super().__init__(typ="safe")
        self.constructor.add_constructor("!input", lambda loader, node: f"!input {loader.construct_scalar(node)}")


def test_home_assistant_blueprint_uses_its_inputs():
    blueprint = Lenient().load(text_of("home_assistant/gammabox_alarm.yaml"))
    assert {"blueprint", "triggers", "variables", "actions"} <= set(blueprint)
    inputs = set(blueprint["blueprint"]["input"])
    assert set(re.findall(r"!input (\w+)", text_of("home_assistant/gammabox_alarm.yaml"))) == inputs
    assert {trigger["to"] for trigger in blueprint["triggers"]} == {"on", "off"}


def test_home_assistant_dashboard_names_entities_of_a_box():
    from edge.telemetry.home_assistant import Device, discovery

    dashboard = YAML(typ="safe").load(text_of("home_assistant/dashboard.yaml"))
    told = json.loads(discovery(Device("docks", "gate-1", None, "0", "m", 10.0)))
    known = {component["default_entity_id"] for component in told["components"].values()}
    cards = [card for view in dashboard["views"] for card in view["cards"]]
    named = {each["entity"] for card in cards for each in card.get("entities", [])}
    assert named
    assert named <= known
