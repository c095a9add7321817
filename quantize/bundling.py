"""Makes a bundle from a run folder: representative crops, conversion, decision, manifest."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import edge
from edge.bundle import save_bundle
from edge.detect.crops import plane_count
from edge.detect.manifest import CandidateRules, InputContract, Manifest, ScreenContract
from quantize.conversion import INT8_RECIPE, Recipe, contracts_of, convert, require_exact_input
from quantize.errors import QuantiseError
from quantize.extremes import DEFAULT_SHARE, ordinary_crops
from quantize.graph import read_graph
from quantize.origin import run_card
from quantize.pairing import (
    TfliteNetwork,
    at_unit_temperature,
    chosen_together,
    float_decision,
    float_network,
    logits_of,
    matched_decision,
)
from quantize.qat import QatSettings, fine_tuned
from quantize.representative import DEFAULT_COUNT, cells, draw, span_range
from trainer.data.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

    from edge.detect.decision import Decision
    from edge.detect.manifest import Bundle
    from trainer.training.batches import Crops
    from trainer.training.run import Run

UNSET_SHA256 = "0" * 64  # save_bundle sets the real one
TOOLS = ("tensorflow", "keras", "ai-edge-litert", "numpy")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a conversion, all of which are noted in the bundle."""

    recipe: Recipe = INT8_RECIPE
    per_channel: bool = True
    representative: int = DEFAULT_COUNT
    seed: int = 1
    extremes: float = DEFAULT_SHARE
    qat: QatSettings | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A converted network with its decision and its provenance.

    Attributes
    ----------
    network : TfliteNetwork
    decision : Decision
        The run's, with the threshold at which this model decides most like the run.
    provenance : dict
        Recipe, representative set, operators, data.

    """

    network: TfliteNetwork
    decision: Decision
    provenance: dict[str, Any]


def convert_run(
    run: Run,
    datasets: Sequence[Dataset],
    settings: Settings,
    *,
    train: Crops | None = None,
) -> Converted:
    """Convert the best network of a run and choose the decision of the converted network.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Datasets whose training split shows the ranges, and whose validation split sets the model's own threshold.
    settings : Settings
    train : Crops, optional
        The result of `training_crops`, where it was read before.

    Raises
    ------
    QuantiseError
        If the network does not fit the run's input contract or cannot become integer; also if its input range
        merges grey levels.

    """
    from trainer.training.batches import as_input  # noqa: PLC0415 - imports Keras

    network = run.load_model()
    if settings.qat is not None and settings.recipe != INT8_RECIPE:
        raise QuantiseError(str(run.path), f"QAT gives int8, not {settings.recipe}", "leave out --qat or --recipe")
    contract = run.manifest.input
    _require_shape(network, contract, str(run.path))
    train = training_crops(run, datasets) if train is None else train
    cell = cells(train, contract.planes)
    rng = np.random.default_rng(settings.seed)
    is_calibrated = settings.recipe == INT8_RECIPE and settings.qat is None
    extremes = settings.extremes if is_calibrated else 0.0  # other ways take no ranges from the representative crops
    ordinary = ordinary_crops(network, contract, train, extremes, rng)
    chosen = ordinary[draw(cell[ordinary], settings.representative, rng)]
    representative = as_input(span_range(train.pictures[chosen]), contract) if is_calibrated else None
    if settings.qat is None:
        content = convert(network, settings.recipe, representative, per_channel=settings.per_channel)
    else:
        content = fine_tuned(network, contract, train, settings.qat)
    converted = TfliteNetwork(content, contracts_of(content, contract))
    require_exact_input(converted.contract[0], str(run.path))
    decision, noted = _decision_of(run, converted, datasets)
    representatives = {
        "crops": len(chosen),
        "of": len(train),
        "strata": len(np.unique(cell[chosen])),
        "seed": settings.seed,
        "extremes": extremes,
    }
    notes = {"representative": representatives, "threshold": noted, "run": run_card(run, network)}
    return Converted(converted, decision, _provenance(content, datasets, settings, notes))


def bundle_run(
    run: Run,
    out: Path,
    datasets: Sequence[Dataset],
    settings: Settings,
    *,
    screen: Run | None = None,
    name: str | None = None,
    limits: Sequence[str] = (),
    command: str = "",
    force: bool = False,
) -> Bundle:
    """Convert a run, and the screen's run if there is one, and write the bundle.

    Raises
    ------
    QuantiseError
        As for `convert_run`; also where the run's decision was chosen together with a screen's that is not named.

    """
    chosen_together(run, screen)
    main = convert_run(run, datasets, settings)
    small = convert_run(screen, datasets, settings) if screen is not None else None
    tools = {tool: version(tool) for tool in TOOLS} | {
        "python": platform.python_version(),
        "gammabox": edge.__version__,
    }
    provenance: dict[str, Any] = {"command": command, "tools": tools, **main.provenance}
    contract: ScreenContract | None = None
    if small is not None:
        provenance["screen"] = small.provenance
        contract = ScreenContract(
            sha256=UNSET_SHA256,
            size_bytes=len(small.network.model),
            input=small.network.contract[0],
            output=small.network.contract[1],
            threshold=at_unit_temperature(small.decision).threshold,
        )
    manifest = Manifest(
        name=name or out.name,
        network=run.manifest.network.name,
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        sha256=UNSET_SHA256,
        size_bytes=len(main.network.model),
        input=main.network.contract[0],
        output=main.network.contract[1],
        # `build` and `mine` choose candidates by the rules that are the default, and by no others.
        candidates=CandidateRules(),
        decision=main.decision,
        screen=contract,
        provenance=provenance,
        limits=list(limits),
    )
    return save_bundle(out, manifest, main.network.model, None if small is None else small.network.model, force=force)


def datasets_of(run: Run, named: Sequence[Path]) -> list[Dataset]:
    """Open the datasets that are named, or else those that the run was trained on, which must be unchanged.

    Raises
    ------
    QuantiseError
        The run's own datasets have changed since.

    """
    if named:
        return [Dataset.open(path) for path in named]
    datasets = [Dataset.open(path) for path in run.manifest.data.paths]
    for dataset, noted in zip(datasets, run.manifest.data.sha256, strict=True):
        if dataset.sha256 != noted:
            problem = f"it is not what {run.path} was trained on ({dataset.sha256[:12]}…, then {noted[:12]}…)"
            raise QuantiseError(f"dataset {dataset.path}", problem, "name the data to use with --data")
    return datasets


def training_crops(run: Run, datasets: Sequence[Dataset]) -> Crops:
    """Return the crops of the training split that the fast path proposes: the box shows a network no others."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    return read_crops(datasets, "train", run.manifest.input, proposed_only=True)


