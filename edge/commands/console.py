"""The frame of every Gammabox command: exit codes, and errors as one line on stderr."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edge import __version__
from edge.errors import GammaboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_CHECK_FAILED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130


# The base of usage errors is private in typer and moves between versions. BadParameter is public.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def run(app: Callable[..., object]) -> None:
    """Run a command line. Wrong use, a GammaboxError or a full disk is one line on stderr and exit code 2."""
    try:
        try:
            code = app(standalone_mode=False)
            if isinstance(code, int) and code:
                raise SystemExit(code)
        finally:
            # At the exit of the interpreter a full disk would be a traceback.
            sys.stdout.flush()
    except GammaboxError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(EXIT_UNUSABLE) from error
    except _UsageError as error:
        sys.stderr.write(_wrong_use(error))
        raise SystemExit(EXIT_UNUSABLE) from None
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of the output has ended, as in `| head`.
        _silence_stdout()
        raise SystemExit(EXIT_CHECK_FAILED) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _silence_stdout()
        where = error.filename or "the output"
        sys.stderr.write(f"error: no space left on the disk for {where}; make room and run the command again\n")
        raise SystemExit(EXIT_UNUSABLE) from None


def _wrong_use(error: Exception) -> str:
    message = getattr(error, "format_message", error.__str__)()
    if not message:  # typer has already shown the help, as there was no argument
        return ""
    context = getattr(error, "ctx", None)
    if context is None:
        return f"error: {message}\n"
    return f"error: {message.rstrip('.')}; see {context.command_path} --help\n"


def _silence_stdout() -> None:
    """Keep the interpreter from reporting at its exit that the output cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def recorded_command(words: Sequence[str]) -> str:
    """Return a command line as datasets, runs and bundles record it: paths without their folders.

    Folders belong to one machine; with them, equal work would leave different bytes.

    Parameters
    ----------
    words : sequence of str
        Name of the program and its arguments.

    Examples
    --------
    >>> recorded_command(["gammabox-trainer", "fit", "runs/own", "--data=/home/ann/datasets/own", "--epochs", "3"])
    'gammabox-trainer fit own --data=own --epochs 3'

    """
    return shlex.join(_without_folders(word) for word in words)


def typed_command(program: str) -> str:
    """Return the command line that started this process as it is recorded: `program` and its arguments."""
    return recorded_command([program, *sys.argv[1:]])


def _without_folders(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{option}{equals}{Path(value).name or value}" if "/" in value else word


def show_version(asked: bool) -> None:
    """Print the version and stop, when --version was given."""
    if asked:
        print(__version__)
        raise typer.Exit
