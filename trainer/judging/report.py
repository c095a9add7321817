"""The report of an evaluation: one HTML page with curves, tables and the worst mistakes, and one JSON."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from edge.output import is_page, require_free
from trainer.judging.evaluate import worst_mistakes
from trainer.training.run import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from trainer.judging.evaluate import Judged
    from trainer.training.batches import Crops
    from trainer.training.run import Run

HTML_FILE = "evaluation.html"
JSON_FILE = "evaluation.json"
BOTH = "both-"
"""Before the names of the two files where screen and classifier were judged as one."""
TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run, judged: Judged, figures: dict[str, Any]) -> Path:
    """Write evaluation.html and evaluation.json into the run folder and return the path of the page.

    Where `figures` are of screen and classifier together (`trainer.judging.cascade.evaluate_both`), the files are named
    both-evaluation.html and both-evaluation.json.
    """
    import jinja2  # noqa: PLC0415 - evaluation alone does without it

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters["figure"] = lambda value: "–" if value is None else f"{value:.4g}"
    false, missed = worst_mistakes(judged)
    screen = figures.get("screen")
    page = environment.get_template("evaluation.html").render(
        title=f"Evaluation of {run.path.name}" + (f" behind the screen {screen['run']}" if screen else ""),
        network=run.manifest.network.name,
        planes=run.manifest.input.planes,
        crop_size=run.manifest.input.crop_size,
        proposed_only=run.manifest.fit.proposed_only,
        figures=figures,
        curves=_curves(run, judged, figures),
        mistakes=(
            ("Called a hit, and none there", _pictures(judged.crops, judged.margin, false)),
            ("Visible hits missed or nearly so", _pictures(judged.crops, judged.margin, missed)),
        ),
    )
    prefix = BOTH if screen else ""
    require_free(run.path / f"{prefix}{HTML_FILE}", is_page)
    write_whole(run.path / f"{prefix}{JSON_FILE}", json.dumps(figures, indent=2) + "\n")
    write_whole(run.path / f"{prefix}{HTML_FILE}", page)
    return run.path / f"{prefix}{HTML_FILE}"


def _curves(run: Run, judged: Judged, figures: dict[str, Any]) -> str:
    """Draw loss and accuracy (the paper's Figure 7), ROC, precision against recall, and calibration."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - a second that only a report needs
    from matplotlib.figure import Figure  # noqa: PLC0415

    drawing = Figure(figsize=(11, 11), layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.subplots(3, 2)
    _draw_log(axes[0], run.log())
    chosen = judged.visible
    label, margin = judged.crops.label[chosen], judged.margin[chosen]
    if 0 < label.sum() < len(label):
        rate, recall, _ = roc_curve(label, margin, drop_intermediate=False)
        lowest = 0.5 / np.count_nonzero(label == 0)  # a rate of 0 has no place on a logarithmic axis
        axes[1][0].step(np.maximum(rate, lowest), recall, where="post")
        axes[1][0].set(xscale="log", xlabel="false-positive rate", ylabel="recall of visible hits", title="ROC")
        precision, recall, _ = precision_recall_curve(label, margin)
        axes[1][1].plot(recall[:-1], precision[:-1])
        axes[1][1].set(xlabel="recall of visible hits", ylabel="precision", title="Precision and recall")
    calibrated = figures["calibration"]
    points = [
        (score, share)
        for score, share in zip(calibrated["mean_score"], calibrated["share_of_hits"], strict=True)
        if score is not None
    ]
    axes[2][0].plot([0, 1], [0, 1], color="0.8")
    axes[2][0].plot(*zip(*points, strict=True), marker="o")
    axes[2][0].set(xlabel="score", ylabel="share of hits", title=f"Calibration, error {calibrated['error']:.3f}")
    bins = np.linspace(margin.min(), margin.max(), 80)
    for value, name in ((0, "no hit"), (1, "visible hit")):
        axes[2][1].hist(margin[label == value], bins=bins, histtype="step", label=name, log=True)
    axes[2][1].set(xlabel="logit 1 − logit 0", ylabel="samples", title="Margins")
    axes[2][1].legend()
    picture = io.BytesIO()
    drawing.savefig(picture, format="png", dpi=90)
    return _as_source(picture.getvalue())


def _draw_log(axes: Sequence[Axes], log: Sequence[dict[str, Any]]) -> None:
    steps = [line["steps"] for line in log]
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(steps, [line[name] for line in log], label="training")
        axis.plot(steps, [line[f"val_{name}"] for line in log], label="validation")
        axis.set(xlabel="batches", ylabel=name, title=f"{name.capitalize()} in training")
        axis.legend()


def _pictures(crops: Crops, margin: NDArray[np.float64], which: NDArray[np.int64]) -> list[dict[str, str]]:
    """Return PNGs of previous, current and next crop side by side, in the same contrast, with what is known of each."""
    shown = []
    for i in which:
        picture = crops.pictures[i].astype(np.float32)
        darkest, brightest = float(picture.min()), float(picture.max())
        stretched = ((picture - darkest) * (255 / max(brightest - darkest, 1))).astype(np.uint8)
        strip = np.concatenate([stretched[..., plane] for plane in range(3)], axis=1)
        enlarged = cv2.resize(strip, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
        packed = cv2.imencode(".png", enlarged)[1].tobytes()
        known = {name: value for name, value in crops.strata[int(i)].items() if value is not None}
        shown.append({"source": _as_source(packed), "caption": f"margin {margin[i]:.2f}; {known}"})
    return shown


def _as_source(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
