"""The public face of `quantize`: a conversion and a check by one function each."""

import pytest

import quantize
from edge.errors import InputError, OutputError
from quantize.errors import QuantiseError
from trainer.errors import DatasetError, RunError


def test_convert_writes_a_bundle_that_check_judges(tiny, small_limits, tmp_path):
    bundle = quantize.convert(tiny.run.path, str(tmp_path / "own"), settings=quantize.Settings(representative=50))
    assert bundle.manifest.name == "own"
    assert bundle.screen is None
    judged = quantize.check(bundle, tiny.run, data=tiny.dataset, limits=small_limits)
    again = quantize.check(tmp_path / "own", tiny.run.path, data=[tiny.dataset.path], limits=small_limits)
    assert judged.data == again.data
    assert judged.networks[0].agreement == again.networks[0].agreement
    assert judged.networks[0].positives == 150


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"run": "missing"}, RunError), ({"run": 5}, InputError), ({"data": "missing"}, DatasetError)],
)
def test_convert_refuses_what_it_cannot_use(tiny, tmp_path, arguments, error):
    with pytest.raises(error):
        quantize.convert(**{"run": tiny.run, "out": tmp_path / "own", **arguments})
    assert not (tmp_path / "own").exists()


def test_convert_leaves_other_files_alone(tiny, tmp_path):
    (tmp_path / "model.json").write_text("of somebody else")
    with pytest.raises(OutputError):
        quantize.convert(tiny.run, tmp_path)


def test_check_wants_the_run_of_the_screen(tiny):
    with pytest.raises(QuantiseError, match="screen-reference"):
        quantize.check(tiny.bundle, tiny.run, data=tiny.dataset)
