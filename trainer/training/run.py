"""The run folder of one training: run.json, best.keras, last.keras and log.jsonl, and how to read and write them."""

from __future__ import annotations

import errno
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from edge.arguments import as_path, takes
from edge.config.faults import first_fault
from edge.config.strict import StrictModel
from edge.detect.decision import Decision
from edge.detect.manifest import InputContract
from edge.files import load_json, read_text, sha256_of, why
from trainer.errors import RunError

if TYPE_CHECKING:
    import keras

RUN_FILE = "run.json"
LOG_FILE = "log.jsonl"
BEST_FILE = "best.keras"
LAST_FILE = "last.keras"
TIME_FILE = "int8.json"  # written by gammabox-quantize time

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]


class NetworkChoice(StrictModel):
    """The function of `trainer.training.networks` that builds the network, and its arguments."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class DataUsed(StrictModel):
    """The dataset folders of a run."""

    paths: tuple[str, ...]
    mixtures: int = Field(
        default=0,
        ge=0,
        description="how many of the paths, the last ones, are mixtures, all samples of which count in full",
    )
    sha256: tuple[str, ...] = Field(description="Dataset.sha256 of each, over all its shards")
    train: int = Field(ge=0, description="samples fitted")
    train_positives: int = Field(ge=0)
    validation: int = Field(ge=0, description="samples that choose the best epoch")


class FitSettings(StrictModel):
    """Everything that decides a training besides network, input and data.

    Examples
    --------
    >>> settings = FitSettings(epochs=3, batch_size=16)
    >>> settings.learning_rate, settings.patience
    (0.001, 6)

    """

    epochs: int = Field(default=12, ge=1)
    steps_per_epoch: int | None = Field(default=None, ge=1, description="batches an epoch; None: all samples once")
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    patience: int = Field(default=6, ge=1, description="epochs without a better validation loss before it stops")
    augment: bool = True
    brightness_dn: int = Field(
        default=40, ge=0, le=255, description="largest change of brightness in augmentation, grey levels"
    )
    min_added_dn: float = Field(default=0.0, ge=0, description="hits that add less are left out, grey levels")
    max_spot_pixels: int | None = Field(
        default=None, ge=1, description="hits of more pixels at half their height are left out; None: no limit"
    )
    max_sensor_spot_pixels: int | None = Field(
        default=None, ge=1, description="the same for hits of the simulated sensor; None: as for the others"
    )
    proposed_only: bool = Field(default=False, description="only samples that the fast path proposes")
    negative_weight: float = Field(default=1.0, gt=0, description="weight of label 0 in the loss")
    staged_weight: float = Field(
        default=1.0, gt=0, description="factor on it for negatives of generated scenes and simulated disturbances"
    )
    light_power: float = Field(
        default=0.0,
        ge=0,
        le=4,
        description="hits weigh by this power of the grey levels that they add, as a share of 40, from 0.2 to 3",
    )
    speck_share: float = Field(
        default=0.0, ge=0, le=1, description="share of label 0 that gets a soft one-frame speck in its middle"
    )
    start_from: str | None = Field(
        default=None,
        description="run folder whose best weights equal layers begin with, and their SHA-256",
    )
    devices: int = Field(
        default=1, ge=1, description="how many share each batch; more than one on the JAX backend only"
    )
    precision: Precision = "float32"


class RunManifest(StrictModel):
    """`run.json`: what it takes to build the network, to prepare its input, and to repeat the training."""

    schema_version: Literal[1] = 1
    network: NetworkChoice
    input: InputContract
    seed: int = Field(ge=0)
    fit: FitSettings
    data: DataUsed
    commit: str | None = Field(default=None, description="commit of this program; None outside its repository")
    members: tuple[str, ...] = Field(
        default=(), description="runs whose networks stand side by side, and the SHA-256 of each; set by `ensemble`"
    )
    created_utc: str
    command: str = ""
    backend: str = ""
    decision: Decision | None = Field(default=None, description="set by `evaluate` or `cascade` on validation splits")
    decided_with: str | None = Field(default=None, description="folder of the other run of the same `cascade`")
    figures: dict[str, Any] = Field(default_factory=dict, description="figures of the test split, set by `evaluate`")

    @property
    def has_decision_of_cascade(self) -> bool:
        """Whether `cascade` made the decision."""
        return self.decided_with is not None


@dataclass(frozen=True, slots=True)
class Run:
    """An open run folder."""

    path: Path
    manifest: RunManifest = field(repr=False)

    @staticmethod
    @takes(path=as_path)
    def open(path: Path | str) -> Run:
        """Open a run folder.

        Raises
        ------
        RunError
            No run.json, or one that this version cannot read.

        """
        folder = Path(path)
        return Run(folder, _read_manifest(folder))

    def load_model(self, which: Literal["best", "last"] = "best") -> keras.Model:
        """Load the Keras model; input float32 (n, crop, crop, 3) = pixel × scale + offset, output two logits.

        Raises
        ------
        RunError
            The checkpoint is missing or damaged.

        """
        import keras  # noqa: PLC0415 - seconds and a gigabyte that reading run.json does not need

        import trainer.training.networks  # noqa: F401, PLC0415 - registers the layers that a saved network names

        place = self.path / (BEST_FILE if which == "best" else LAST_FILE)
        if not place.exists():
            raise RunError(self.path, f"{place.name} is missing", "run its `fit` command again, it resumes")
        try:
            return keras.models.load_model(place)
        except (ValueError, OSError, KeyError, TypeError) as error:
            raise RunError(self.path, f"{place.name} cannot be loaded ({why(error)})", "fit it again") from error

    def weights_sha256(self) -> str:
        """Return the SHA-256 of the best network's file.

        Raises
        ------
        RunError
            The file is missing or cannot be read.

        """
        try:
            return sha256_of(self.path / BEST_FILE)
        except OSError as error:
            again = "run its `fit` command again, it resumes"
            raise RunError(self.path, f"{BEST_FILE} cannot be read ({why(error)})", again) from error

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of log.jsonl, one for each epoch, without one that a kill cut short."""
        return read_log(self.path)

    def with_manifest(self, **update: object) -> Run:
        """Write run.json with changed fields, and return the run with them."""
        changed = Run(self.path, self.manifest.model_copy(update=update))
        changed.save()
        return changed

    def save(self) -> None:
        """Write run.json in one step, so that a reader never sees half of it.

        Raises
        ------
        RunError
            The folder cannot be made or written.

        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(self.path / RUN_FILE, self.manifest.model_dump_json(indent=2) + "\n")
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise  # the command line says more of it
            raise RunError(self.path, f"it cannot be written ({error.strerror})", "name another folder") from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of log.jsonl of a run folder; none without the file."""
    try:
        text = read_text(folder / LOG_FILE)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(folder, f"{LOG_FILE} cannot be read ({why(error)})", "fit it again") from error
    whole = text[: text.rfind("\n") + 1]  # a process killed while writing leaves half a line at the end
    try:
        return [load_json(line) for line in whole.splitlines()]
    except ValueError as error:
        raise RunError(folder, f"{LOG_FILE} is damaged ({why(error)})", "fit it again into another folder") from error


def write_whole(place: Path, text: str) -> None:
    """Replace a file in one step."""
    part = place.with_name(place.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(place)


def program_commit() -> str | None:
    """Return the commit that this program runs from, with "+" after changes; None outside a repository."""
    here = Path(__file__).parents[1]
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        state = subprocess.run(
            ["git", "status", "--porcelain", "--", "."], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if state.stdout.strip() else "")


def _read_manifest(folder: Path) -> RunManifest:
    place = folder / RUN_FILE
    try:
        text = read_text(place)
        return RunManifest.model_validate_json(text)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(folder, f"{RUN_FILE} is missing", "name a folder that `gammabox-trainer fit` wrote") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(folder, f"{RUN_FILE} cannot be read ({why(error)})", "fit it again") from error
    except ValidationError as error:
        problem = f"{RUN_FILE} is none of this version ({first_fault(error, RunManifest, text)})"
        raise RunError(folder, problem, "fit it again into another folder, or remove this one") from error
