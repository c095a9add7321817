"""A bundle is told from one of another run by what its manifest notes."""

import pytest

from quantize.errors import QuantiseError
from quantize.origin import require_origin, run_card, weights_sha256
from quantize.reference_run import export_reference
from trainer.training.run import Run


@pytest.fixture
def network(tiny):
    return tiny.run.load_model()


def test_bundle_notes_the_weights_of_its_runs(tiny, network):
    card = tiny.bundle.manifest.provenance
    assert card["run"]["weights_sha256"] == card["screen"]["run"]["weights_sha256"] == weights_sha256(network)
    assert card["run"]["data"]["paths"] == [tiny.dataset.path.name]


def test_card_names_the_members_of_an_ensemble(tiny, network):
    several = tiny.run.manifest.model_copy(update={"members": ("/home/ann/one sha256:12", "/home/ann/two sha256:34")})
    assert run_card(Run(tiny.run.path, several), network)["members"] == ["one sha256:12", "two sha256:34"]
    assert "members" not in run_card(tiny.run, network)


def test_origin_accepts_a_copy_of_the_run(tiny, network, tmp_path):
    copy = export_reference(tiny.run, tmp_path / "copy")
    require_origin("bundle", run_card(tiny.run, network), copy, copy.load_model())


@pytest.mark.parametrize("name", ["weights_sha256", "created_utc", "seed", "network", "data"])
def test_origin_refuses_a_run_that_differs(tiny, network, name):
    other = {"data": {"sha256": ["0" * 64]}, "network": {"name": "alexnet_edge", "options": {}}}.get(name, "0" * 20)
    noted = {**run_card(tiny.run, network), name: other}
    with pytest.raises(QuantiseError, match=f"another run than .*{name}.* differ"):
        require_origin("bundle", noted, tiny.run, network)


def test_origin_refuses_other_weights_of_the_same_training(tiny, network):
    noted = run_card(tiny.run, network)
    network.set_weights([weight * 1.001 for weight in network.get_weights()])
    with pytest.raises(QuantiseError, match="weights_sha256 differ"):
        require_origin("bundle", noted, tiny.run, network)


def test_origin_of_a_bundle_of_an_earlier_version_goes_by_the_run(tiny, network):
    noted = run_card(tiny.run, network)
    del noted["weights_sha256"]
    require_origin("bundle", noted, tiny.run, network)
    require_origin("bundle", {}, tiny.run, network)
