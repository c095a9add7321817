"""Command `gammabox-trainer study minimum-detectable`: parses, calls, prints."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from trainer.commands.options import CameraOption, JsonOption, SeedOption, SetOption, count_progress

SOURCES = ("Tc-99m", "Tc-99m patient", "I-131", "Cs-137", "Co-60", "Am-241")
CORRECTIONS: dict[str, dict[str, object]] = {
    "off": {"defect_correction": False},
    "mild (0.1)": {"defect_correction": True, "defect_threshold": 0.1},
    "strong (0.05)": {"defect_correction": True, "defect_threshold": 0.05},
}


def register(study: typer.Typer) -> None:
    """Add the command to the group of studies."""
    study.command("minimum-detectable")(minimum_command)


def minimum_command(
    source: Annotated[
        list[str] | None,
        typer.Option(help="Nuclide, or 'NUCLIDE patient'; repeatable \\[default: the six usual ones]."),
    ] = None,
    exposure: Annotated[
        list[float] | None, typer.Option(help="Exposure of a frame, s; repeatable \\[default: 0.0333, 0.01].")
    ] = None,
    camera_name: CameraOption = "ov2710",
    set_: SetOption = None,
    ground: Annotated[int, typer.Option(min=0, max=255, help="Grey of the ground.")] = 64,
    recall: Annotated[float, typer.Option(min=0.01, max=1, help="Share of visible hits that are found.")] = 0.9,
    false_hits: Annotated[float, typer.Option(min=0, max=10, help="False hits a frame.")] = 1e-3,
    within: Annotated[float, typer.Option(min=1, max=86400, help="Seconds until the alarm.")] = 60.0,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Compute the minimum dose rate that raises the alarm with 90 % probability, by the trigger's own statistics.

    For one false alarm in 1000 hours, and defect correction off, mild and strong. The interval is that of what is
    unknown of the sensor, mostly the depth of silicon that collects charge.
    """
    from trainer.commands.camera_options import camera_of
    from trainer.studies.minimum_detectable import Setting, minimum_dose_rates

    camera = camera_of(camera_name, None, set_ or [], {})
    setting = Setting(ground_dn=ground, recall=recall, false_hits_a_frame=false_hits, seconds=within, seed=seed)
    sources = tuple(source or SOURCES)
    exposures_s = tuple(exposure or (min(camera.exposure_s, 1 / camera.fps), 0.01))
    with count_progress("sources", len(sources)) as progress:
        rows = minimum_dose_rates(camera, sources, exposures_s, CORRECTIONS, setting, progress=progress)
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print(
        "| source | defect correction | exposure, ms | hits/s per µSv/h | visible | background, 1/s | added, 1/s "
        "| minimum µSv/h | interval |\n" + "|---" * 9 + "|"
    )
    for row in rows:
        print(
            f"| {row.source} | {row.camera} | {row.exposure_ms:.3g} | {row.hits_per_usv_h:.4f} "
            f"| {row.visible_share:.2f} | {row.background_hz:.3f} | {row.rate_hz:.2f} | {row.dose_rate_usv_h:.0f} "
            f"| {row.low_usv_h:.0f} to {row.high_usv_h:.0f} |"
        )
