"""The model bundle: model.tflite and model.json, its manifest and model card, bound together by a SHA-256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from edge.config.strict import StrictModel
from edge.detect.crops import Planes
from edge.detect.decision import Decision
from edge.errors import BundleError

MODEL_FILE = "model.tflite"
MANIFEST_FILE = "model.json"
SCREEN_FILE = "screen.tflite"

Fraction = Annotated[float, Field(ge=0, le=1)]


class Quantisation(StrictModel):
    """Affine quantisation of a tensor: real = scale × (stored − zero_point)."""

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=-128, le=255)


class InputContract(StrictModel):
    """What the network wants: a square crop, its planes, and real value = pixel × scale + offset."""

    crop_size: int = Field(ge=9, le=512)
    planes: Planes
    scale: float = Field(default=1 / 255, gt=0)
    offset: float = 0.0
    dtype: Literal["int8", "uint8", "float32"] = "int8"
    quantisation: Quantisation | None = None


class OutputContract(StrictModel):
    """Two logits, label 0 (no radiation) before label 1 (radiation)."""

    labels: tuple[str, str] = ("no_radiation", "radiation")
    dtype: Literal["int8", "uint8", "float32"] = "int8"
    quantisation: Quantisation | None = None


class CandidateRules(StrictModel):
    """How the fast path chose the places this model was trained on; the agent uses the same."""

    spike_dn: float = Field(default=12.0, gt=0, le=255, description="least spike of a candidate, grey levels")
    noise_sigmas: float = Field(default=5.0, ge=0, description="least spike in units of the local noise")
    max_pixels: int = Field(default=60, ge=1, description="largest spot, pixels above half of its spike")
    max_motion_dn: float = Field(default=60.0, gt=0, description="most motion under a candidate, grey levels")


class Sensitivity(StrictModel):
    """How much oftener hits are found on some ground than on other, by its brightness; see docs/performance.md.

    A hit adds electrons; the brighter the ground, the fewer grey levels they are worth and the more the light itself
    is noisy. `relative` is the share of a source's hits that is found there, over that of the ground where most are.
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
    """The tiny network that looks at the patch around each candidate before the classifier is asked.

    Its input is a square patch centred on the candidate, laid out and scaled like the classifier's crop; its output
    two logits. A candidate goes on where sigmoid(logit1 − logit0) ≥ threshold.
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
    """A model whose bytes match its manifest."""

    path: Path
    manifest: Manifest
    model: bytes = field(repr=False)
    screen: bytes | None = field(default=None, repr=False)


def shipped_bundle_path() -> Path:
    """Give the folder of the bundle that comes with the package."""
    return Path(__file__).parent / "models" / "alexnet_edge"


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check its manifest, its size and its SHA-256.

    Raises
    ------
    BundleError
        A missing or damaged file, or a manifest that this agent does not understand.

    """
    manifest = _read_manifest(path)
    model = _read_checked(path, MODEL_FILE, manifest.size_bytes, manifest.sha256)
    screen = None
    if manifest.screen is not None:
        screen = _read_checked(path, SCREEN_FILE, manifest.screen.size_bytes, manifest.screen.sha256)
    return Bundle(path, manifest, model, screen)


def save_bundle(path: Path, manifest: Manifest, model: bytes, screen: bytes | None = None) -> Bundle:
    """Write a bundle, replacing one that is there; SHA-256 and sizes in the manifest are set from the bytes.

    Raises
    ------
    ValueError
        If only one of `screen` and `manifest.screen` is given.

    """
    if (screen is None) != (manifest.screen is None):
        raise ValueError("a bundle has both screen.tflite and its contract in the manifest, or neither")
    binding: dict[str, object] = {"sha256": hashlib.sha256(model).hexdigest(), "size_bytes": len(model)}
    if screen is not None and manifest.screen is not None:
        bound_to = {"sha256": hashlib.sha256(screen).hexdigest(), "size_bytes": len(screen)}
        binding["screen"] = manifest.screen.model_copy(update=bound_to)
    bound = manifest.model_copy(update=binding)
    path.mkdir(parents=True, exist_ok=True)
    (path / MODEL_FILE).write_bytes(model)
    if screen is not None:
        (path / SCREEN_FILE).write_bytes(screen)
    (path / MANIFEST_FILE).write_text(bound.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Bundle(path, bound, model, screen)


def _read_checked(path: Path, name: str, size_bytes: int, sha256: str) -> bytes:
    try:
        content = (path / name).read_bytes()
    except FileNotFoundError:
        raise BundleError(path, f"{name} is missing", "copy the whole folder that quantize wrote") from None
    except OSError as error:
        raise BundleError(path, f"{name} cannot be read ({error.strerror})", "check its permissions") from error
    found = hashlib.sha256(content).hexdigest()
    if len(content) != size_bytes or found != sha256:
        raise BundleError(
            path,
            f"{name} has {len(content)} bytes and SHA-256 {found[:12]}…, "
            f"{MANIFEST_FILE} names {size_bytes} and {sha256[:12]}…",
            "copy the bundle again: one of its files is damaged or from another bundle",
        )
    return content


def _read_manifest(path: Path) -> Manifest:
    manifest_path = path / MANIFEST_FILE
    try:
        text = manifest_path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(path, f"{MANIFEST_FILE} is missing", "name the folder that holds both files") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(path, f"{MANIFEST_FILE} cannot be read ({error})", "copy the bundle again") from error
    try:
        return Manifest.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise BundleError(
            path, f"{MANIFEST_FILE} is no JSON (line {error.lineno}: {error.msg})", "copy the bundle again"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            path,
            f"{MANIFEST_FILE}: {place}: {first['msg']} (found {first['input']!r:.60})",
            "make the bundle with a gammabox-quantize of this version",
        ) from error
