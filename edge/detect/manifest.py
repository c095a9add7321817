"""What a detector is made from: model.json, the contract of a model and its card, and the bytes of its networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from edge.config.strict import StrictModel
from edge.detect.compensation import MIN_SIZE_PX
from edge.detect.crops import Planes
from edge.detect.decision import Decision

if TYPE_CHECKING:
    from pathlib import Path

Fraction = Annotated[float, Field(ge=0, le=1)]


class Quantisation(StrictModel):
    """Affine quantisation of a tensor: real = scale × (stored − zero_point)."""

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=-128, le=255)


class InputContract(StrictModel):
    """The input of a network: a square crop, its planes, and real value = pixel × scale + offset."""

    crop_size: int = Field(ge=9, le=512)
    planes: Planes
    scale: float = Field(default=1 / 255, gt=0)
    offset: float = 0.0
    dtype: Literal["int8", "uint8", "float32"] = "int8"
    quantisation: Quantisation | None = None

    @model_validator(mode="after")
    def _holds_the_compensated_block(self) -> InputContract:
        if self.planes == "compensated" and self.crop_size < MIN_SIZE_PX:
            raise ValueError(f"compensated planes need crops of at least {MIN_SIZE_PX} pixels, not {self.crop_size}")
        return self


class OutputContract(StrictModel):
    """The output of a network: two logits, label 0 (no radiation) before label 1 (radiation)."""

    labels: tuple[str, str] = ("no_radiation", "radiation")
    dtype: Literal["int8", "uint8", "float32"] = "int8"
    quantisation: Quantisation | None = None


class CandidateRules(StrictModel):
    """The rules by which the fast path chose the candidates that this model was trained on. The agent uses the same."""

    spike_dn: float = Field(default=12.0, gt=0, le=255, description="smallest spike of a candidate, grey levels")
    noise_sigmas: float = Field(default=5.0, ge=0, description="smallest spike in units of the local noise")
    max_pixels: int = Field(default=60, ge=1, description="largest spot, pixels above half of its spike")


class Sensitivity(StrictModel):
    """How the share of hits that is found depends on the brightness of the ground; see docs/performance.md.

    A hit adds electrons. The brighter the ground, the fewer grey levels they are worth, and the noisier is the light
    itself. `relative` is the share of hits found on ground of this brightness, divided by the greatest such share.
    """

    ground_dn: tuple[float, ...] = Field(min_length=2, description="mean grey of the ground, rising")
    relative: tuple[Fraction, ...] = Field(min_length=2, description="1 where most hits are found")
    measured: dict[str, Any] = Field(default_factory=dict, description="camera, source, hits, command")

    @model_validator(mode="after")
    def _fits_together(self) -> Sensitivity:
        if len(self.ground_dn) != len(self.relative):
            raise ValueError(f"{len(self.ground_dn)} grounds and {len(self.relative)} sensitivities")
        if any(low >= high for low, high in zip(self.ground_dn, self.ground_dn[1:], strict=False)):
            raise ValueError("ground_dn has to rise")
        return self


class ScreenContract(StrictModel):
    """The small network that judges every candidate before the classifier does.

    Its input is a square patch centred on the candidate, laid out and scaled like the classifier's crop; its output is
    two logits. A candidate passes where sigmoid(logit1 − logit0) ≥ threshold.
    """

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of screen.tflite")
    size_bytes: int = Field(gt=0)
    input: InputContract
    output: OutputContract = OutputContract()
    threshold: Fraction


class Manifest(StrictModel):
    """`model.json`: the contract of a model and its card."""

    schema_version: Literal[1] = 1
    name: str
    network: str
    created_utc: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of model.tflite")
    size_bytes: int = Field(gt=0)
    input: InputContract
    output: OutputContract = OutputContract()
    candidates: CandidateRules = CandidateRules()
    decision: Decision
    screen: ScreenContract | None = Field(default=None, description="present when the bundle holds screen.tflite")
    sensitivity: Sensitivity | None = Field(default=None, description="by brightness; without it 1 everywhere")
    provenance: dict[str, Any] = Field(default_factory=dict, description="data with rights, command, seed, tools")
    figures: dict[str, Any] = Field(default_factory=dict, description="measured, each with the command that made it")
    limits: list[str] = Field(default_factory=list, description="what this model was never shown or cannot do")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model whose bytes match its manifest. `edge.bundle` reads and writes it as a folder."""

    path: Path
    manifest: Manifest
    model: bytes = field(repr=False)
    screen: bytes | None = field(default=None, repr=False)
