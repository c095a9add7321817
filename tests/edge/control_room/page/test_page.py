"""The files of the browser page and their writer; its rules run under node, where there is one."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.control_room.page.writer import STATIC, page_files, parse_address, write_page
from edge.errors import BrokerError, OutputError
from edge.telemetry.topics import TopicError

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
OWN = sorted(STATIC.glob("*.js"))
VENDORED = {"mqtt.esm.js": 345_000, "uPlot.iife.min.js": 52_000, "uPlot.min.css": 2_000, "preact.mjs": 13_000}
LICENCES = {f"{name}.LICENSE.txt" for name in ("mqtt", "uPlot", "preact")}
BROKER = "wss://broker.example:8084"


def node():
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed (apt-get install nodejs)")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip("v").split(".")[0]) < 20:
        pytest.skip(f"node {version.strip()} is too old for the page's tests; they need node 20")
    return found


@pytest.mark.parametrize("name", ["cases", "units", "attention", "fuzz"])
def test_rules_hold_under_node(name):
    environment = {**os.environ, "FUZZ_MESSAGES": "3000"}
    ran = subprocess.run(
        [node(), "--test", HERE / f"{name}.test.mjs"], capture_output=True, text=True, check=False, env=environment
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE)


def test_vendored_files_are_small_and_licensed():
    folder = STATIC / "vendor"
    names = {file.name for file in folder.iterdir()}
    assert names == {*VENDORED, *LICENCES, "README.txt"}
    assert all((folder / name).stat().st_size <= limit for name, limit in VENDORED.items())
    table = (folder / "README.txt").read_text(encoding="utf-8")
    assert all(re.search(rf"^{re.escape(name)} +\S+ +\d+\.\d+\.\d+ +MIT", table, re.MULTILINE) for name in VENDORED)


def test_own_modules_keep_to_the_house_limits():
    assert len(OWN) > 15
    for file in [*OWN, *(ROOT / "scripts").rglob("*.mjs"), *HERE.glob("*.mjs")]:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 350, file
        assert all(len(line) <= 120 for line in lines), file
        assert lines[0].startswith("// "), file


def test_text_of_messages_never_becomes_markup():
    for file in OWN:
        text = file.read_text(encoding="utf-8")
        wrong = re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|https?://", text)
        assert wrong is None, f"{file.name}: {wrong}"


def test_page_loads_nothing_from_elsewhere():
    index = page_files(parse_address(BROKER), "docks")["index.html"].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', index)[1]
    assert html.unescape(policy).split("; ")[:2] == ["default-src 'none'", "script-src 'self'"]
    assert f"connect-src {BROKER};" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert not re.search(r"(src|href)=\"(https?:)?//|<script>|style=| on\w+=", index)
    referred = re.findall(r'(?:src|href)="([^"]+)"', index)
    assert referred
    assert all((STATIC / name).is_file() for name in referred)


def test_package_holds_every_file():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    patterns = re.search(r"^\[tool\.setuptools\.package-data\]\nedge = \[([^]]*)\]", project, re.MULTILINE)[1]
    packed = {path for pattern in re.findall(r'"([^"]+)"', patterns) for path in (ROOT / "edge").glob(pattern)}
    assert {file for file in STATIC.rglob("*") if file.is_file()} <= packed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("wss://broker.example", "wss://broker.example/mqtt"),
        ("ws://127.0.0.1:9001/", "ws://127.0.0.1:9001/mqtt"),
        ("wss://[fd00::2]:8084/ws", "wss://[fd00::2]:8084/ws"),
    ],
)
def test_address_is_understood(text, address):
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "broker",
        "mqtt://h:1883",
        "https://h",
        "wss://",
        "wss://h:99999",
        "wss://h?x",
        "wss://h;script-src *",
        "ws://h/<b>",
    ],
)
def test_address_that_is_none_is_refused(text):
    with pytest.raises(BrokerError, match=r"websockets|path"):
        parse_address(text)


def test_address_with_a_login_is_refused_without_it():
    with pytest.raises(BrokerError, match="leave the login out") as refused:
        parse_address("wss://control-room:s3cret@h:8084")
    assert "s3cret" not in str(refused.value)


def test_page_is_written_and_replaced(tmp_path):
    folder = tmp_path / "new" / "page"
    files = write_page(folder, parse_address(BROKER), "docks")
    assert {file for file in folder.rglob("*") if file.is_file()} == set(files)
    write_page(folder, parse_address("ws://other:9001"))
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert '"gammabox-broker" content="ws://other:9001/mqtt"' in index
    assert '"gammabox-site" content=""' in index


def test_page_leaves_files_of_others_alone(tmp_path):
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="did not write"):
        write_page(tmp_path, parse_address(BROKER))
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]
    write_page(tmp_path, parse_address(BROKER), force=True)
    assert (tmp_path / "app.js").is_file()


def test_page_refuses_a_place_that_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="no folder"):
        write_page(tmp_path / "file", parse_address(BROKER))
    with pytest.raises(TopicError):
        write_page(tmp_path / "page", parse_address(BROKER), "No Id")
    assert not (tmp_path / "page").exists()


def command(*words):
    program = "from edge.commands.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)


def test_command_says_how_to_serve_the_page(tmp_path):
    ran = command("page", str(tmp_path / "out"), "--broker", BROKER, "--site", "docks")
    assert ran.returncode == 0
    assert f"http.server --directory {tmp_path / 'out'}" in ran.stdout
    assert "listener 8084\n        protocol websockets\n        certfile" in ran.stdout
    again = command("page", str(tmp_path / "out"), "--broker", BROKER, "--json")
    assert json.loads(again.stdout)["broker"] == f"{BROKER}/mqtt"


def test_command_refuses_in_one_line(tmp_path):
    ran = command("page", str(tmp_path), "--broker", "mqtt://h:1883")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
