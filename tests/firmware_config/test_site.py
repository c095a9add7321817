"""Sites are checked for values that are allowed but probably not meant."""

from pathlib import Path

from firmware_config.site import Site, warnings_of
from firmware_config.site_file import load_site

NORTH = '    position: "North gate: above the door"\n'


def test_warnings_of_names_values_probably_not_meant(tmp_path: Path, site: Site, site_yaml: str) -> None:
    assert [warning for warning in warnings_of(site) if "in clear" not in warning] == []
    path = tmp_path / "open.yaml"
    text = site_yaml.replace("192.0.2.7", "broker.lan").replace("1883", "8883")
    text = text.replace("    position: South gate\n", "") + f"  - device: c\n    board: rpi4\n    camera: csi\n{NORTH}"
    path.write_text(text, encoding="utf-8")
    words = ["in clear", "port 8883 is customary with TLS", "no position", "same position as gate-north"]
    assert [word for word, warning in zip(words, warnings_of(load_site(path)), strict=True) if word in warning] == words


def test_warnings_of_names_a_short_exposure(site: Site) -> None:
    short = site.boxes[0].model_copy(update={"exposure_s": 0.003})
    said = warnings_of(site.model_copy(update={"boxes": (short,)}))
    assert any("exposure_s 0.003 is 9% of a frame" in warning for warning in said), said
