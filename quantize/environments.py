"""Builds other runtimes once and keeps them: tflite-runtime with NumPy 1, and aarch64 under emulation.

`python -m quantize.environments NAME` builds one and prints how it is called.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from quantize.errors import ForeignRuntimeError
from quantize.runtimes import ForeignRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TFLITE_RUNTIME = "tflite-runtime"
TFLITE_PACKAGES = ("tflite-runtime==2.14.0", "numpy<2")
TFLITE_PYTHONS = ("python3.11", "python3.10", "python3.9")  # it was never built for newer ones
QAT = "qat"
QAT_PACKAGES = ("tf-keras", "tensorflow-model-optimization", "dm-tree", "six")

DEBIAN_PACKAGES = ("libpython3.11-stdlib", "python3.11-minimal", "libstdc++6", "libgcc-s1", "libc6")
EMULATOR = ("qemu-aarch64-static", "qemu-aarch64")
CORES = 4
# From /proc/cpuinfo of the two boards: XNNPACK chooses its kernels by part and features.
PROCESSORS = {
    "cortex-a72": ("0xd08", "fp asimd evtstrm crc32 cpuid"),  # Raspberry Pi 4: no dot product
    "cortex-a76": (  # Raspberry Pi 5
        "0xd0b",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
}
AARCH64_PLATFORMS = (*tuple(f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)), "manylinux2014_aarch64")


def foreign_runtime(name: str) -> ForeignRuntime:
    """Return a runtime by its name; build it where it is missing.

    Raises
    ------
    ForeignRuntimeError
        There is no such runtime, or its tools are missing.

    """
    if name == TFLITE_RUNTIME:
        return ForeignRuntime(name, (str(virtual_environment(name, TFLITE_PACKAGES, TFLITE_PYTHONS)),))
    if name in PROCESSORS:
        return _emulated(name)
    known = ", ".join((TFLITE_RUNTIME, *PROCESSORS))
    raise ForeignRuntimeError(name, "there is no such runtime", f"choose one of {known}")


def cache_folder() -> Path:
    """Return the folder of the environments: GAMMABOX_CACHE, or one in the user's cache folder."""
    named = os.environ.get("GAMMABOX_CACHE")
    if named:
        return Path(named).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gammabox"


def virtual_environment(name: str, packages: Sequence[str], pythons: Sequence[str]) -> Path:
    """Return the Python of a virtual environment with these packages, made by the first of `pythons` that is installed.

    Raises
    ------
    ForeignRuntimeError
        There is no such Python, or a package cannot be installed.

    """
    folder = cache_folder() / name
    python = folder / "bin" / "python"

    def build() -> None:
        here = f"python{sys.version_info.major}.{sys.version_info.minor}"
        maker = sys.executable if here in pythons else next(filter(shutil.which, pythons), None)
        if maker is None:
            raise ForeignRuntimeError(name, f"none of {', '.join(pythons)} is here", "install one of them")
        _run(name, [maker, "-m", "venv", "--clear", str(folder)])
        _run(name, [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])

    _once(folder, " ".join(packages), build)
    return python


def qat_packages() -> Path:
    """Return a folder with tf_keras of the release of the TensorFlow here, and with the optimisation toolkit.

    It is for a process of its own and stands before other packages there: beside Keras 3 both do not work.

    Raises
    ------
    ForeignRuntimeError
        The packages cannot be installed.

    """
    folder = cache_folder() / QAT
    minor = ".".join(version("tensorflow").split(".")[:2])
    wanted = [f"{name}=={minor}.*" if name == "tf-keras" else name for name in QAT_PACKAGES]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _once(folder, " ".join(wanted), lambda: _run(QAT, [*pip, "--target", str(folder / "packages"), *wanted]))
    return folder / "packages"


def _emulated(name: str) -> ForeignRuntime:
    emulator = next((found for found in map(shutil.which, EMULATOR) if found), None)
    if emulator is None or shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        advice = "install Debian's qemu-user-static on a Debian or a system made from it"
        raise ForeignRuntimeError(name, "there is no emulator, or no apt to fetch a Python for it", advice)
    root = cache_folder() / "aarch64"
    _once(root, " ".join((*DEBIAN_PACKAGES, "ai-edge-litert", "numpy")), lambda: _unpack_root(root))
    board = cache_folder() / name
    _once(board, f"{root} {PROCESSORS[name]}", lambda: _board_view(board, root, *PROCESSORS[name]))
    settings = (("PYTHONHOME", str(root / "usr")), ("PYTHONPATH", str(root / "site")))
    command = (emulator, "-L", str(board), "-cpu", name, str(root / "usr" / "bin" / "python3.11"))
    return ForeignRuntime(name, command, settings)


