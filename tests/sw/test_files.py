import os
import re
import stat

import pytest

from sw.errors import SubbitError
from sw.files import atomic_folder, atomic_write, check_writable


def refused(sentence: str):
    return pytest.raises(SubbitError, match=f"^{re.escape(sentence)}$")


def test_a_file_appears_whole_and_with_usual_permissions(tmp_path):
    target, beside = tmp_path / "a.txt", tmp_path / "b.txt"
    beside.write_text("")
    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("before")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_in_a_missing_folder_is_refused(tmp_path):
    target = tmp_path / "none" / "a.txt"
    with refused(f"{target} cannot be written (No such file or directory): name a place that can be."):
        check_writable(target)


def test_a_folder_is_no_file_to_write(tmp_path):
    with refused(f"{tmp_path} is a folder: name a file to write."):
        check_writable(tmp_path)


def test_checking_writes_nothing(tmp_path):
    check_writable(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == []


def test_a_folder_replaces_only_one_with_its_mark(tmp_path):
    target = tmp_path / "out"
    for content in ("first", "second"):
        with atomic_folder(target, "mark") as temporary:
            (temporary / "mark").write_text(content)
    assert (target / "mark").read_text() == "second"
    assert os.listdir(tmp_path) == ["out"]

    (target / "mark").unlink()
    (target / "precious").write_text("")
    with refused(f"{target} is there already and holds no mark: name a new folder, or an earlier one to replace."):
        atomic_folder(target, "mark").__enter__()
    assert os.listdir(target) == ["precious"]


def test_a_failed_folder_leaves_the_earlier_one(tmp_path):
    target = tmp_path / "out"
    with atomic_folder(target, "mark") as temporary:
        (temporary / "mark").write_text("first")
    with pytest.raises(ValueError, match="^stop$"), atomic_folder(target, "mark") as temporary:
        (temporary / "mark").write_text("second")
        raise ValueError("stop")
    assert (target / "mark").read_text() == "first"
    assert os.listdir(tmp_path) == ["out"]
