import pytest

from sw.documents import FileName, Section, checked, parse_json, read_json


class Named(Section):
    file: FileName
    count: int = 0


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "nul", ""])
def test_text_that_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError, match="."):
        parse_json(text)


def test_a_file_that_is_no_text_is_a_value_error(tmp_path):
    (tmp_path / "a").write_bytes(b'"\xff\xfe"')
    with pytest.raises(ValueError, match="codec can't decode"):
        read_json(tmp_path / "a")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/../../b", "/etc/passwd", "C:\\a", "\\\\host\\a", "a\0b", "a\nb", "a" * 201]
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(
        ValueError, match=r"^file: .*(must be the name of a file in the folder|at most 200 characters)$"
    ):
        checked(Named, {"file": name})


@pytest.mark.parametrize("name", ["a", "rom/a.mem", "a b", "..a", "é.v"])
def test_a_name_that_stays_in_the_folder(name):
    assert checked(Named, {"file": name, "more": 1}).file == name


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_numbers_are_not_converted(value):
    with pytest.raises(ValueError, match=r"^count: "):
        checked(Named, {"file": "a", "count": value})
