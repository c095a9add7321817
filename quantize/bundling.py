"""From a run folder to a bundle: representative crops, conversion, decision, manifest."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import edge
from edge.bundle import CandidateRules, InputContract, Manifest, OutputContract, Screen, save_bundle
from edge.detect.crops import network_input
from edge.detect.network import Network
from quantize.convert import INT8_RECIPE, Recipe, convert, quantisation_of, require_exact_input
from quantize.decisions import at_unit_temperature, carried, matched_decision, reference_decision
from quantize.errors import QuantiseError
from quantize.graph import read_graph
from quantize.qat import QatSettings, fine_tuned
from quantize.representative import DEFAULT_COUNT, cells, draw, span_range
from trainer.data.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    from numpy.typing import NDArray

    from edge.bundle import Bundle, Decision
    from trainer.training.batches import Crops
    from trainer.training.run import Run

BATCH = 64
UNSET_SHA256 = "0" * 64  # save_bundle puts the real one
TOOLS = ("tensorflow", "keras", "ai-edge-litert", "numpy")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to convert; all of it is noted in the bundle."""

    recipe: Recipe = INT8_RECIPE
    per_channel: bool = True
    representative: int = DEFAULT_COUNT
    seed: int = 1
    qat: QatSettings | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A converted network with the contract that its tensors were found to fulfil.

    Attributes
    ----------
    model : bytes
        The .tflite file.
    decision : Decision
        The run's as it is where `cascade` chose it; else with a threshold of this model's own.
    provenance : dict
        Recipe, representative set, operators, data.

    """

    model: bytes = field(repr=False)
    input: InputContract
    output: OutputContract
    decision: Decision
    provenance: dict[str, Any]


def convert_run(
    run: Run, datasets: Sequence[Dataset], settings: Settings, *, carry: bool = False, train: Crops | None = None
) -> Converted:
    """Convert the best network of a run and settle what it decides by.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Their training split shows the ranges, their validation split sets a threshold of the model's own.
    settings : Settings
    carry : bool
        Take the run's decision as it is: one of screen and classifier together is about more than one model's logits.
    train : Crops, optional
        What `proposed_crops` gives, where it was read before.

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
    train = proposed_crops(run, datasets) if train is None else train
    chosen = draw(cells(train), settings.representative, np.random.default_rng(settings.seed))
    shown = span_range(train.pictures[chosen])
    representative = as_input(shown, contract) if settings.recipe == INT8_RECIPE else None
    if settings.qat is None:
        content = convert(network, settings.recipe, representative, per_channel=settings.per_channel)
    else:
        content = fine_tuned(network, contract, train, settings.qat)
    contracts = contracts_of(content, contract)
    require_exact_input(contracts[0], str(run.path))
    decision, noted = _decision_of(run, network, (content, contracts), datasets, carry=carry)
    graph = read_graph(content)
    provenance = {
        "recipe": settings.recipe,
        "training": "PTQ" if settings.qat is None else {"QAT": asdict(settings.qat)},
        "per_channel": graph.per_channel(),
        "representative": {
            "crops": len(chosen),
            "of": len(train),
            "strata": len(np.unique(cells(train)[chosen])),
            "seed": settings.seed,
        },
        "threshold": noted,
        "operators": graph.versions(),
        "min_runtime": graph.min_runtime,
        "run": _run_card(run),
        "data": {dataset.path.name: dataset.sha256 for dataset in datasets},
    }
    return Converted(content, *contracts, decision, provenance)


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
) -> Bundle:
    """Convert a run, and the screen's run if there is one, and write the bundle.

    Raises
    ------
    QuantiseError
        See `convert_run`; also if the run's decision weighs a screen that is not named.

    """
    carry = carried(run, screen)
    main = convert_run(run, datasets, settings, carry=carry)
    small = convert_run(screen, datasets, settings, carry=carry) if screen is not None else None
    tools = {tool: version(tool) for tool in TOOLS} | {
        "python": platform.python_version(),
        "gammabox": edge.__version__,
    }
    provenance: dict[str, Any] = {"command": command, "tools": tools, **main.provenance}
    contract: Screen | None = None
    if small is not None:
        provenance["screen"] = small.provenance
        contract = Screen(
            sha256=UNSET_SHA256,
            size_bytes=len(small.model),
            input=small.input,
            output=small.output,
            threshold=at_unit_temperature(small.decision).threshold,
        )
    manifest = Manifest(
        name=name or out.name,
        network=run.manifest.network.name,
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        sha256=UNSET_SHA256,
        size_bytes=len(main.model),
        input=main.input,
        output=main.output,
        candidates=_candidate_rules(datasets),
        decision=main.decision,
        screen=contract,
        provenance=provenance,
        limits=list(limits),
    )
    return save_bundle(out, manifest, main.model, None if small is None else small.model)


