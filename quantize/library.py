"""The quantiser from Python: a run to a bundle, and the check of a bundle, each by one function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.arguments import as_path, described, optional, takes
from edge.bundle import load_bundle, require_bundle_place
from edge.detect.manifest import Bundle
from edge.errors import InputError
from quantize.bundling import Settings, bundle_run, datasets_of
from quantize.checking import BundleCheck, CheckSettings, check_bundle
from quantize.conversion import load_tensorflow
from quantize.limits import Limits
from quantize.pairing import pair_networks
from trainer.library import opened_datasets
from trainer.training.run import Run

if TYPE_CHECKING:
    from trainer.data.dataset import Dataset
    from trainer.library import Data
    from trainer.scenes.splits import Split


@takes(out=as_path)
def convert(
    run: Run | str | Path,
    out: str | Path,
    *,
    data: Data | None = None,
    screen: Run | str | Path | None = None,
    settings: Settings | None = None,
    name: str | None = None,
    force: bool = False,
) -> Bundle:
    """Convert a run to a bundle that the box can run: full int8 unless the settings say otherwise.

    It does what `gammabox-quantize convert` does.

    Parameters
    ----------
    run : Run, str or Path
        The training, or its folder.
    out : str or Path
        Folder of the bundle; an earlier bundle is replaced.
    data : Dataset, str or Path, a sequence of them, or None
        Datasets whose training split shows the ranges; None for those that the run was trained on.
    screen : Run, str, Path or None
        The training of the screen that goes into the same bundle.
    settings : Settings or None
        Recipe, representative crops and QAT; None for the defaults.
    name : str or None
        Name in the manifest, by default that of the folder.
    force : bool
        Whether files of the same names that are no bundle are replaced.

    Raises
    ------
    QuantiseError, RunError, DatasetError
        The network or the data cannot become a bundle.
    OutputError
        Files of the same names are there that are no bundle.

    Examples
    --------
    >>> convert("runs/own", "bundle").manifest.input.dtype  # doctest: +SKIP
    'int8'
    >>> convert("runs/absent", "bundle")
    Traceback (most recent call last):
    trainer.errors.RunError: run runs/absent: run.json is missing; name a folder that `gammabox-trainer fit` wrote

    """
    place = Path(out)
    require_bundle_place(place, force=force)
    opened, small = _run(run), None if screen is None else _run(screen)
    load_tensorflow()
    datasets = _datasets(opened, data)
    return bundle_run(opened, place, datasets, settings or Settings(), screen=small, name=name, force=force)


@takes(limits=optional(Limits), clip=optional(as_path))
def check(
    bundle: Bundle | str | Path,
    reference: Run | str | Path,
    *,
    data: Data | None = None,
    screen_reference: Run | str | Path | None = None,
    split: Split = "test",
    limits: Limits | None = None,
    clip: str | Path | None = None,
) -> BundleCheck:
    """Compare a bundle with the float networks it came from, on the same crops and on the runtime of the box.

    It does what `gammabox-quantize check` does. The result says whether the bundle `passed`, and which limits it
    `exceeded`.

    Parameters
    ----------
    bundle : Bundle, str or Path
        The bundle, or its folder.
    reference : Run, str or Path
        The training that it was converted from.
    data : Dataset, str or Path, a sequence of them, or None
        Datasets to judge on; None for those that the run was trained on.
    screen_reference : Run, str, Path or None
        The training of the bundle's screen, where it has one.
    split : {"test", "validation"}
    limits : Limits or None
        None for the defaults.
    clip : str, Path or None
        A recording on which the hits of the whole pipelines are compared, too.

    Raises
    ------
    QuantiseError, BundleError, RunError, DatasetError
        Bundle, run or data cannot be used, or do not belong together.

    Examples
    --------
    >>> judged = check("bundle", "runs/own", data="datasets/test")  # doctest: +SKIP
    >>> judged.passed, judged.binding  # doctest: +SKIP
    (True, False)
    >>> check("bundle", "runs/absent")
    Traceback (most recent call last):
    trainer.errors.RunError: run runs/absent: run.json is missing; name a folder that `gammabox-trainer fit` wrote

    """
    run, small = _run(reference), None if screen_reference is None else _run(screen_reference)
    opened = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    load_tensorflow()
    settings = CheckSettings(limits=limits or Limits(), split=split)
    pairs = pair_networks(opened, run, small)
    return check_bundle(pairs, _datasets(run, data), settings, clip=None if clip is None else Path(clip))


def _run(value: Run | str | Path) -> Run:
    if isinstance(value, Run):
        return value
    if not isinstance(value, str | Path):
        raise InputError(f"the run: found {described(value)}, expected a Run or the path of its folder")
    return Run.open(value)


def _datasets(run: Run, data: Data | None) -> list[Dataset]:
    if data is None:
        return datasets_of(run, [])
    return opened_datasets(data)
