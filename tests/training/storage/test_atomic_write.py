from pathlib import Path

import pytest

from training.storage.atomic_write import atomic_write


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with atomic_write(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_the_old_file_and_no_temporary_file(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    def write_half(path: Path) -> None:
        with atomic_write(path) as part:
            part.write_text("ha")
            raise fault

    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(fault):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_concurrent_writers_do_not_interfere(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_write(path) as one, atomic_write(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
