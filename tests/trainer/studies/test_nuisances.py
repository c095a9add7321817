import pytest

from trainer.errors import OptionError, SensorError
from trainer.filming.nuisances import NUISANCES
from trainer.studies.nuisances import KINDS, Recipe, analyse_nuisances, film_nuisances
from trainer.studies.quiet import pool

RECIPE = Recipe(width=160, height=120, seconds=0.4, clips=2, seed=4)


def test_film_nuisances_films_all_kinds_by_default():
    assert set(KINDS) == {"none", *NUISANCES}
    assert len(KINDS) == 16


def test_film_nuisances_films_only_missing_clips(tmp_path, bundle):
    out, told = tmp_path / "clips", []

    def film(kinds):
        told.clear()
        return film_nuisances(out, RECIPE, kinds, threads=1, progress=lambda name, frames: told.append((name, frames)))

    made = film(["none", "glints"])
    assert [clip.name for clip in made["glints"]] == ["glints-1.avi", "glints-2.avi"]
    assert told[-1] == ("glints-2.avi", RECIPE.frames)
    before = made["none"][0].read_bytes()
    made["none"][0].unlink()
    assert film(["none", "glints"]) == made
    assert {name for name, _ in told} == {"none-1.avi"}
    assert made["none"][0].read_bytes() == before
    assert not list(out.glob("*.part*"))
    analysed = analyse_nuisances(made, bundle, RECIPE)
    none, glints = (pool(name, clips) for name, clips in analysed.items())
    assert (none.name, none.clips, none.frames) == ("none", 2, 2 * RECIPE.frames)
    assert (glints.name, glints.frames) == ("glints", none.frames)
    assert made["glints"][0].read_bytes() != before


def test_film_nuisances_refuses_another_recipe(tmp_path):
    film_nuisances(tmp_path, RECIPE, [])
    with pytest.raises(SensorError, match="holds clips of the recipe"):
        film_nuisances(tmp_path, Recipe(width=160, height=120, seconds=0.8, clips=2, seed=4), [])


def test_film_nuisances_refuses_unusable_arguments(tmp_path):
    with pytest.raises(OptionError, match="fog"):
        film_nuisances(tmp_path, RECIPE, ["fog"])
    with pytest.raises(SensorError, match="name a folder in one that is there"):
        film_nuisances(tmp_path / "no" / "folder", RECIPE, [])


def test_films_with_a_source_show_the_same_scene(tmp_path):
    without = film_nuisances(tmp_path, RECIPE, ["stars"], threads=1)["stars"]
    lit = film_nuisances(tmp_path, RECIPE, ["stars"], source=True, threads=1)["stars"]
    assert [clip.name for clip in lit] == ["stars-1-source.avi", "stars-2-source.avi"]
    assert all(clip.exists() for clip in (*without, *lit))
    assert without[0].with_suffix(".jsonl").read_text() == ""
