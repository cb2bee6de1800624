"""The one exception that a user of subbit can cause and can put right."""

__all__ = ["SubbitError", "printable"]

LONGEST = 1200


def printable(text: str, most: int = LONGEST) -> str:
    """``text`` as one line that a terminal shows as it is, of at most ``most`` characters.

    What cannot be printed is escaped, as Python writes it, and of a longer text the middle is left out: names come from
    files, and files from anywhere.
    """
    if len(text) > most:
        half = (most - 5) // 2
        text = f"{text[:half]} ... {text[-half:]}"
    if not text.isprintable():
        text = "".join(each if each.isprintable() else _escaped(each) for each in text)[: 4 * most]
    return text


def _escaped(character: str) -> str:
    return " " if character in "\n\r\t" else character.encode("unicode_escape", "surrogatepass").decode()


class SubbitError(Exception):
    """A user's mistake or a missing tool, told in one sentence that says what to do.

    The command line prints the sentence and exits with status 2; a library user catches this one class. The sentence is
    made `printable`.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))
