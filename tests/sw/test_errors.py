import pytest

from sw.errors import SubbitError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é and 漢 too", "plain text, é and 漢 too"),
        ("two\nlines", "two lines"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eback", "\\u202eback"),
        ("a\0b", "a\\x00b"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text, shown):
    assert printable(text) == shown
    assert str(SubbitError(text)) == shown


def test_of_a_long_text_the_middle_is_left_out():
    shown = printable("a" * 5000 + "b" * 5000, 21)
    assert shown == "aaaaaaaa ... bbbbbbbb"
    assert len(str(SubbitError("\x1b" * 100_000))) < 5000
