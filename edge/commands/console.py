"""The frame of every Gammabox command: exit codes, and errors as one line on stderr."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import shlex
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from edge import __version__
from edge.commands.panels import group_commands, group_options
from edge.errors import GammaboxError, SettingsError
from edge.files import MAX_DIGITS
from edge.redaction import without_login, without_logins_of
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_CHECK_FAILED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130
MAX_ERROR = 4000
"""Longest line of an error, in characters."""
TRACEBACK_VARIABLE = "GAMMABOX_TRACEBACK"
"""Variable of the environment that lets a fault of the program itself end in a traceback."""
NATIVE_VARIABLE = "GAMMABOX_NATIVE_STDERR"
"""Variable of the environment that leaves what libraries write to stderr as it is."""


# The base of usage errors is private in typer and moves between versions. BadParameter is public.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def run(app: Callable[..., object]) -> None:
    """Run a command line. Whatever goes wrong is a line on stderr and exit code 2, never a traceback."""
    _prepare_output()
    command = strict_command(app) if isinstance(app, typer.Typer) else app
    try:
        try:
            code = command(standalone_mode=False)
            if isinstance(code, int) and code:
                raise SystemExit(code)
        finally:
            # At the exit of the interpreter a full disk would be a traceback.
            sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of the output has ended, as in `| head`.
        _silence_stdout()
        raise SystemExit(EXIT_CHECK_FAILED) from None
    except _UsageError as error:
        sys.stderr.write(_wrong_use(error))
        raise SystemExit(EXIT_UNUSABLE) from None
    except Exception as error:
        if TRACEBACK_VARIABLE in os.environ:
            raise
        _fail(*_lines_of(error))


def _shown(line: str) -> str:
    return without_logins_of(sys.argv[1:], line)


def _lines_of(error: BaseException) -> list[str]:
    """Return what went wrong, and what to do, as lines without logins or names of Python."""
    if isinstance(error, SettingsError):
        return error.faults
    if isinstance(error, GammaboxError):
        return [str(error)]
    if isinstance(error, OSError):
        return [_of_system(error)]
    if isinstance(error, MemoryError):
        return ["not enough memory; close other programs, or give a smaller input"]
    return [_of_fault(error)]


def _fail(*lines: str) -> NoReturn:
    """Write the lines to stderr, the first as an error, and end with exit code 2."""
    text = "\n".join(one_line(_shown(line), MAX_ERROR) for line in lines)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: {text}\n")
    raise SystemExit(EXIT_UNUSABLE) from None


def _of_system(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        _silence_stdout()
        return f"no space left on the disk for {error.filename or 'the output'}; make room and run the command again"
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{where}{(error.strerror or 'the system refuses it').lower()}; check name, place and rights"


def _of_fault(error: BaseException) -> str:
    """Return what a fault of the program itself is reported as."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    what = f"{type(error).__name__} in {place}"
    return f"a fault in Gammabox itself ({what}); please report it, with the lines that {TRACEBACK_VARIABLE}=1 shows"


def strict_command(app: typer.Typer) -> Callable[..., object]:
    """Return the command line of an app: options under headings, and none that takes nan, inf or 1e999."""
    command = typer.main.get_command(app)
    waiting: list[Any] = [command]
    while waiting:
        group = waiting.pop()
        group_options(group)
        if hasattr(group, "commands"):
            group_commands(group)
            waiting += group.commands.values()
        if group.callback is not None:
            group.callback = _with_finite_numbers(group.callback)
    return command


def _with_finite_numbers(callback: Callable[..., object]) -> Callable[..., object]:
    def checked(*arguments: object, **values: object) -> object:
        for name, value in values.items():
            for number in value if isinstance(value, list | tuple) else (value,):
                no_number = isinstance(number, float) and not math.isfinite(number)
                too_large = isinstance(number, int) and abs(number) >= 10**MAX_DIGITS
                if no_number or too_large:
                    option = name.rstrip("_").replace("_", "-")
                    problem = "is no finite number" if no_number else "has too many digits"
                    raise typer.BadParameter(f"{number} {problem}", param_hint=f"--{option}")
        return callback(*arguments, **values)

    return checked


def _prepare_output() -> None:
    """Make output that cannot fail on a sign, and keep what libraries print on their own off stderr.

    libjpeg, FFmpeg, TensorFlow and the runtimes of models write to the descriptor 2 from C. In the process of a command
    that descriptor goes nowhere, and Python writes to a copy of it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold bytes that are no UTF-8.
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = sys.__stderr__
    if stderr is None or sys.stderr is not stderr or stderr.fileno() != 2 or NATIVE_VARIABLE in os.environ:
        return
    kept = os.fdopen(os.dup(2), "w", encoding=stderr.encoding, errors="backslashreplace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = kept


def _wrong_use(error: Exception) -> str:
    message = one_line(_shown(getattr(error, "format_message", error.__str__)()), MAX_ERROR)
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
    shown = without_login(value)
    kept = Path(shown).name or shown if "/" in shown and "://" not in shown else shown
    return one_line(f"{option}{equals}{kept}")


def show_version(asked: bool) -> None:
    """Print the version and stop, when --version was given."""
    if asked:
        print(__version__)
        raise typer.Exit
