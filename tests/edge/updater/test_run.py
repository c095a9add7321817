"""An offer is taken up over HTTPS: what is not for this box is refused, and the running slot is untouched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import release_rig as rig
from slot_box import make_box, tree_of, write_slot

from edge.errors import ReleaseError
from edge.installer.layout import active_slot
from edge.installer.manifest import Keys
from edge.installer.trust import Trust, load_trust, save_trust
from edge.updater import run as run_module
from edge.updater.disk import Disk
from edge.updater.download import Server, context_of
from edge.updater.errors import UpdaterError
from edge.updater.report import read_report
from edge.updater.run import Updater, locked
from edge.updater.state import load_state
from firmware_config.tool import tool_bytes

INSTALLED = 6


@pytest.fixture
def layout(tmp_path, credentials):
    """Make a box like this machine, on which release 6 runs, whose files are here."""
    box = make_box(tmp_path / "box")
    save_trust(box.home / "trust.json", rig.TRUST)
    box.authority.parent.mkdir(parents=True)
    shutil.copy(credentials / "ca.crt", box.authority)
    shutil.copy("/etc/os-release", box.root / "etc/os-release")
    manifest = rig.installable(tmp_path / "release-6", number=INSTALLED, name="0.1.0-6")
    shutil.copy(tmp_path / "release-6/release.json", box.slot("a") / "release.json")
    for file in manifest.files:
        shutil.copy(tmp_path / "release-6/blobs" / file.sha256, box.blobs / file.sha256)
    return box


class Box:
    """A box, its updater, and a server of releases for it."""

    def __init__(self, folder, layout, agent, web):
        self.folder, self.layout, self.agent, self.web = folder, layout, agent, web
        self.updater = Updater(layout, Disk(), agent.around(), server_of(layout))
        self.behaviour = "works"

    def release(self, *keys, **changes):
        """Publish release 7 and return its address."""
        rig.installable(self.folder / "release-7", *keys, **changes)
        return publish(self.web, self.folder / "release-7")

    def offer(self, *urls, offer="o-1", again=False):
        self.layout.offer.parent.mkdir(parents=True, exist_ok=True)
        content = {"schema_version": 1, "offer": offer, "release": "0.1.0-7", "urls": urls, "again": again}
        self.layout.offer.write_text(json.dumps(content), encoding="utf-8")

    def fill(self, release, blobs, slot, **_):
        """Fill a slot as `behaviour` says. How slots really are made is tested elsewhere."""
        for file in release.manifest.files:
            assert (blobs / file.sha256).is_file()
        write_slot(slot, self.behaviour, release.manifest.name)
        (slot / "release.json").write_bytes(release.envelope)


def server_of(layout):
    return Server(context_of(layout.authority), timeout_s=5.0, pauses_s=(0.0,))


@pytest.fixture
def box(tmp_path, layout, agent, web, monkeypatch):
    made = Box(tmp_path, layout, agent, web)
    monkeypatch.setattr(run_module, "install_slot", made.fill)
    return made


def publish(web, folder, name="7.json"):
    shutil.copy(folder / "release.json", web.folder / name)
    for blob in (folder / "blobs").iterdir():
        shutil.copy(blob, web.folder / "blobs" / blob.name)
    return f"{web.url}{name}"


def test_run_takes_an_offer_up(box):
    more = {"new-1.0-py3-none-any.whl": ("wheel", b"new wheel")}
    box.offer(box.release(contents=more.items()))
    box.updater.run()
    report, state = read_report(box.layout.own), load_state(box.layout.own)
    assert (report.step, report.release, report.offer) == ("committed", "0.1.0-7", "o-1")
    assert (active_slot(box.layout.home), state.active, state.done) == ("b", "b", "o-1")
    # Of the files only the new one was fetched; the others lay here.
    blobs = [path for path, _ in box.web.requests if path.startswith("/blobs/")]
    assert len(blobs) == 1
    box.web.requests.clear()
    box.updater.run()
    assert box.web.requests == []


def test_run_goes_on_with_a_download(box):
    content = os.urandom(3_000_000)
    box.offer(box.release(contents={"big-1.0-py3-none-any.whl": ("wheel", content)}.items()))
    box.web.cut_after = 500_000
    box.updater.run()
    report = read_report(box.layout.own)
    assert (report.step, active_slot(box.layout.home)) == ("waiting", "a")
    assert "the connection ended" in report.reason
    box.web.cut_after = None
    box.web.requests.clear()
    box.updater.run()
    assert read_report(box.layout.own).step == "committed"
    (fetched,) = [first for path, first in box.web.requests if path.startswith("/blobs/")]
    assert fetched == 1_000_000


def revoking(trust):
    return Trust(trust.current, trust.next, (rig.CURRENT.public,), trust.minimum)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"keys": (rig.STRANGER,)}, "signed by a key that this box does not know"),
        ({"number": 5, "name": "0.1.0-5"}, "is older: its number 5 is below 6"),
        ({"number": 2, "minimum": 0, "name": "0.1.0-2"}, "is too old: its number 2 is below 3"),
        ({"board": "jetson"}, "is for a Jetson, and this box is"),
        ({"python": "3.9"}, "is for Python 3.9"),
        ({"installed_bytes": 1 << 50}, "make room"),
    ],
    ids=["unsigned", "older", "below the minimum", "wrong board", "wrong Python", "full disk"],
)
def test_run_refuses_what_is_not_for_this_box(box, given, reason):
    trust = load_trust(box.layout.home / "trust.json")
    save_trust(box.layout.home / "trust.json", Trust(trust.current, trust.next, (), 3))
    target = rig.this_target()
    if "board" in given:
        given = {"target": rig.replace(target, boards=(given["board"],))}
    if "python" in given:
        given = {"target": rig.replace(target, python=given["python"])}
    changes = {key: value for key, value in given.items() if key != "keys"}
    box.offer(box.release(*given.get("keys", ()), **changes))
    before = tree_of(box.layout.home)
    box.updater.run()
    report = read_report(box.layout.own)
    assert report.step == "refused"
    assert reason in report.reason
    assert tree_of(box.layout.home) == before
    assert box.agent.running == ["works"]
    assert not [path for path, _ in box.web.requests if path.startswith("/blobs/")]
    box.web.requests.clear()
    box.updater.run()  # and does not ask again by itself
    assert box.web.requests == []


def test_run_refuses_a_revoked_key(box):
    save_trust(box.layout.home / "trust.json", revoking(rig.TRUST))
    box.offer(box.release())
    box.updater.run()
    assert "signed by a key that was revoked" in read_report(box.layout.own).reason
    assert active_slot(box.layout.home) == "a"


@pytest.mark.parametrize("what", ["release.json", "blob"])
def test_run_refuses_what_was_altered(box, what):
    url = box.release(contents={"new-1.0-py3-none-any.whl": ("wheel", b"new wheel")}.items())
    if what == "blob":
        (path,) = [path for path in (box.web.folder / "blobs").iterdir() if path.read_bytes() == b"new wheel"]
        path.write_bytes(b"bad wheel")
    else:
        envelope = json.loads((box.web.folder / "7.json").read_bytes())
        envelope["payload"] = envelope["payload"][:-8] + "AAAA" + envelope["payload"][-4:]
        (box.web.folder / "7.json").write_text(json.dumps(envelope), encoding="utf-8")
    box.offer(url)
    box.updater.run()
    report = read_report(box.layout.own)
    assert report.step in {"refused", "waiting"}
    assert ("it was altered" if what == "release.json" else "is not the file that the manifest names") in report.reason
    assert (active_slot(box.layout.home), box.agent.running) == ("a", ["works"])


def test_run_does_not_try_a_bad_release_again_by_itself(box):
    box.behaviour = "crashes"
    url = box.release()
    box.offer(url)
    box.updater.run()
    assert read_report(box.layout.own).step == "rolled_back"
    box.web.requests.clear()
    box.updater.run()
    assert box.web.requests == []
    box.offer(url, offer="o-2")
    box.updater.run()
    assert (read_report(box.layout.own).step, active_slot(box.layout.home)) == ("refused", "a")
    assert "is not tried again by itself" in read_report(box.layout.own).reason
    box.behaviour = "works"
    box.offer(url, offer="o-3", again=True)
    box.updater.run()
    assert read_report(box.layout.own).step == "committed"


def test_run_takes_the_release_of_its_own_target(box):
    rig.installable(box.folder / "other", target=rig.replace(rig.this_target(), boards=("jetson",)))
    box.offer(publish(box.web, box.folder / "other", "jetson.json"), box.release())
    box.updater.run()
    assert read_report(box.layout.own).step == "committed"


def test_run_takes_over_keys_and_tool_after_the_commit_only(box):
    keys = Keys(rig.NEXT.public, rig.AFTER_NEXT.public, (rig.CURRENT.public,))
    tool = {"gammabox-box.pyz": ("tool", tool_bytes())}
    url = box.release(rig.NEXT, keys=keys, minimum=7, contents=tool.items())
    box.behaviour = "no-frames"
    box.offer(url)
    box.updater.run()
    assert read_report(box.layout.own).step == "rolled_back"
    assert load_trust(box.layout.home / "trust.json") == rig.replace(rig.TRUST, minimum=3)
    assert not (box.layout.home / "gammabox-box.pyz").exists()
    box.behaviour = "works"
    box.offer(url, offer="o-2", again=True)
    box.updater.run()
    assert load_trust(box.layout.home / "trust.json") == Trust(keys.current, keys.next, keys.revoked, 7)
    command = [sys.executable, "-I", "-S", box.layout.home / "gammabox-box.pyz", "status", "--root", box.layout.root]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "slot b is good; phase idle\nrelease 0.1.0-7 is committed since" in ran.stdout


def test_run_keeps_the_tool_where_the_new_one_does_not_start(box):
    (box.layout.home / "gammabox-box.pyz").write_bytes(b"old tool")
    box.offer(box.release())  # its tool is no program
    box.updater.run()
    assert read_report(box.layout.own).step == "committed"
    assert (box.layout.home / "gammabox-box.pyz").read_bytes() == b"old tool"


def test_run_removes_files_of_releases_that_are_gone(box):
    (box.layout.blobs / ("0" * 64)).write_bytes(b"old")
    box.offer(box.release())
    box.updater.run()
    assert not (box.layout.blobs / ("0" * 64)).exists()
    assert len(list(box.layout.blobs.iterdir())) == 7


def test_run_beside_another_updater_is_refused(box):
    with locked(box.layout, Disk()), pytest.raises(UpdaterError, match="another updater is at work"):
        box.updater.run()


def test_run_follows_a_release_that_was_installed_by_hand(box):
    box.offer(box.release())
    box.updater.run()
    write_slot(box.layout.slot("a"), "works", "0.1.0-8")
    box.layout.pointer.unlink()
    box.layout.pointer.symlink_to("slots/a")
    box.updater.recover()
    assert active_slot(box.layout.home) == "a"


def test_run_with_a_release_that_cannot_be_installed_says_why(box, monkeypatch):
    def fill(*_given, **_named):
        raise ReleaseError("the packages cannot be installed: no wheel")

    monkeypatch.setattr(run_module, "install_slot", fill)
    box.offer(box.release())
    for step in ("waiting", "waiting", "refused"):
        box.updater.run()
        assert (read_report(box.layout.own).step, active_slot(box.layout.home)) == (step, "a")
        assert "the packages cannot be installed: no wheel" in read_report(box.layout.own).reason


def test_run_installs_a_slot_that_works(tmp_path, layout, agent, web):
    """With real environments: pip, hashes and all."""
    box = Box(tmp_path, layout, agent, web)
    box.offer(box.release())
    slot = layout.slot("b")

    class Behaving(Disk):
        def flush_all(self):
            (slot / "behaviour").write_text("works", encoding="utf-8")  # the played agent asks for it
            super().flush_all()

    Updater(layout, Behaving(), agent.around(), server_of(layout)).run()
    assert read_report(layout.own).step == "committed", read_report(layout.own)
    ran = subprocess.run(
        [layout.pointer / "bin/gammabox-edge", "--version"], env={}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "0.1.0"
    assert layout.pointer.readlink() == Path("slots/b")
