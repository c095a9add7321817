"""What is checked: each network of a bundle, paired with the run that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.bundle import Bundle, Decision, InputContract, OutputContract
from quantize.bundling import at_unit_temperature, contracts_of, logits_of, reference_decision
from quantize.convert import convert
from quantize.errors import QuantiseError
from quantize.limits import CLASSIFIER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.data.dataset import Dataset
    from trainer.run import Run

SAME_CONTRACT = ("crop_size", "planes", "scale", "offset")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One network of a bundle with the run it came from."""

    name: str
    bundle: Bundle
    model: bytes
    contract: tuple[InputContract, OutputContract]
    decision: Decision
    run: Run


def subjects_of(bundle: Bundle, run: Run, screen_run: Run | None) -> list[Subject]:
    """Pair the networks of a bundle with their runs.

    Raises
    ------
    QuantiseError
        If an input contract is not its run's, or a screen's run is given for a bundle that has no screen.

    """
    manifest = bundle.manifest
    contract = (manifest.input, manifest.output)
    found = [Subject(CLASSIFIER, bundle, bundle.model, contract, manifest.decision, run)]
    if screen_run is not None:
        if manifest.screen is None or bundle.screen is None:
            raise QuantiseError(str(bundle.path), "it holds no screen", "leave out --screen-reference")
        small = manifest.screen
        decision = Decision(threshold=small.threshold)
        found.append(Subject("screen", bundle, bundle.screen, (small.input, small.output), decision, screen_run))
    for subject in found:
        for name in SAME_CONTRACT:
            own, wanted = getattr(subject.contract[0], name), getattr(subject.run.manifest.input, name)
            if own != wanted:
                raise QuantiseError(
                    f"{bundle.path} ({subject.name})",
                    f"its input {name} is {own}, that of {subject.run.path} is {wanted}",
                    "convert that run again, or name the run this bundle came from",
                )
    return found


def float_bundle(subjects: Sequence[Subject]) -> Bundle:
    """Give a bundle of the float originals with the float decisions, in memory only.

    Raises
    ------
    QuantiseError
        If the bundle has a screen and its run is not among the subjects.

    """
    bundle = subjects[0].bundle
    if bundle.screen is not None and len(subjects) < 2:
        raise QuantiseError(str(bundle.path), "its screen's run is not named", "give --screen-reference")
    manifest, models = bundle.manifest, []
    for subject in subjects:
        plain = convert(subject.run.load_model(), "float32")
        contract = contracts_of(plain, subject.run.manifest.input)
        reference = reference_of(subject, plain, contract, ())
        models.append(plain)
        if subject.name == CLASSIFIER:
            update: dict[str, object] = {"input": contract[0], "output": contract[1], "decision": reference}
        elif manifest.screen is not None:
            changed = {"input": contract[0], "output": contract[1], "threshold": reference.threshold}
            update = {"screen": manifest.screen.model_copy(update=changed)}
        manifest = manifest.model_copy(update=update)
    return Bundle(bundle.path, manifest, models[0], models[1] if len(models) > 1 else None)


def reference_of(
    subject: Subject,
    plain: bytes,
    contract: tuple[InputContract, OutputContract],
    datasets: Sequence[Dataset],
) -> Decision:
    """Give the float model's decision: the run's, or what `convert` noted, or that of the validation split."""
    from trainer.feed import read_crops  # noqa: PLC0415 - imports Keras

    run, manifest = subject.run, subject.bundle.manifest
    if run.manifest.decision is not None:
        decision = run.manifest.decision
        return decision if subject.name == CLASSIFIER else at_unit_temperature(decision)
    card = manifest.provenance if subject.name == CLASSIFIER else manifest.provenance.get("screen", {})
    noted = card.get("threshold", {}).get("matched_to")
    if isinstance(noted, float):
        return Decision(threshold=noted, temperature=subject.decision.temperature)
    validation = read_crops(datasets, "validation", contract[0])
    return reference_decision(run, logits_of(run.path, plain, contract, validation), validation.label)
