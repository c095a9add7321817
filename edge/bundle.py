"""The folder of a model bundle, read and written: model.json, model.tflite and screen.tflite, bound by SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from edge.arguments import as_path, optional, takes
from edge.config.faults import first_fault
from edge.detect.manifest import Bundle, Manifest
from edge.errors import BundleError, InputError, OutputError
from edge.files import load_json, read_text, why
from edge.release import installed_model

MODEL_FILE = "model.tflite"
MANIFEST_FILE = "model.json"
SCREEN_FILE = "screen.tflite"


def shipped_bundle_path() -> Path:
    """Return the folder of the bundle that was installed with the release, or else of that in the package."""
    return installed_model() or Path(__file__).parent / "models" / "alexnet_edge"


@takes(path=optional(as_path))
def load_bundle(path: str | Path | None = None) -> Bundle:
    """Read a bundle and check its manifest, its size and its SHA-256.

    Parameters
    ----------
    path : str, Path or None
        Folder of the bundle; None for the one that ships.

    Raises
    ------
    BundleError
        A missing or damaged file, or a manifest that this agent does not understand.

    Examples
    --------
    >>> bundle = load_bundle()
    >>> bundle.manifest.name, bundle.manifest.input.crop_size
    ('alexnet_edge', 33)

    """
    path = shipped_bundle_path() if path is None else Path(path)
    manifest = _read_manifest(path)
    model = _read_checked(path, MODEL_FILE, manifest.size_bytes, manifest.sha256)
    screen = None
    if manifest.screen is not None:
        screen = _read_checked(path, SCREEN_FILE, manifest.screen.size_bytes, manifest.screen.sha256)
    return Bundle(path, manifest, model, screen)


def require_bundle_place(path: Path, *, force: bool = False) -> None:
    """Raise OutputError where a bundle would replace files that are no bundle. `force` lets it."""
    if force or not any((path / name).exists() for name in (MODEL_FILE, SCREEN_FILE, MANIFEST_FILE)):
        if path.exists() and not path.is_dir():
            raise OutputError(path, "is a file", "name a folder for the bundle")
        return
    try:
        known = {field for field in load_json(read_text(path / MANIFEST_FILE)) if isinstance(field, str)}
    except (OSError, ValueError, TypeError):
        known = set()
    if not {"schema_version", "sha256", "decision"} <= known:
        raise OutputError(path, "holds files of the same names that are no bundle", "name another folder, or --force")


@takes(path=as_path, manifest=Manifest, model=bytes, screen=optional(bytes))
def save_bundle(
    path: Path, manifest: Manifest, model: bytes, screen: bytes | None = None, *, force: bool = False
) -> Bundle:
    """Write a bundle and return it. One that is there is replaced; SHA-256 and sizes are set from the bytes.

    Files of the same names that are no bundle are replaced where `force` is true only.

    Raises
    ------
    OutputError
        Files of the same names are there that are no bundle.
    InputError
        Only one of `screen` and `manifest.screen` is given.

    """
    if (screen is None) != (manifest.screen is None):
        raise InputError("a bundle has both screen.tflite and its contract in the manifest, or neither")
    binding: dict[str, object] = {"sha256": hashlib.sha256(model).hexdigest(), "size_bytes": len(model)}
    if screen is not None and manifest.screen is not None:
        bound_to = {"sha256": hashlib.sha256(screen).hexdigest(), "size_bytes": len(screen)}
        binding["screen"] = manifest.screen.model_copy(update=bound_to)
    bound = manifest.model_copy(update=binding)
    require_bundle_place(path, force=force)
    path.mkdir(parents=True, exist_ok=True)
    (path / MODEL_FILE).write_bytes(model)
    if screen is not None:
        (path / SCREEN_FILE).write_bytes(screen)
    (path / MANIFEST_FILE).write_text(bound.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Bundle(path, bound, model, screen)


def _read_checked(path: Path, name: str, size_bytes: int, sha256: str) -> bytes:
    try:
        found_bytes = (path / name).stat().st_size
        content = (path / name).read_bytes() if found_bytes == size_bytes else b""
    except FileNotFoundError:
        raise BundleError(path, f"{name} is missing", "copy the whole folder that quantize wrote") from None
    except OSError as error:
        raise BundleError(path, f"{name} cannot be read ({error.strerror})", "check its permissions") from error
    found = hashlib.sha256(content).hexdigest()
    if len(content) != size_bytes or found != sha256:
        raise BundleError(
            path,
            f"{name} has {found_bytes} bytes and SHA-256 {found[:12] if content else '…'}…, "
            f"{MANIFEST_FILE} names {size_bytes} and {sha256[:12]}…",
            "copy the bundle again: one of its files is damaged or from another bundle",
        )
    return content


def _read_manifest(path: Path) -> Manifest:
    manifest_path = path / MANIFEST_FILE
    try:
        text = read_text(manifest_path)
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(path, f"{MANIFEST_FILE} is missing", "name the folder that holds both files") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(path, f"{MANIFEST_FILE} cannot be read ({why(error)})", "copy the bundle again") from error
    try:
        return Manifest.model_validate(load_json(text))
    except ValidationError as error:
        raise BundleError(
            path,
            f"{MANIFEST_FILE}: {first_fault(error, Manifest, text)}",
            "make the bundle with a gammabox-quantize of this version",
        ) from error
    except ValueError as error:
        raise BundleError(path, f"{MANIFEST_FILE} is no JSON ({why(error)})", "copy the bundle again") from error
