"""What is checked: each network of a bundle, paired with the run that it came from, and the decisions of both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.bundle import Bundle, Decision, InputContract, OutputContract, is_joint
from quantize.bundling import contracts_of, logits_of
from quantize.convert import convert
from quantize.decisions import at_unit_temperature, reference_decision
from quantize.errors import QuantiseError
from quantize.limits import CLASSIFIER, SCREEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.data.dataset import Dataset
    from trainer.training.run import Run

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


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """The float network of a subject: its .tflite file and contracts."""

    subject: Subject
    model: bytes
    contract: tuple[InputContract, OutputContract]

    @staticmethod
    def of(subject: Subject) -> Original:
        """Convert the run's network to float32."""
        plain = convert(subject.run.load_model(), "float32")
        return Original(subject, plain, contracts_of(plain, subject.run.manifest.input))


def subjects_of(bundle: Bundle, run: Run, screen_run: Run | None) -> list[Subject]:
    """Pair the networks of a bundle with their runs.

    Raises
    ------
    QuantiseError
        If an input contract is not its run's, or the bundle has a screen and its run is not named, or the reverse.

    """
    manifest = bundle.manifest
    contract = (manifest.input, manifest.output)
    found = [Subject(CLASSIFIER, bundle, bundle.model, contract, manifest.decision, run)]
    small = manifest.screen
    if screen_run is None and small is not None:
        raise QuantiseError(str(bundle.path), "its screen's run is not named", "give --screen-reference")
    if screen_run is not None:
        if small is None or bundle.screen is None:
            raise QuantiseError(str(bundle.path), "it holds no screen", "leave out --screen-reference")
        decision = Decision(threshold=small.threshold)
        found.append(Subject(SCREEN, bundle, bundle.screen, (small.input, small.output), decision, screen_run))
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


def float_bundle(originals: Sequence[Original], references: Sequence[Decision]) -> Bundle:
    """Give a bundle of the float originals with the float decisions, in memory only."""
    bundle = originals[0].subject.bundle
    manifest, models = bundle.manifest, []
    for original, reference in zip(originals, references, strict=True):
        models.append(original.model)
        taken, given = original.contract
        if original.subject.name == CLASSIFIER:
            update: dict[str, object] = {"input": taken, "output": given, "decision": reference}
        elif manifest.screen is not None:
            changed = {"input": taken, "output": given, "threshold": reference.threshold}
            update = {"screen": manifest.screen.model_copy(update=changed)}
        manifest = manifest.model_copy(update=update)
    return Bundle(bundle.path, manifest, models[0], models[1] if len(models) > 1 else None)


def references_of(originals: Sequence[Original], datasets: Sequence[Dataset]) -> list[Decision]:
    """Give the float decision of each network.

    Where `cascade` chose for screen and classifier together, it is what both run.json say. Where only the bundle
    weighs both, float is judged by the bundle's own decision, and `decision_changes` tells of it.
    """
    subjects = [original.subject for original in originals]
    decisions = [subject.run.manifest.decision for subject in subjects]
    if is_joint(decisions[0]):
        found = [one if one is not None else subject.decision for one, subject in zip(decisions, subjects, strict=True)]
        return found[:1] + [at_unit_temperature(one) for one in found[1:]]
    if is_joint(subjects[0].decision):
        return [subject.decision for subject in subjects]
    return [_reference_of(original, datasets) for original in originals]


def decision_changes(subjects: Sequence[Subject]) -> list[str] | None:
    """Tell in which fields a decision of screen and classifier together differs from the runs'.

    None where neither bundle nor run has such a decision: then every network has a threshold of its own.
    """
    main = subjects[0]
    noted = main.run.manifest.decision
    if not is_joint(noted) and not is_joint(main.decision):
        return None
    if noted is None:
        return [f"{main.run.path.name} names none"]
    changes = [
        f"{name} {getattr(main.decision, name):.6g} instead of {getattr(noted, name):.6g}"
        for name in Decision.model_fields
        if getattr(main.decision, name) != getattr(noted, name)
    ]
    for screen in subjects[1:]:
        own, wanted = screen.decision.threshold, screen.run.manifest.decision
        if wanted is None:
            changes.append(f"{screen.run.path.name} names no threshold of the screen")
        elif own != at_unit_temperature(wanted).threshold:
            changes.append(f"threshold of the screen {own:.6g} instead of {wanted.threshold:.6g}")
    return changes


def _reference_of(original: Original, datasets: Sequence[Dataset]) -> Decision:
    """Give a float model's decision: the run's, or what `convert` noted, or that of the validation split."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    subject = original.subject
    run, manifest = subject.run, subject.bundle.manifest
    if run.manifest.decision is not None:
        decision = run.manifest.decision
        return decision if subject.name == CLASSIFIER else at_unit_temperature(decision)
    card = manifest.provenance if subject.name == CLASSIFIER else manifest.provenance.get("screen", {})
    noted = card.get("threshold", {}).get("matched_to")
    if isinstance(noted, float):
        return Decision(threshold=noted, temperature=subject.decision.temperature)
    validation = read_crops(datasets, "validation", original.contract[0])
    logits = logits_of(run.path, original.model, original.contract, validation)
    return reference_decision(run, logits, validation.label)
