"""A new site file is asked for, with wrong answers refused at once, and holds what was answered."""

from pathlib import Path

import pytest

from firmware_config.errors import FirmwareError
from firmware_config.new_site import Question, asked_text, trial_text
from firmware_config.site_file import load_site


class Technician:
    """Answers in turn; wrong answers are asked again."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.refused: list[str] = []

    def __call__(self, question: Question) -> str:
        while True:
            given = self.answers.pop(0) or (question.default or "")
            try:
                return question.check(given)
            except ValueError as error:
                self.refused.append(str(error))


def test_asked_text_holds_the_answers(tmp_path: Path) -> None:
    port = "/dev/v4l/by-path/platform-xhci-hcd.0-usb-0:1:1.0-video-index0"
    ann = Technician("docks", "broker.lan", "", "gate-1", "rpi5", port, "North: left", "gate-2", "", "csi", "", "")
    path = tmp_path / "site.yaml"
    path.write_text(asked_text(ann), encoding="utf-8")
    site = load_site(path)
    assert (site.site, site.broker.host, site.broker.port, site.broker.tls) == ("docks", "broker.lan", 8883, True)
    assert [(box.device, box.board, box.position) for box in site.boxes] == [
        ("gate-1", "rpi5", "North: left"),
        ("gate-2", "rpi4", ""),
    ]
    assert (ann.answers, ann.refused) == ([], [])


def test_asked_text_refuses_wrong_answers_at_once() -> None:
    ann = Technician(
        *("Main Campus", "docks", "localhost", "broker.lan", "perhaps", "no"),
        *("", "control-room", "gate-1", "pi", "jetson", "csi", "/dev/video0"),
        *("/dev/v4l/by-path/platform-3610000.usb-usb-0:2.1:1.0-video-index0", "", "gate-1", ""),
    )
    assert "tls: false" in asked_text(ann)
    said = [
        "did you mean main-campus?",
        "on itself",
        "yes or no",
        "expected 1 to 63",
        "give the box another",
        "one of rpi4",
    ]
    said += ["use a USB camera", "numbers change", "is taken"]
    assert len(ann.refused) == len(said)
    assert [words for words, refusal in zip(said, ann.refused, strict=True) if words not in refusal] == []


@pytest.mark.parametrize(("name", "said"), [("none.avi", "no such file"), ("notes.txt", "no name of a recording")])
def test_trial_text_refuses_what_is_no_recording(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FirmwareError, match=said):
        trial_text(tmp_path / name)
