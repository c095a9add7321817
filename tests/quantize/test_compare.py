"""The ways of quantisation are compared on the same crops and printed as a table."""

from dataclasses import replace

import pytest

from edge.detect.decision import Decision
from quantize.bundling import Settings
from quantize.compare import Refused, compare_recipes, table, usual_ways
from quantize.qat import QatSettings
from quantize.report import plain

MAIN = Decision(threshold=0.6, temperature=1 / 0.43)


@pytest.fixture(scope="module")
def variants(tiny):
    main, screen = (
        replace(
            tiny.run, manifest=tiny.run.manifest.model_copy(update={"decision": decision, "decided_with": "the other"})
        )
        for decision in (MAIN, Decision(threshold=0.1))
    )
    ways = {"int8": Settings(representative=100), "half": Settings(recipe="float16")}
    names = []
    compared = compare_recipes(main, [tiny.dataset], ways, screen=screen, progress=names.append)
    assert names == ["float32", "int8", "half"]
    return compared


def test_compare_judges_each_way_by_what_both_decide(variants):
    int8, half = variants
    assert set(int8.agreement) == {"classifier", "screen", "cascade"}
    assert int8.agreement["cascade"].decision_found.threshold == MAIN.threshold
    assert half.agreement["cascade"].labels >= int8.agreement["cascade"].labels > 0.95
    assert half.logits_sqnr_db["classifier"] > int8.logits_sqnr_db["classifier"] > 15
    assert int8.size_bytes < half.size_bytes < int8.float_size_bytes == half.float_size_bytes


def test_table_has_a_line_a_way_and_the_float_figures(variants):
    lines = list(table(variants))
    assert [line.split("|")[1].strip() for line in lines[2:4]] == ["int8", "half"]
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert lines[-1].startswith("float32: recall")


def test_table_keeps_the_line_of_a_refused_way(variants):
    lines = list(table([*variants, Refused("dynamic range", "it needs a runtime 2.17.0")]))
    assert lines[4].startswith("| dynamic range | refused |")
    assert lines[4].count("|") == lines[0].count("|")
    assert lines[-1] == "dynamic range is refused: it needs a runtime 2.17.0"


def test_usual_ways_include_qat_where_asked_for():
    assert not any(settings.qat for settings in usual_ways().values())
    assert list(usual_ways(QatSettings(steps=5)))[-1].startswith("QAT")


def test_variants_become_json_with_these_keys(variants):
    entry = plain(variants)[0]
    assert set(entry) == {"name", "size_bytes", "float_size_bytes", "logits_sqnr_db", "speed", "agreement"}
    assert set(plain([Refused("dynamic range", "too new")])[0]) == {"name", "reason"}