def _decision_of(run: Run, converted: TfliteNetwork, datasets: Sequence[Dataset]) -> tuple[Decision, dict[str, Any]]:
    """Return the decision of a converted network and a note of its origin."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    validation = read_crops(datasets, "validation", run.manifest.input, proposed_only=True)
    float_logits = logits_of(run.path, float_network(run), validation)
    own_logits = logits_of(run.path, converted, validation)
    reference = float_decision(run, float_logits, validation.label)
    decision = matched_decision(reference, float_logits, own_logits, validation.label)
    noted = {
        "of": "this model",
        "matched_to": reference.threshold,
        "chosen": decision.threshold,
        "on": "validation",
        "crops": len(validation),
    }
    return decision, noted


def _provenance(
    content: bytes, datasets: Sequence[Dataset], settings: Settings, notes: dict[str, Any]
) -> dict[str, Any]:
    graph = read_graph(content)
    return {
        "recipe": settings.recipe,
        "training": "PTQ" if settings.qat is None else {"QAT": asdict(settings.qat)},
        "per_channel": graph.per_channel(),
        **notes,
        "operators": graph.versions(),
        "min_runtime": graph.min_runtime,
        "data": {dataset.path.name: dataset.sha256 for dataset in datasets},
    }


def _require_shape(network: keras.Model, contract: InputContract, what: str) -> None:
    wanted = (contract.crop_size, contract.crop_size, plane_count(contract.planes))
    shape, outputs = tuple(network.input_shape)[1:], tuple(network.output_shape)[1:]
    if shape != wanted or outputs != (2,):
        raise QuantiseError(
            what,
            f"its network takes {shape} and gives {outputs}, run.json says {wanted} and two logits",
            "fit it again: checkpoint and run.json do not belong together",
        )
