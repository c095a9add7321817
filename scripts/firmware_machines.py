"""The machines that `make check-firmware` emulates: a PC, and QEMU's own board with a Cortex-A72. Both boot by UEFI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine and the Debian for it.

    `name` is its processor, as releases name it, and `debian` as Debian does. `cpu` is the emulated one. `console` is
    its serial line. `loader` is the file of systemd-boot, which has to stand under the name `boots`. `code` and
    `variables` are QEMU's copies of the firmware and of its settings.
    """

    name: str
    debian: str
    qemu: str
    package: str
    board: str
    cpu: str
    console: str
    loader: str
    boots: str
    code: Path
    variables: Path

    @property
    def kernel(self) -> str:
        """The package of its kernel."""
        return f"linux-image-cloud-{self.debian}"

    def words(self, accelerator: str) -> list[str]:
        """Return the command that starts it, with nothing attached."""
        cpu = "host" if accelerator == "kvm" else self.cpu
        return [
            *(self.qemu, "-M", self.board, "-cpu", cpu, "-smp", "2", "-m", "1536"),
            *("-accel", accelerator, "-nodefaults", "-display", "none"),
        ]

    def firmware_words(self, variables: Path | None) -> list[str]:
        """Return the words that give it its firmware, and settings of the firmware that it may change."""
        words = ["-drive", f"if=pflash,format=raw,readonly=on,file={self.code}"]
        return words if variables is None else [*words, "-drive", f"if=pflash,format=raw,file={variables}"]


MACHINES = {
    "x86_64": Machine(
        name="x86_64",
        debian="amd64",
        qemu="qemu-system-x86_64",
        package="qemu-system-x86 ovmf",
        board="q35",
        cpu="max",
        console="ttyS0",
        loader="systemd-bootx64.efi",
        boots="BOOTX64.EFI",
        code=Path("/usr/share/OVMF/OVMF_CODE_4M.fd"),
        variables=Path("/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ),
    # The processor of the Raspberry Pi 4: Armv8.0, without the int8 dot products of later ones.
    "aarch64": Machine(
        name="aarch64",
        debian="arm64",
        qemu="qemu-system-aarch64",
        package="qemu-system-arm qemu-efi-aarch64 qemu-user-static arch-test",
        board="virt",
        cpu="cortex-a72",
        console="ttyAMA0",
        loader="systemd-bootaa64.efi",
        boots="BOOTAA64.EFI",
        code=Path("/usr/share/AAVMF/AAVMF_CODE.fd"),
        variables=Path("/usr/share/AAVMF/AAVMF_VARS.fd"),
    ),
}
