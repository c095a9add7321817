"""The page of a check: the verdict, what int8 changes as plots, the limits, and every layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.pages.axes import Axis, spanning
from edge.pages.charts import Bars, Chart, Intervals, Line
from edge.pages.html import Html, element
from edge.pages.page import Page, Section
from edge.pages.parts import Cell, charts, facts, figure, folded, heading, hint, meter, note, prose, table, verdict
from quantize.pairing import CASCADE
from quantize.report import as_dict, number
from quantize.report import verdict as verdict_of
from trainer.data.words import STRATA, short_range, stratum_words, value_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.pages.parts import Mood
    from quantize.agreement import Agreement, StratumRow
    from quantize.checking import BundleCheck
    from quantize.clip import ClipCheck
    from quantize.layers import LayerError
    from quantize.limits import Finding
    from quantize.measure import CascadeCheck, NetworkCheck

BAR_DB = 50.0
"""A full bar in the table of layers: 256 steps hold no more."""
_LAYERS = (
    "SQNR: signal to quantisation noise of the layer's output, all noise from before included. Added: by how much "
    "that is worse than the layer's worst input, both taken as 50 dB at most. Rounding alone: what rounding the float "
    "output to the steps of this range would give, nothing else being wrong; a range stretched by few strong values "
    "leaves few steps for the others. The layer that adds most is bold."
)


def check_page(check: BundleCheck) -> Page:
    """Return the page of a check."""
    findings = dict(check.findings)
    sections = [Section("", [_verdict(check), *_notes(check)])]
    if check.cascade is not None:
        content = [*_cascade(check.cascade), *_limits(findings.get(CASCADE, ()))]
        sections.append(Section("What the box decides: screen and classifier together", content))
    alone = " alone" if check.cascade is not None else ""
    for network in check.networks:
        content = [*_network(network, findings.get(network.name, ()))]
        sections.append(Section(f"The {network.name}{alone}", content))
    if check.clip is not None:
        sections.append(Section("The whole pipeline", [*_clip(check.clip), *_limits(findings.get("clip", ()))]))
    about = (
        f"model.tflite SHA-256 {check.sha256[:16]}…, converted {check.created_utc}; crops of {', '.join(check.data)}"
    )
    return Page(f"{check.bundle}: int8 against float", about, sections, check.command, as_dict(check))


def _verdict(check: BundleCheck) -> Html:
    mood: Mood = "bad" if not check.passed else "good" if check.binding else "unsure"
    return verdict(verdict_of(check), mood)


def _notes(check: BundleCheck) -> Iterator[Html]:
    if len(check.exceeded) > 1:
        yield note("Exceeded: ", _list(check.exceeded))
    if check.close:
        yield note(
            "Close to their limits, which these figures miss by no more than chance (95 %): ", _list(check.close)
        )


def _list(texts: Iterable[str]) -> Html:
    return element("span", "; ".join(texts))


def _limits(findings: Sequence[Finding]) -> Iterator[Html]:
    if findings:
        rows = [(_mark(finding), finding.name, finding.text) for finding in findings]
        yield heading("Limits")
        yield table(("", "limit", "found"), rows, "Limits", words=True)


def _mark(finding: Finding) -> Cell:
    if finding.few:
        return Cell("few crops", "unsure")
    if finding.close:
        return Cell("close", "unsure")
    return Cell("kept", "good") if finding.passed else Cell("exceeded", "bad")


def _cascade(cascade: CascadeCheck) -> Iterator[Html]:
    yield prose(
        f"{cascade.positives:,} crops with a hit and {cascade.negatives:,} without. A crop counts where it passes the "
        "screen and the classifier's score reaches its threshold."
    )
    yield from _agreement(cascade.agreement, cascade.strata)


def _network(network: NetworkCheck, findings: Sequence[Finding]) -> Iterator[Html]:
    speed = network.speed
    yield facts(
        (
            ("Times faster", number(speed.ratio), f"{number(speed.int8_ms)} ms a crop, float {number(speed.float_ms)}"),
            (
                "Of the size",
                _percent(network.size_bytes / network.float_size_bytes),
                f"{network.size_bytes:,} of {network.float_size_bytes:,} bytes",
            ),
            ("Crops", f"{network.positives + network.negatives:,}", f"{network.positives:,} with a hit"),
            ("Logits", f"{_decibel(network.logits_sqnr_db)} dB", "signal to quantisation noise"),
        )
    )
    yield hint(f"Times are of one thread of {network.runtime}, measured in turns.")
    yield from _agreement(network.agreement, network.strata)
    yield from _limits(findings)
    yield heading("Layer by layer")
    yield charts((_layer_chart(network.layers),))
    yield folded(f"All {len(network.layers)} layers", hint(_LAYERS), _layer_table(network))
    yield heading("Kernels and runtimes")
    rows = [
        (
            other.name,
            other.runtime,
            _percent(other.equal),
            other.max_steps,
            _percent(other.labels),
            number(other.median_ms),
        )
        for other in network.comparisons
    ]
    names = (f"against {network.runtime}", "runtime", "outputs equal", "most steps apart", "decided alike", "ms a crop")
    yield table(names, rows, "Kernels and runtimes")
    operators = ", ".join(f"{name} v{version}" for name, version in network.operators.items())
    yield hint(
        f"Operators: {operators}. Oldest runtime: {network.min_runtime or 'not noted'}. XNNPACK partitions: "
        f"{network.partitions.count}; left out: {', '.join(network.partitions.left) or 'none'}."
    )


def _agreement(agreement: Agreement, strata: Sequence[StratumRow]) -> Iterator[Html]:
    low, high = agreement.labels_interval
    before, after = agreement.decision_reference, agreement.decision_found
    yield prose(
        f"From a score of {number(before.threshold)} float finds {_percent(before.recall)} of the hits with "
        f"{before.false_positives:,} false positives; int8, from {number(after.threshold)}, finds "
        f"{_percent(after.recall)} with {after.false_positives:,}. ",
        element("strong", f"{_percent(agreement.labels)} of the crops are decided alike"),
        f" (95 %: {_percent(low)} to {_percent(high)}); of those that either calls a hit, {_percent(agreement.hits)} "
        f"are hits for both. The mean calibration error is {number(agreement.calibration_reference)} and "
        f"{number(agreement.calibration_found)}.",
    )
    yield charts([_recall_chart(agreement), *_strata_charts(strata)])
    rows = [
        (
            rate,
            _percent(recall.reference),
            _percent(recall.found),
            _points(recall.change),
            f"{_points(recall.low)} to {_points(recall.high)}",
        )
        for rate, recall in agreement.recall.items()
    ]
    names = ("recall at a false-positive rate of", "float", "int8", "change, points", "paired 95 % interval")
    yield table(names, rows, "Recall at false-positive rates")
    yield folded(f"By strata ({len(strata)})", _strata_table(strata))


def _recall_chart(agreement: Agreement) -> Html:
    """Return the chart of what int8 changes in recall, at each false-positive rate."""
    points = [
        (at, 100 * recall.low, 100 * recall.change, 100 * recall.high)
        for at, recall in enumerate(agreement.recall.values())
        if math.isfinite(recall.low) and math.isfinite(recall.high)
    ]
    x = Axis("false-positive rate", -0.5, len(agreement.recall) - 0.5, names=tuple(agreement.recall))
    return figure(_changes("Change of recall by int8, points", x, points))


def _strata_charts(strata: Sequence[StratumRow]) -> Iterator[Html]:
    """Yield charts of the change of recall by the strata that are numbers."""
    by_name: dict[str, list[StratumRow]] = {}
    for row in strata:
        by_name.setdefault(row.name.partition(" ")[0], []).append(row)
    for name in ("added_dn", "motion_dn", "background_dn"):
        rows = [row for row in by_name.get(name, ()) if row.positives and all(map(math.isfinite, row.recall_interval))]
        if len(rows) < 2:
            continue
        names = tuple(short_range(row.name.partition(" ")[2]) for row in rows)
        points = [
            (
                at,
                100 * row.recall_interval[0],
                100 * (row.recall_found - row.recall_reference),
                100 * row.recall_interval[1],
            )
            for at, row in enumerate(rows)
        ]
        title = f"Change of recall, points, by {stratum_words(name).split(',')[0]}"
        yield figure(_changes(title, Axis(stratum_words(name), -0.5, len(rows) - 0.5, names=names), points))


def _changes(title: str, x: Axis, points: Sequence[tuple[float, float, float, float]]) -> Chart:
    reach = max([0.5] + [abs(value) for _, *values in points for value in values]) * 1.1
    zero = Line("", [(x.low, 0), (x.high, 0)], 6, dashed=True)
    return Chart(title, x, Axis("points", -reach, reach), [zero, Intervals("", points, 1)])


def _strata_table(strata: Sequence[StratumRow]) -> Html:
    rows = [
        (
            _stratum(row.name),
            f"{row.crops:,}",
            f"{row.positives:,}",
            _percent(row.labels),
            _percent(row.recall_reference),
            _percent(row.recall_found),
            f"{_points(row.recall_interval[0])} to {_points(row.recall_interval[1])}",
        )
        for row in strata
    ]
    names = (
        *("stratum", "crops", "with a hit", "decided alike", "recall float", "recall int8"),
        "95 % of the change, points",
    )
    return table(names, rows, "Strata")


def _stratum(text: str) -> str:
    """Return the name of a stratum and its value in words.

    Examples
    --------
    >>> _stratum("added_dn 25 to 40"), _stratum("nuisance snow")
    ('light that the hit adds, grey levels: 25 to 40', 'disturbance: snow')

    """
    name, _, value = text.partition(" ")
    return f"{stratum_words(name)}: {value_words(name, value)}" if name in STRATA else text


def _layer_chart(layers: Sequence[LayerError]) -> Html:
    bars = [(at - 0.4, at + 0.4, min(max(layer.sqnr_db, 0.0), BAR_DB)) for at, layer in enumerate(layers)]
    best = [(at, min(max(layer.rounding_db, 0.0), BAR_DB)) for at, layer in enumerate(layers)]
    x = spanning("layer, from the input to the output", [-0.5, len(layers) - 0.5])
    return figure(
        Chart(
            "Signal to quantisation noise by layer",
            Axis(x.label, -0.5, max(len(layers) - 0.5, 0.5)),
            Axis("dB, at most 50", 0, BAR_DB),
            [Bars("found", bars, 1), Line("by rounding alone", best, 2, dots=True)],
        )
    )


def _layer_table(network: NetworkCheck) -> Html:
    names = (
        *("layer", "operator", "SQNR, dB", "", "added, dB", "rounding alone, dB", "weights, dB", "range"),
        *("of it used", "saturated"),
    )
    rows = [
        (
            element("strong", row.name) if row == network.worst else row.name,
            row.operator,
            _decibel(row.sqnr_db),
            meter(max(min(row.sqnr_db, BAR_DB), 0.0) / BAR_DB),
            _decibel(row.drop_db),
            _decibel(row.rounding_db),
            _decibel(row.weights_db),
            f"{number(row.low)} to {number(row.high)}",
            _percent(row.used),
            _percent(row.saturated),
        )
        for row in network.layers
    ]
    return table(names, rows, "Layers")


def _clip(clip: ClipCheck) -> Iterator[Html]:
    true = ""
    if clip.visible is not None:
        true = (
            f" Of {clip.visible:,} true visible hits float finds {clip.float_found:,} and int8 {clip.int8_found:,}; "
            f"false hits {clip.float_false:,} and {clip.int8_false:,}."
        )
    yield prose(
        f"{clip.clip}, {clip.frames:,} frames: {clip.float_hits:,} hits with the float networks, {clip.int8_hits:,} "
        f"with int8, {clip.common:,} of them the same ({_percent(clip.alike)} of all that either found).{true}"
    )


def _percent(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{100 * value:.2f} %"


def _points(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{100 * value:+.2f}"


def _decibel(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.1f}"
