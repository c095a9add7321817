"""The command `gammabox-edge schemas`: writes the contract with subscribers as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import replace_file
from edge.telemetry.contract import ASYNCAPI, VERSION, files
from edge.text import counted

if TYPE_CHECKING:
    from pathlib import Path


def run(out: Path | None) -> None:
    """Write all files of the contract into a folder, or print the AsyncAPI document.

    Raises
    ------
    OutputError
        The folder cannot be written.

    """
    contract = files()
    if out is None:
        print(contract[ASYNCAPI], end="")
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in contract.items():
            replace_file(out / name, text)
    except OSError as error:
        raise OutputError(out, f"cannot be written ({error.strerror})", "choose another folder") from error
    print(f"{out}: {counted(len(contract), 'file')} of the contract {VERSION}; begin with {ASYNCAPI}")