def _unpack_root(root: Path) -> None:
    """Unpack Debian's aarch64 Python and LiteRT's wheels into a folder; this installs nothing and needs no rights."""
    apt = root / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
        "Dir::State": str(apt),
        "Dir::State::Lists": str(apt / "lists"),
        "Dir::State::status": str(apt / "status"),
        "Dir::Cache": str(apt / "cache"),
    }
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    _run("aarch64", ["apt-get", *words, "-qq", "update"], may_fail=True)  # other sources may lack this architecture
    _run("aarch64", ["apt-get", *words, "-qq", "-y", "--download-only", "install", *DEBIAN_PACKAGES])
    for archive in sorted((apt / "cache" / "archives").glob("*.deb")):
        _run("aarch64", ["dpkg-deb", "-x", str(archive), str(root)])
    wheels = root / "wheels"
    platforms = [word for platform in AARCH64_PLATFORMS for word in ("--platform", platform)]
    target = ["--only-binary=:all:", "--python-version", "3.11", "--no-deps", "--quiet", "--dest", str(wheels)]
    _run(
        "aarch64",
        [sys.executable, "-m", "pip", "download", *target, *platforms, "ai-edge-litert", "numpy"],
    )
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(root / "site")
    shutil.rmtree(apt)
    shutil.rmtree(wheels)


def _board_view(board: Path, root: Path, part: str, features: str) -> None:
    """Make a view of the root with the board's own /proc/cpuinfo and /sys.

    Otherwise the emulator shows the host's files, and LiteRT's processor detection crashes when it finds the cache
    hierarchy of x86 with an ARM processor.
    """
    for entry in root.iterdir():
        (board / entry.name).symlink_to(entry)
    cpus = board / "sys" / "devices" / "system" / "cpu"
    files = {"possible": f"0-{CORES - 1}", "present": f"0-{CORES - 1}", "online": f"0-{CORES - 1}"}
    files["kernel_max"] = str(CORES - 1)
    for core in range(CORES):
        for name, content in {
            "topology/core_id": str(core),
            "topology/physical_package_id": "0",
            "topology/core_siblings_list": f"0-{CORES - 1}",
            "topology/package_cpus_list": f"0-{CORES - 1}",
            "topology/cluster_cpus_list": f"0-{CORES - 1}",
            "topology/thread_siblings_list": str(core),
            "topology/core_cpus_list": str(core),
            "cpufreq/cpuinfo_max_freq": "1500000",
            "cpufreq/cpuinfo_min_freq": "600000",
            "cache/index2/level": "2",
            "cache/index2/size": "1024K",
            "cache/index2/shared_cpu_list": f"0-{CORES - 1}",
        }.items():
            files[f"cpu{core}/{name}"] = content
    for name, content in files.items():
        place = cpus / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content + "\n", encoding="ascii")
    (board / "proc").mkdir()
    core_text = (
        "processor\t: {core}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\n"
        "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part}\nCPU revision\t: 3\n\n"
    )
    text = "".join(core_text.format(core=core, features=features, part=part) for core in range(CORES))
    (board / "proc" / "cpuinfo").write_text(text, encoding="ascii")


def _once(folder: Path, recipe: str, build: Callable[[], None]) -> None:
    """Build a folder if it is missing, unfinished or of another recipe; a mark in it says that it is complete."""
    mark = folder / ".complete"
    if mark.exists() and mark.read_text(encoding="utf-8") == recipe:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build()
    mark.write_text(recipe, encoding="utf-8")


def _run(name: str, command: Sequence[str], *, may_fail: bool = False) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0 and not may_fail:
        # A package manager's message may name its server, which does not belong into ours.
        said = re.sub(r"\S+://\S+", "…", (ran.stderr.strip() or ran.stdout.strip() or "no message").splitlines()[-1])
        raise ForeignRuntimeError(
            name, f"{Path(command[0]).name} failed ({said:.200})", "see that it can reach packages"
        )


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        print(" ".join(foreign_runtime(asked).command))
