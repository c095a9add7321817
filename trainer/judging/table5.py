"""The paper's Table 5 beside ours: each network trained on as many samples of the same data, and tested alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.output import begins_with, is_page, require_free
from edge.pages.page import write_page
from trainer.judging import metrics
from trainer.judging.evaluate import figures, judge, without_nan
from trainer.judging.table5_page import comparison_page
from trainer.training.batches import read_crops
from trainer.training.fit import fit
from trainer.training.run import FitSettings, NetworkChoice, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.detect.crops import Planes
    from trainer.data.dataset import Dataset

PAPER_TABLE_5: dict[str, dict[str, float]] = {
    "alexnet_paper": {"precision": 0.8981, "recall": 0.9736, "f1": 0.9343, "accuracy": 0.9314},
    "googlenet": {"precision": 0.9174, "recall": 0.9293, "f1": 0.9233, "accuracy": 0.9228},
    "resnet": {"precision": 0.9186, "recall": 0.9443, "f1": 0.9443, "accuracy": 0.9303},
}
PAPER_RESNET_F1 = 0.9313
"""F1 from ResNet's precision and recall; the paper prints 0.9443, its recall, in both columns."""

RATES = {"alexnet_paper": 1e-4, "googlenet": 3e-4, "resnet": 1e-3, "alexnet_edge": 1e-3}
"""Learning rates: networks without batch norm diverge at 1e-3."""
FULL_SIZE = 224
AS_SHIPPED = {"alexnet_edge": {"width": 0.25, "first_stride": 1, "first_kernel": 5}}
"""Options of the networks. Ours is the shipped one but for its head, which needs the spot in the very middle."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How long and on what the networks are compared.

    Attributes
    ----------
    samples_seen : int
        Number of samples that each network sees in training. A sample counts each time it is seen.
    crop_size : int
        Crop size of all networks; 224 in the paper. At another size alexnet_paper has fewer fully connected weights.
    planes : {"rgb", "temporal", "spike"}
        "rgb" is the paper's single picture.
    batch_size, epochs : int
        An epoch has samples_seen / epochs samples. The validation loss is measured after each.

    """

    samples_seen: int
    crop_size: int = FULL_SIZE
    planes: Planes = "rgb"
    batch_size: int = 32
    epochs: int = 6
    networks: tuple[str, ...] = ("alexnet_paper", "googlenet", "resnet", "alexnet_edge")
    options: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(AS_SHIPPED))


SMALL = Setting(samples_seen=12_000)
PAPER_SIZE = Setting(samples_seen=150_000 * 12, batch_size=128, epochs=12)


def compare(
    path: Path,
    train: Sequence[Dataset],
    test: Sequence[Dataset],
    setting: Setting,
    *,
    seed: int = 1,
    on_network: Callable[[str], None] = lambda _: None,
    command: str = "compare",
) -> dict[str, Any]:
    """Train and test each network, and write compare.json and compare.html.

    Interrupted runs are continued, finished ones are used. The threshold is the paper's: a sample is a hit where
    logit 1 is the greater.
    """
    require_free(path / "compare.json", begins_with('{\n  "planes"'))
    require_free(path / "compare.html", is_page)
    rows, logs = {}, {}
    for name in setting.networks:
        on_network(name)
        contract = InputContract(crop_size=setting.crop_size, planes=setting.planes, dtype="float32")
        settings = FitSettings(
            epochs=setting.epochs,
            steps_per_epoch=max(setting.samples_seen // setting.epochs // setting.batch_size, 1),
            batch_size=setting.batch_size,
            learning_rate=RATES[name],
            patience=setting.epochs,
        )
        run = fit(
            path / name,
            NetworkChoice(name=name, options=setting.options.get(name, {})),
            contract,
            train,
            settings,
            seed=seed,
            command="compare",
        )
        model = run.load_model()
        judged = judge(model, read_crops(test, "test", contract), contract, batch_size=64)
        found = figures(judged, Decision(threshold=0.5))
        logs[name] = run.log()
        rows[name] = {
            "parameters": int(model.count_params()),
            "samples_seen": settings.epochs * (settings.steps_per_epoch or 0) * settings.batch_size,
            **_row(name, found, logs[name]),
        }
    result: dict[str, Any] = without_nan(
        {
            "planes": setting.planes,
            "crop_size": setting.crop_size,
            "train": {str(dataset.path): dataset.sha256 for dataset in train},
            "test": {str(dataset.path): dataset.sha256 for dataset in test},
            "seed": seed,
            "networks": rows,
        }
    )
    write_whole(path / "compare.json", json.dumps(result, indent=2) + "\n")
    write_page(comparison_page(result, logs, PAPER_RESNET_F1, command), path / "compare.html")
    return result


def _row(name: str, found: dict[str, Any], log: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "seconds": round(sum(float(line["seconds"]) for line in log), 1),
        "visible_hits": found["visible_hits"],
        "all_hits": found["all_hits"],
        "paper": PAPER_TABLE_5.get(name),
    }


def table(result: dict[str, Any], kind: str = "visible_hits") -> str:
    """Return the comparison as a Markdown table: our figures with their 95 % intervals, the paper's beside them."""
    lines = [
        "| network | parameters | " + " | ".join(f"{name} | paper" for name in metrics.METRICS) + " |",
        "|---|---|" + "---|---|" * len(metrics.METRICS),
    ]
    for name, row in result["networks"].items():
        cells = [name, f"{row['parameters']:,}"]
        for metric in metrics.METRICS:
            ours = row[kind][metric]
            cells.append(f"{_figure(ours['value'])} ({_figure(ours['low'])}–{_figure(ours['high'])})")
            paper = (row["paper"] or {}).get(metric)
            cells.append("–" if paper is None else f"{paper:.4f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
