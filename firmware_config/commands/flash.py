"""The command gammabox-firmware flash: shows the card, asks, writes an image onto it, and reads it back."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from edge.commands import console
from firmware_config.commands.options import AsJson
from firmware_config.errors import FlashError
from firmware_config.flash.card import DiskCard
from firmware_config.flash.disks import Device, all_disks, described, disk_at, reasons_against, sized
from firmware_config.flash.source import checked_image
from firmware_config.flash.writer import MismatchError, Phase
from firmware_config.flash.writer import flash as write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_EVERY_S = 10.0


def flash(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image: .img or .img.xz.", show_default=False)],
    device: Annotated[
        Path | None, typer.Argument(metavar="[DEVICE]", help="The card, such as /dev/sda; without: list the cards.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. All that is on the card is lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write an image onto a card and read it back; exit 0 if all is there, 1 if the card holds something else.

    Shows model, serial number and size of the card and asks before it writes. The table of partitions comes last, so a
    card that was interrupted does not boot.
    """
    source = checked_image(image)
    if device is None:
        raise FlashError(f"name the card to write {image} to.{_choice(source.size_bytes)}")
    disk = disk_at(device)
    if against := reasons_against(disk, source.size_bytes):
        raise FlashError(f"{disk.path} is not written: " + ". Also: ".join(against))
    _show(image, source.size_bytes, disk)
    if not yes:
        _ask(disk)
    try:
        with DiskCard(disk, lambda: disk_at(device), source.size_bytes) as card, _progress(source.size_bytes) as report:
            done = write(source, card, report)
    except MismatchError as error:
        sys.stderr.write(f"error: {disk.path}: {error}\n")
        raise typer.Exit(console.EXIT_CHECK_FAILED) from None
    except KeyboardInterrupt:
        sys.stderr.write(f"{disk.path} is not whole and does not boot; write it again\n")
        raise
    if as_json:
        seconds = {"written_s": round(done.written_s, 1), "read_s": round(done.read_s, 1)}
        print(json.dumps({"device": disk.path, "bytes": done.size_bytes, "sha256": done.sha256, **seconds}, indent=2))
        return
    took = f"written in {done.written_s:.0f} s and read back in {done.read_s:.0f} s"
    print(f"{disk.path}: {sized(done.size_bytes)} {took}, all equal; take it out. SHA-256 {done.sha256}")


def _choice(size_bytes: int) -> str:
    """Return a sentence about the disks that can be written."""
    fitting = [disk for disk in all_disks() if disk.kind == "disk" and not reasons_against(disk, size_bytes)]
    if not fitting:
        return " None here can be written: put one in, and unmount it"
    return " Here: " + "; ".join(described(disk) for disk in fitting)


def _show(image: Path, size_bytes: int, disk: Device) -> None:
    sys.stderr.write(f"image  {image}: {sized(size_bytes)}\ncard   {described(disk)}\n")
    for part in disk.parts:
        what = " ".join(word for word in (part.filesystem or "no file system", part.label) if word)
        sys.stderr.write(f"       {part.path}: {what}, {sized(part.size_bytes)}\n")


def _ask(disk: Device) -> None:
    if not sys.stdin.isatty():
        raise FlashError(f"{disk.path} is not written without an answer; add --yes where nobody can be asked")
    if not typer.confirm(f"All that is on {disk.path} will be lost. Write it?", default=False, err=True):
        raise FlashError(f"{disk.path} was not written")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Phase, int, int], None]]:
    """Show a bar with the time left on a terminal, a line every ten seconds elsewhere."""
    terminal = Console(file=sys.stderr)
    if not terminal.is_terminal:
        yield _Lines().report
        return
    columns = (TextColumn("{task.description:12}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), TextColumn("left"), console=terminal) as progress:
        tasks = {}

        def report(phase: Phase, done: int, whole: int) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase, total=whole)
            progress.update(tasks[phase], completed=done, total=whole)

        report("writing", 0, total)
        yield report


class _Lines:
    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._began_s = self._told_s = 0.0

    def report(self, phase: Phase, done: int, total: int) -> None:
        now_s = time.monotonic()
        if phase != self._phase:
            self._phase, self._began_s, self._told_s = phase, now_s, now_s
        if now_s - self._told_s >= LINE_EVERY_S and done:
            self._told_s = now_s
            left_s = (total - done) * (now_s - self._began_s) / done
            sys.stderr.write(f"{phase}: {done / total:.0%} of {sized(total)}, {left_s:.0f} s left\n")
            sys.stderr.flush()
