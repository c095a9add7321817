"""Helpers that several rooms' tests need."""

import fcntl
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from edge.bundle import save_bundle
from edge.detect.decision import Decision
from edge.detect.manifest import CandidateRules, InputContract, Manifest, OutputContract, Quantisation, ScreenContract

_MAKER = Path(__file__).parent / "tools" / "tiny_models.py"

# Tests share their processors: how long an example takes says nothing.
hypothesis_settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("suite")

# FFmpeg keeps the level of its first use in a process, and tests open recordings in any order.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# A shell starts what runs in its background without Ctrl-C, and commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config):
    """Run files that are named on the command line in this process: there are few tests, and they may print."""
    if all(Path(argument.partition("::")[0]).is_file() for argument in config.args):
        return 0
    # Tests of agents, brokers and boxes wait for a good part of their time: others use the processors meanwhile.
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory):
    """Keep the tests away from the user's cache; all workers of a run share one."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        if "GAMMABOX_CACHE" not in os.environ:
            # Environments that are worth keeping from run to run, where make keeps them.
            patch.setenv("GAMMABOX_CACHE", str(Path(__file__).parent.parent / ".cache"))
        yield


@pytest.fixture(scope="session")
def tiny_models(request):
    """Folder of tiny real TFLite models; made once, by TensorFlow in a process of its own, then kept by pytest."""
    folder = request.config.cache.mkdir("tiny-" + hashlib.sha256(_MAKER.read_bytes()).hexdigest()[:12])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # all workers want them at once
        if not (folder / "quantisation.json").exists():  # written last
            if importlib.util.find_spec("tensorflow") is None:
                pytest.skip("the tiny models are made by TensorFlow")
            made = subprocess.run([sys.executable, _MAKER, folder], capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def tiny_manifest(tiny_models):
    """Make the manifest of one of the tiny models by its name; the planes are previous, current and next grey."""
    known = json.loads((tiny_models / "quantisation.json").read_text(encoding="utf-8"))

    def make(name="int8_64", screen=None):
        def contract(network):
            dtype, size = ("int8" if known[network][0] else "float32"), int(network.rpartition("_")[2])
            given, gives = (Quantisation(**each) if each else None for each in known[network])
            expects = InputContract(crop_size=size, planes="temporal", dtype=dtype, quantisation=given)
            return expects, OutputContract(dtype=dtype, quantisation=gives)

        expects, gives = contract(name)
        second = None
        if screen is not None:
            small, small_gives = contract(screen)
            second = ScreenContract(sha256="0" * 64, size_bytes=1, input=small, output=small_gives, threshold=0.5)
        return Manifest(
            name=name,
            network="tiny",
            created_utc="2026-01-01T00:00:00Z",
            sha256="0" * 64,
            size_bytes=1,
            input=expects,
            output=gives,
            candidates=CandidateRules(),
            decision=Decision(threshold=0.5, temperature=4.0),
            screen=second,
        )

    return make


@pytest.fixture(scope="session")
def tiny_bundle(tiny_models, tiny_manifest, tmp_path_factory):
    """Path of a bundle whose int8 network takes any spike over 20 grey levels in its 64×64 crop for radiation."""
    path = tmp_path_factory.mktemp("tiny_bundle")
    save_bundle(path, tiny_manifest("int8_64"), (tiny_models / "int8_64.tflite").read_bytes())
    return path


def _load_tool(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


brokers = _load_tool("brokers")


@pytest.fixture(scope="session")
def free_port():
    """Return the function that reserves a port of this machine for a server of the test."""
    return brokers.free_port


@pytest.fixture(params=brokers.KINDS)
def new_broker(request, tmp_path):
    """Make real brokers that the test starts and stops itself: new_broker(), or new_broker(login=(user, password))."""
    if not brokers.installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    made = []

    def make(login=None, mosquitto_lines=()):
        made.append(brokers.RealBroker(request.param, tmp_path, login, mosquitto_lines))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture(scope="session", params=brokers.KINDS)
def broker(request, tmp_path_factory):
    """Return a running broker; .port speaks MQTT 5, .port_v3 3.1.1. Use topics of your own."""
    if not brokers.installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    with brokers.RealBroker(request.param, tmp_path_factory.mktemp("broker")) as running:
        yield running


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def refused(self, *words):
        """Whether it was exit code 2, nothing on stdout and one line on stderr that holds these words."""
        one_line = self.err.startswith("error: ") and self.err.count("\n") == 1
        return (self.code, self.out) == (2, "") and one_line and all(word in self.err for word in words)


@pytest.fixture
def command(monkeypatch, capfd):
    """Run the function behind a console script with these words, in this process."""

    def run(entry, *words):
        monkeypatch.setattr(sys, "argv", ["gammabox", *map(str, words)])
        code = 0
        try:
            entry()
        except SystemExit as ended:
            code = ended.code
        return Ended(code, *capfd.readouterr())

    return run
