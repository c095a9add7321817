"""The exported inventory and role are taken by Ansible, and hold no key."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.config.yaml_file import read
from firmware_config.ansible import ansible_files
from firmware_config.output import write_folder
from firmware_config.site import Site

PLAYBOOK = shutil.which("ansible-playbook")


def test_inventory_names_every_box(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text(ansible_files(site)["inventory.yml"], encoding="utf-8")
    document, faults = read(path)
    assert not faults
    hosts = document.data["all"]["children"]["gammabox"]["hosts"]
    assert {name: host["gammabox_csi"] for name, host in hosts.items()} == {"gate-north": False, "gate-south": True}


def test_role_copies_what_was_exported(site: Site) -> None:
    written = ansible_files(site)
    tasks = written["roles/gammabox/tasks/main.yml"]
    for box in site.boxes:
        own = {name.rpartition("/")[2] for name in written if name.startswith(f"boxes/{box.device}/")}
        assert own == set(re.findall(r"boxes/\{\{ inventory_hostname \}\}/([\w.-]+)\"\n    dest", tasks)) - {"box.crt"}
    assert not [name for name, content in written.items() if "PRIVATE KEY" in content]
    assert tasks.count("no_log: true") == 2


@pytest.mark.skipif(PLAYBOOK is None, reason="ansible-playbook is not installed")
def test_playbook_is_accepted_by_ansible(site: Site, tmp_path: Path) -> None:
    write_folder(tmp_path / "out", ansible_files(site))
    command = [str(PLAYBOOK), "-i", "inventory.yml", "--syntax-check", "site.yml"]
    ran = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
