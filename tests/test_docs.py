"""The manuals keep to their length, their links and commands exist, and all their code blocks are listed."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from code_blocks import BLOCKS, FENCE, blocks_of

import edge.commands.cli
import firmware_config.commands
import quantize.commands
import trainer.commands.cli
from edge.telemetry import messages
from quantize.limits import Limits

ROOT = Path(__file__).parent.parent
GENERATED = {"docs/settings.md"}
ROOT_PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
MANUALS = ROOT_PAGES + sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))
NOTEBOOK = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "notebook").glob("*.md"))
COMMANDS = {
    "gammabox-edge": typer.main.get_command(edge.commands.cli.app),
    "gammabox-trainer": typer.main.get_command(trainer.commands.cli.app),
    "gammabox-quantize": typer.main.get_command(quantize.commands.app),
    "gammabox-firmware": typer.main.get_command(firmware_config.commands.app),
}
# Options of programs that are not ours: composite.py, venv, gammabox-firmware's users.
FOREIGN_OPTIONS = {
    "--print-width",
    "--rate",
    "--still",
    "--size",
    "--start",
    "--frames",
    "--seed",
    "--system-site-packages",
}
MAX_LINES_README = 130
MAX_WORDS = 1500
MAX_COLUMNS = 120
COMMAND = re.compile(r"^(sudo )?(\w+=\S+ )?([./\w-]*/)?(gammabox-\w+|make|pip|python3|mosquitto_\w+|sh) ", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MODULE_PATH = re.compile(r"^(?:edge|trainer|quantize|firmware_config|tests|scripts|docs)/[\w/.-]+$")
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:work|root|mnt|Users|tmp|home/\w+)/")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """The page without its fenced blocks, line ends as blanks."""
    return " ".join(FENCE.sub("", text_of(page)).split())


def spans(page: str) -> list[str]:
    return re.findall(r"`([^`]+)`", prose(page))


def anchors(page: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    plain = [LINK.sub(lambda link: link[0][1:].split("]")[0], heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def commands_in(page: str) -> Iterator[str]:
    """Each command of ours that the page writes out, in blocks and between backticks."""
    lines = [line for _, block in blocks_of(page) for line in block.replace("\\\n", " ").splitlines()]
    for code in lines + spans(page):
        yield from re.findall(r"(?<![\w/-])(?:\.venv/bin/)?(gammabox-(?:edge|trainer|quantize|firmware) [^#|;]*)", code)


def named(page: str) -> tuple[str, object, list[str]]:
    """What each command of the page names: the words as written, the command, and the options."""
    for code in commands_in(page):
        words = [word for word in shlex.split(code.replace("…", "")) if word != "\\"]
        command, words = COMMANDS[words[0]], words[1:]
        while words and hasattr(command, "commands") and not words[0].startswith("-"):
            assert words[0] in command.commands or words[0].isupper(), f"{page}: no command {code!r}"
            if words[0].isupper():
                break
            command, words = command.commands[words[0]], words[1:]
        yield code, command, [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]


def options_of(command) -> set[str]:
    own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return own.union(*(options_of(each) for each in getattr(command, "commands", {}).values())) | {"--help"}


def test_readme_is_at_most_130_lines() -> None:
    assert len(text_of("README.md").splitlines()) <= MAX_LINES_README


@pytest.mark.parametrize("page", [page for page in MANUALS if page not in GENERATED])
def test_manual_keeps_to_its_length(page: str) -> None:
    words = len(text_of(page).split())
    assert words <= MAX_WORDS, f"{words} words"


@pytest.mark.parametrize("page", [page for page in MANUALS + NOTEBOOK if page not in GENERATED])
def test_page_keeps_to_120_columns(page: str) -> None:
    assert not [line for line in text_of(page).splitlines() if len(line) > MAX_COLUMNS]


@pytest.mark.parametrize("page", MANUALS + NOTEBOOK)
def test_links_lead_somewhere(page: str) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        linked = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert linked.exists(), f"no file for {target}"
        assert linked.is_relative_to(ROOT), f"{target} leaves the repository"
        if anchor:
            assert anchor in anchors(str(linked.relative_to(ROOT))), f"no heading for {target}"


def test_readme_and_notebook_index_link_every_page() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall(text_of("README.md"))}
    assert set(MANUALS) - {"README.md"} <= linked
    indexed = {f"docs/notebook/{target}" for target in LINK.findall(text_of("docs/notebook/README.md"))}
    assert set(NOTEBOOK) - {"docs/notebook/README.md"} <= indexed


@pytest.mark.parametrize("page", MANUALS)
def test_commands_and_their_options_exist(page: str) -> None:
    for code, command, options in named(page):
        assert set(options) <= options_of(command), f"{code!r}: no option {set(options) - options_of(command)}"


@pytest.mark.parametrize("page", [page for page in MANUALS if page not in GENERATED])
def test_single_options_exist(page: str) -> None:
    known = FOREIGN_OPTIONS.union(*(options_of(command) for command in COMMANDS.values()))
    assert {span.split()[0].split("=")[0] for span in spans(page) if re.match(r"--?[a-z]", span)} <= known


@pytest.mark.parametrize("page", MANUALS)
def test_make_targets_exist(page: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), re.MULTILINE))
    lines = [line for _, block in blocks_of(page) for line in block.splitlines()]
    assert {match[1] for code in spans(page) + lines if (match := re.match(r"make ([a-z][\w-]*)", code))} <= targets


@pytest.mark.parametrize("page", MANUALS)
def test_named_files_exist(page: str) -> None:
    for span in spans(page):
        if MODULE_PATH.match(span):
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("page", MANUALS)
def test_named_modules_can_be_imported(page: str) -> None:
    faces = {f"{package.__name__}.{name}" for package in (edge, trainer, quantize) for name in package.__all__}
    for span in set(spans(page)) - faces:
        if re.fullmatch(r"(?:edge|trainer|quantize|firmware_config)(?:\.\w+)+(?:\(\))?", span):
            parts = span.removesuffix("()").split(".")
            module = next(ROOT.joinpath(*parts[:n]) for n in range(len(parts), 0, -1) if is_module(parts[:n]))
            rest = parts[len(module.relative_to(ROOT).parts) :]
            source = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
            assert len(rest) <= 1, span
            assert not rest or re.search(
                rf"^(?:class|def) {rest[0]}\b|^{rest[0]}\b", source.read_text(), re.MULTILINE
            ), span


def is_module(parts: list[str]) -> bool:
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("page", MANUALS + NOTEBOOK)
def test_no_path_of_a_machine(page: str) -> None:
    assert not MACHINE_PATH.search(text_of(page))


def test_pages_that_the_source_names_exist() -> None:
    files = [*ROOT.glob("Makefile"), *ROOT.glob("pyproject.toml")]
    for package in ("edge", "trainer", "quantize", "firmware_config", "scripts", "tests"):
        files += [
            path for path in (ROOT / package).rglob("*") if path.suffix in {".py", ".j2", ".json", ".yaml", ".html"}
        ]
    named_pages = {page for path in files for page in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text("utf-8"))}
    assert named_pages
    assert not [page for page in named_pages if not (ROOT / page).exists()]


def test_messages_of_the_manual_are_valid() -> None:
    kinds = {"alarm": messages.AlarmMessage, "faults": messages.Health, "hits": messages.HitMessage}
    examples = [json.loads(block) for language, block in blocks_of("docs/messages.md") if language == "json"]
    assert len(examples) == len(kinds)
    for example in examples:
        kind = next(key for key in kinds if key in example)
        kinds[kind].model_validate_json(json.dumps(example))


def test_limits_of_the_manual_are_those_of_the_check() -> None:
    rows = re.findall(
        r"^\| ((?:`m(?:in|ax)_\w+`(?:, )?)+) \| ([^|]*) \|", text_of("docs/quantisation.md"), re.MULTILINE
    )
    stated = {}
    for names, values in rows:
        stated |= dict(zip(re.findall(r"\w+", names), map(float, values.split(", ")), strict=True))
    assert stated == Limits().model_dump()


@pytest.mark.parametrize("page", MANUALS)
def test_code_blocks_are_listed(page: str) -> None:
    """Each stands in tests/tools/code_blocks.py, with how the tests run it or why they do not."""
    listed = {number for listed_page, number in BLOCKS if listed_page == page}
    code = {number for number, (language, text) in enumerate(blocks_of(page)) if language or COMMAND.search(text)}
    assert listed == code, "list the blocks of this page in tests/tools/code_blocks.py"
