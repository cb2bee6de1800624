"""A build's folder: what is done stays, what changed is done again, and what is not finished does not look so."""

import subprocess
import sys
from pathlib import Path

import pytest

import boards
from boards.build.workplace import Workplace
from sw.errors import SubbitError


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def begin(place, text="design"):
    fresh = place.path / "design"
    (fresh / "rom").mkdir(parents=True)
    (fresh / "board.json").write_text(text)
    (fresh / "rom" / "a.mem").write_text("0")
    return place.take(fresh)


def test_only_a_finished_build_is_called_by_its_name(tmp_path):
    place = Workplace(tmp_path / "out")
    with place.opened():
        assert begin(place) == ["board.json", "rom/a.mem"]
        (place.path / "scratch").write_text("")
        assert not (tmp_path / "out").exists()
        place.finish()
    assert files(tmp_path / "out") == ["board.json", "rom/a.mem", "steps.json"]
    assert not place.path.exists()


def test_a_step_is_done_while_key_and_files_are_there(tmp_path):
    place = Workplace(tmp_path / "out")
    with place.opened():
        begin(place)
        key = place.key(["board.json"], "words")
        assert place.done("step", key) is None
        (place.path / "made").write_text("")
        place.record("step", key, {"found": 1}, ["made"])
        assert place.done("step", key) == {"found": 1}
        assert place.done("step", place.key(["board.json"], "other words")) is None
        (place.path / "board.json").write_text("changed")
        assert place.key(["board.json"], "words") != key
        (place.path / "made").unlink()
        assert place.done("step", key) is None
        place.forget("step")
        (place.path / "made").write_text("")
        assert place.done("step", key) is None


def test_an_interrupted_build_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt), Workplace(tmp_path / "out").opened() as place:
        begin(place)
        (place.path / "made").write_text("")
        place.record("step", "key", {"found": 1}, ["made"])
        raise KeyboardInterrupt
    assert not (tmp_path / "out").exists()
    with Workplace(tmp_path / "out").opened() as place:
        begin(place)
        assert place.done("step", "key") == {"found": 1}
        place.finish()
    assert files(tmp_path / "out") == ["board.json", "made", "rom/a.mem", "steps.json"]


def test_a_finished_build_is_where_the_next_begins_and_stays_until_that_is_finished(tmp_path):
    with Workplace(tmp_path / "out").opened() as place:
        begin(place)
        (place.path / "made").write_text("1")
        place.record("step", "key", {}, ["made"])
        place.finish()
    with pytest.raises(KeyboardInterrupt), Workplace(tmp_path / "out").opened() as place:
        begin(place, "other")
        assert place.done("step", "key") == {}
        (place.path / "made").write_text("2")
        raise KeyboardInterrupt
    assert (tmp_path / "out" / "made").read_text() == "1"
    assert (tmp_path / "out" / "board.json").read_text() == "design"


def test_what_an_earlier_design_left_is_not_in_the_finished_folder(tmp_path):
    with Workplace(tmp_path / "out").opened() as place:
        begin(place)
        (place.path / "old").write_text("")
        place.record("step", "key", {}, ["old"])
        begin(place)
        assert place.sizes().keys() == {"board.json", "rom/a.mem"}
        place.finish()
    assert files(tmp_path / "out") == ["board.json", "rom/a.mem", "steps.json"]


def test_a_damaged_record_is_a_build_from_the_beginning(tmp_path):
    with Workplace(tmp_path / "out").opened() as place:
        begin(place)
        place.record("step", "key", {})
    (place.path / "steps.json").write_text('{"step": {"key"')
    with Workplace(tmp_path / "out").opened() as place:
        assert place.done("step", "key") is None


@pytest.mark.parametrize(("name", "mark"), [("out", "board.json"), ("out.building", "steps.json")])
def test_a_folder_of_someone_else_is_left_alone(tmp_path, name, mark):
    (tmp_path / name).mkdir()
    (tmp_path / name / "letter.txt").write_text("")
    sentence = (
        f"^{tmp_path / name} is there already and holds no {mark}: name a new folder, or an earlier one to replace.$"
    )
    with pytest.raises(SubbitError, match=sentence), Workplace(tmp_path / "out").opened():
        pass
    assert files(tmp_path) == [f"{name}/letter.txt"]


def test_two_builds_do_not_share_a_folder(tmp_path):
    script = (
        "import sys\nfrom pathlib import Path\nfrom boards.build.workplace import Workplace\n"
        "with Workplace(Path(sys.argv[1])).opened():\n    print('in', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out")],
        cwd=Path(boards.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "in\n"
        sentence = f"^another build works in {tmp_path / 'out.building'}: wait for it, or name another folder.$"
        with pytest.raises(SubbitError, match=sentence), Workplace(tmp_path / "out").opened():
            pass
        other.kill()
    with Workplace(tmp_path / "out").opened():
        pass


@pytest.mark.parametrize(
    "record",
    [
        '{"step": {"key": "k", "files": ["../../secret"], "found": {}}}',
        '{"step": {"key": "k", "files": ["/etc/passwd"], "found": {}}}',
        '{"step": {"key": "k", "files": "made", "found": {}}}',
        '{"step": {"key": "k", "files": []}}',
        '{"step": []}',
        "[]",
        "[" * 100_000,
    ],
)
def test_a_record_that_is_none_of_ours_is_as_good_as_none(tmp_path, record):
    (tmp_path / "secret").write_text("not to be copied")
    (tmp_path / "out.building").mkdir()
    (tmp_path / "out.building" / "steps.json").write_text(record)
    place = Workplace(tmp_path / "out")
    with place.opened():
        assert place.done("step", "k") is None
        assert (place.path / "steps.json").read_text().strip() == "{}"
