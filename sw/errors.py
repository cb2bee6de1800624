"""The one exception that a user of subbit can cause and can put right."""

__all__ = ["SubbitError"]


class SubbitError(Exception):
    """A user's mistake or a missing tool, told in one sentence that says what to do.

    The command line prints the sentence and exits with status 2; a library user catches this one class.
    """
