"""The tool of a box works alike from any shell of root."""

import argparse
import os

from edge.installer.__main__ import call


def test_call_makes_folders_that_the_agents_user_can_enter(tmp_path, monkeypatch):
    parser = argparse.ArgumentParser()
    parser.set_defaults(call=lambda _: (tmp_path / "slots").mkdir())
    monkeypatch.setattr("sys.argv", ["gammabox-box"])
    before = os.umask(0o077)
    try:
        call(parser)
    finally:
        os.umask(before)
    assert (tmp_path / "slots").stat().st_mode & 0o777 == 0o755
