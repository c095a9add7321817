import pytest

from edge.release import installed_release


@pytest.mark.parametrize(
    ("content", "expected"), [(b"\n 2026.11-3 \nx", "2026.11-3"), (b"", None), (b"\xff\xfe", None), (None, None)]
)
def test_installed_release_is_the_first_line_of_its_file(tmp_path, content, expected):
    if content is not None:
        (tmp_path / "RELEASE").write_bytes(content)
    assert installed_release(tmp_path) == expected
