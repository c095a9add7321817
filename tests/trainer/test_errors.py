import copy

import pytest

from trainer.errors import DatasetError, FilmError, RunError


@pytest.mark.parametrize("kind", [DatasetError, FilmError, RunError])
def test_errors_of_paths_travel_between_processes(kind) -> None:
    error = kind("some/place", "it is empty", "fill it")
    # copy takes an exception apart as pickle does.
    travelled = copy.copy(error)
    assert type(travelled) is kind
    assert (str(travelled), travelled.path) == (str(error), error.path)
    assert str(error) == f"{kind.what} some/place: it is empty; fill it"
