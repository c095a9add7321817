"""Options of the commands in groups, each with a heading of its own in --help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quantize.bundling import Settings
    from quantize.checking import CheckSettings


@dataclass(frozen=True)
class QuantisationOptions:
    """Options of `convert` about the way of quantisation."""

    panel = "Quantisation"

    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="static_wi8_ai8 is what the box runs; float16, dynamic and float32 are for comparison.",
        ),
    ] = "static_wi8_ai8"
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One scale for all weights of a layer instead of one a channel.")
    ] = False
    qat: Annotated[
        int,
        typer.Option(
            "--qat", min=0, help="Epochs of quantisation-aware fine-tuning; 0: quantise after training (PTQ)."
        ),
    ] = 0
    qat_rate: Annotated[float, typer.Option("--qat-rate", min=1e-8, help="Learning rate of the fine-tuning.")] = 1e-4
    representative: Annotated[
        int, typer.Option("--representative", min=1, help="Number of crops that show the network its ranges.")
    ] = 400
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed that chooses those crops.")] = 1
    extremes: Annotated[
        float,
        typer.Option(
            "--extremes", min=0, max=0.5, help="Share of crops with the highest outputs of a layer that are left out."
        ),
    ] = 0.02

    def settings(self) -> Settings:
        """Return the settings of the conversion."""
        from quantize.bundling import Settings  # noqa: PLC0415 - heavy
        from quantize.conversion import RECIPES  # noqa: PLC0415 - heavy
        from quantize.qat import QatSettings  # noqa: PLC0415 - heavy

        recipe = self.recipe
        if recipe not in RECIPES:
            raise typer.BadParameter(f"{recipe!r} is none of {', '.join(RECIPES)}", param_hint="--recipe")
        return Settings(
            recipe=recipe,
            per_channel=not self.per_tensor,
            representative=self.representative,
            seed=self.seed,
            extremes=self.extremes,
            qat=QatSettings(epochs=self.qat, learning_rate=self.qat_rate, seed=self.seed) if self.qat else None,
        )


@dataclass(frozen=True)
class CardOptions:
    """Options of `convert` about the model card in the bundle's manifest."""

    panel = "Model card"

    name: Annotated[
        str | None,
        typer.Option("--name", help="Name in the manifest. Default: that of the folder."),
    ] = None
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="A sentence on what this model cannot do or was never shown."),
    ] = None


@dataclass(frozen=True)
class ExtentOptions:
    """Options of `check` about what is measured and judged."""

    panel = "Extent of the check"

    limits: Annotated[
        list[str] | None,
        typer.Option(
            "--limits", help="NAME=VALUE of a limit; may be given several times. docs/quantisation.md lists all."
        ),
    ] = None
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="Compare with another runtime, too: tflite-runtime, cortex-a72 or cortex-a76; built when missing.",
        ),
    ] = None
    clip: Annotated[
        Path | None,
        typer.Option(
            "--clip", help="Also compare the whole pipelines on this clip; its truth may lie beside it as .jsonl."
        ),
    ] = None
    split: Annotated[str, typer.Option("--split", help="Part of the data to judge on: test or validation.")] = "test"

    def settings(self) -> CheckSettings:
        """Return the settings of the check, with other runtimes built where they are missing."""
        from quantize.checking import CheckSettings  # noqa: PLC0415 - heavy
        from quantize.environments import foreign_runtime  # noqa: PLC0415 - heavy
        from quantize.limits import parse_limits  # noqa: PLC0415 - heavy

        if self.split not in {"test", "validation"}:
            raise typer.BadParameter(f"{self.split!r} is neither test nor validation", param_hint="--split")
        return CheckSettings(
            limits=parse_limits(self.limits or []),
            split="validation" if self.split == "validation" else "test",
            foreign=tuple(foreign_runtime(name) for name in self.others or []),
        )


@dataclass(frozen=True)
class OutputOptions:
    """Options of `check` about where the figures go."""

    panel = "Output"

    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write the figures as an HTML page."),
    ] = None
    keep: Annotated[
        Path | None,
        typer.Option("--keep", help="Write the figures as JSON."),
    ] = None
    record: Annotated[bool, typer.Option("--record", help="Write the main figures into the bundle's manifest.")] = False
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that this command did not write, too.")] = (
        False
    )
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of lines.")] = False