def datasets_of(run: Run, named: Sequence[Path]) -> list[Dataset]:
    """Open the datasets named, or else those that the run was trained on, which must be unchanged.

    Raises
    ------
    QuantiseError
        If the run's own datasets have changed since.

    """
    if named:
        return [Dataset.open(path) for path in named]
    datasets = [Dataset.open(path) for path in run.manifest.data.paths]
    for dataset, noted in zip(datasets, run.manifest.data.sha256, strict=True):
        if dataset.sha256 != noted:
            problem = f"it is not what {run.path} was trained on ({dataset.sha256[:12]}…, then {noted[:12]}…)"
            raise QuantiseError(f"dataset {dataset.path}", problem, "name the data to use with --data")
    return datasets


def proposed_crops(run: Run, datasets: Sequence[Dataset]) -> Crops:
    """Read the training split as far as the fast path proposes it: nothing else will the network ever be shown."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    return read_crops(datasets, "train", run.manifest.input, proposed_only=True)


def contracts_of(content: bytes, contract: InputContract) -> tuple[InputContract, OutputContract]:
    """Give the contracts with types and quantisation as they are in the model."""
    graph = read_graph(content)
    into, out = graph.input, graph.output
    update = {"dtype": into.dtype.lower(), "quantisation": quantisation_of(into)}
    found = InputContract.model_validate(contract.model_copy(update=update).model_dump())
    given = {"dtype": out.dtype.lower(), "quantisation": quantisation_of(out)}
    return found, OutputContract.model_validate(given)


def logits_of(
    path: Path, content: bytes, contract: tuple[InputContract, OutputContract], crops: Crops
) -> NDArray[np.float32]:
    """Run a network over crops on the runtime of the edge: dequantised logits, float32 (n, 2)."""
    network = Network(path, content, contract, threads=1, batch=min(BATCH, max(len(crops), 1)))
    planes = contract[0].planes
    parts = []
    for start in range(0, len(crops), BATCH * 16):
        pictures = crops.pictures[start : start + BATCH * 16]
        parts.append(network.logits(network_input(planes, pictures, pictures if planes == "rgb" else None)))
    return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)


def _decision_of(
    run: Run,
    network: keras.Model,
    converted: tuple[bytes, tuple[InputContract, OutputContract]],
    datasets: Sequence[Dataset],
    *,
    carry: bool,
) -> tuple[Decision, dict[str, Any]]:
    """Give the decision of a converted network and how it came about."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    if carry and run.manifest.decision is not None:
        return run.manifest.decision, {"of": "the run, as `gammabox-trainer cascade` chose it"}
    content, contracts = converted
    contract = run.manifest.input
    validation = read_crops(datasets, "validation", contract)
    plain = convert(network, "float32")
    float_logits = logits_of(run.path, plain, contracts_of(plain, contract), validation)
    own_logits = logits_of(run.path, content, contracts, validation)
    reference = reference_decision(run, float_logits, validation.label)
    decision = matched_decision(reference, float_logits, own_logits, validation.label)
    noted = {
        "of": "this model",
        "matched_to": reference.threshold,
        "on": "validation",
        "crops": len(validation),
    }
    return decision, noted


def _run_card(run: Run) -> dict[str, Any]:
    """Note where the network came from; folders by their names, for a bundle travels and its maker's disk does not."""
    card = run.manifest.model_dump(mode="json", include={"network", "seed", "commit", "created_utc", "data"})
    card["data"]["paths"] = [Path(path).name for path in run.manifest.data.paths]
    return card


def _require_shape(network: keras.Model, contract: InputContract, what: str) -> None:
    size = contract.crop_size
    taken, given = tuple(network.input_shape), tuple(network.output_shape)
    if taken[1:] != (size, size, 3) or given[1:] != (2,):
        raise QuantiseError(
            what,
            f"its network takes {taken[1:]} and gives {given[1:]}, run.json says ({size}, {size}, 3) and two logits",
            "fit it again: checkpoint and run.json do not belong together",
        )


def _candidate_rules(datasets: Sequence[Dataset]) -> CandidateRules:
    """Give the rules by which the data chose candidates, so that the agent uses the same."""
    noted = [dataset.index.recipe["candidates"] for dataset in datasets if "candidates" in dataset.index.recipe]
    return CandidateRules.model_validate(noted[0]) if noted else CandidateRules()
