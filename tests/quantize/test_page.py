"""The page of a check says what the terminal says, whatever was measured."""

import json
import re

import pytest

from edge.pages.page import as_html, data_of
from quantize.agreement import Agreement, Difference, Operation, StratumRow
from quantize.checking import BundleCheck
from quantize.clip import ClipCheck
from quantize.layers import LayerError
from quantize.limits import Finding, Limits
from quantize.measure import CascadeCheck, NetworkCheck
from quantize.page import check_page
from quantize.report import as_dict, verdict
from quantize.runtimes import Comparison, Partitions, Speed

NAN = float("nan")
AGREEMENT = Agreement(
    labels=0.998,
    labels_interval=(0.996, 0.999),
    hits=0.97,
    recall={"1e-2": Difference(0.91, 0.905, -0.01, 0.001), "1e-3": Difference(0.8, 0.79, NAN, NAN)},
    decision_reference=Operation(0.5, 0.9, 3),
    decision_found=Operation(0.51, 0.89, 4),
    decision_recall_interval=(-0.02, 0.01),
    common_false_positives=2,
    calibration_reference=0.01,
    calibration_found=0.012,
    calibration_interval=(-0.001, 0.003),
)
STRATA = (
    StratumRow("added_dn 25 to 40", 100, 60, 0.99, 0.8, 0.79, (-0.03, 0.02)),
    StratumRow("added_dn 40 to 60", 100, 60, 0.99, 0.9, 0.89, (-0.03, 0.02)),
    StratumRow("nuisance snow", 40, 0, 0.99, NAN, NAN, (NAN, NAN)),
)
LAYER = LayerError("conv <1>", "CONV_2D", 38.0, 2.0, 41.0, 40.0, -1.0, 1.0, 0.9, 0.0)
NETWORK = NetworkCheck(
    name="classifier",
    positives=1000,
    negatives=4000,
    logits_sqnr_db=35.0,
    agreement=AGREEMENT,
    strata=STRATA,
    layers=(LAYER,),
    worst=LAYER,
    operators={"CONV_2D": 3},
    float_operators=("CONV_2D",),
    min_runtime=None,
    partitions=Partitions(1, ()),
    size_bytes=20_000,
    float_size_bytes=70_000,
    speed=Speed(0.4, 0.2, (1.9, 2.1)),
    runtime="litert",
    comparisons=(
        Comparison("plain kernels", "litert", crops=256, max_steps=1, equal=0.999, labels=1.0, median_ms=0.3),
    ),
)
CASCADE = CascadeCheck(1000, 4000, AGREEMENT, STRATA, None)
GOOD = Finding("size", passed=True, text="28 %")
CLOSE = Finding("label agreement", passed=True, text="0.9948", close=True)
FEW = Finding("crops", passed=True, text="5000 of 41000", few=True)
BAD = Finding("hits alike", passed=False, text="0.5 < 0.9")


def check(*findings, clip=None, cascade=CASCADE):
    noted = (("cascade", findings), ("classifier", (GOOD,)), ("clip", (GOOD,)))
    return BundleCheck("b", "0" * 64, "2026", "quantize check b", (), Limits(), cascade, (NETWORK,), noted, clip)


@pytest.mark.parametrize(
    ("finding", "word", "mood"),
    [(GOOD, "kept", "good"), (CLOSE, "close", "good"), (FEW, "few crops", "unsure"), (BAD, "exceeded", "bad")],
    ids=["good", "close", "few", "bad"],
)
def test_page_says_the_verdict_and_each_finding(finding, word, mood):
    judged = check(finding)
    text = as_html(check_page(judged))
    assert f'class="verdict {mood}"' in text
    assert verdict(judged).replace("<", "&lt;") in text
    assert f">{word}</td><td>{finding.name}</td>" in text
    assert data_of(text)["passed"] == judged.passed


def test_page_shows_every_part_in_words():
    text = as_html(check_page(check(GOOD, clip=ClipCheck("a.mkv", 10, 5, 6, 4, 7, 5, 6, 0, 1))))
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", text)
    assert headings == [
        "What the box decides: screen and classifier together",
        "The classifier alone",
        "The whole pipeline",
    ]
    shown = text.partition("<script")[0]
    assert "light that the hit adds, grey levels: 25 to 40" in shown
    assert "disturbance: snow" in shown
    assert "conv &lt;1&gt;" in shown
    assert not re.search(r"\b(added_dn|nuisance|nan)\b", shown)
    assert shown.count("<svg") == 5


def test_page_of_one_network_stands_alone():
    text = as_html(check_page(check(cascade=None)))
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", text) == ["The classifier"]
    assert data_of(text) == json.loads(json.dumps(as_dict(check(cascade=None))))
