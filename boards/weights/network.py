"""Another network of the same shape in a finished board design."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field

from boards.board import board
from boards.design import DESCRIPTION, write_design
from boards.weights.replace import AGAIN, described, replace_tables
from boards.weights.tables import in_block_ram
from hw.plan.plan import Plan
from sw.documents import Section, checked
from sw.errors import SubbitError
from sw.files import read_text
from sw.network import Network

__all__ = ["BLANK", "replace_weights"]

#: What board.json says of the network that a board answers for.
IDENTITIES = ("identity", "checked_as")
BLANK = "blank"
"""The folder inside a build with the design as it was routed, its tables random: by them every table is found again."""


class _Built(Section):
    """board.json, as far as it is read here."""

    board: str
    baud: Annotated[int, Field(ge=1, le=1 << 30)]
    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\z")]
    checked_as: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\z")] | None = None


def replace_weights(folder: Path | str, network: Network, out: Path | str) -> tuple[str, ...]:
    """Write into ``out`` the build in ``folder`` for ``network`` instead; returns the names of the tables that changed.

    Neither synthesis nor place and route run: the block RAMs get other contents, and the bitstream is packed again, in
    seconds. The plan and with it the timing stay. The identity that the board answers with is in block RAM, and becomes
    that of ``network``. The one that the check of an answer begins with is in logic, and stays that of the first
    network: ``checked_as`` in board.json, for hosts.

    Raises SubbitError where the network needs other logic, or a table that changes is not all in block RAM: which.
    """
    folder, out = Path(folder), Path(out)
    if not (folder / BLANK).is_dir():
        return _replaced(folder, network, out)
    with tempfile.TemporaryDirectory(prefix="subbit-weights-") as scratch:
        shutil.copytree(folder, scratch, dirs_exist_ok=True)
        shutil.copytree(folder / BLANK, scratch, dirs_exist_ok=True)
        return _replaced(Path(scratch), network, out)


def _replaced(folder: Path, network: Network, out: Path) -> tuple[str, ...]:
    description, plan = described(folder), Plan.load(folder / "plan.json")
    try:
        built = checked(_Built, description)
    except ValueError as error:
        raise SubbitError(f"{folder / DESCRIPTION} is damaged ({error}): {AGAIN}.") from error
    source = description["sources"][0]
    with tempfile.TemporaryDirectory(prefix="subbit-weights-") as scratch:
        own = bytes.fromhex(built.checked_as or built.identity)
        target, fresh = board(built.board), Path(scratch) / "design"
        made = write_design(network, plan, target, fresh, baud=built.baud, checked_as=own)
        names = [path.relative_to(fresh).as_posix() for path in fresh.rglob("*") if path.is_file()]
        files = {name: (fresh / name).read_bytes() for name in names}
    if source not in files:
        raise SubbitError(f"{folder / DESCRIPTION} is damaged ({source} is no Verilog of a design): {AGAIN}.")
    text, earlier = files.pop(source).decode(), read_text(folder / source, AGAIN)
    if earlier == in_block_ram(earlier):
        text = in_block_ram(text)
    answers = {name: made.description[name] for name in IDENTITIES if name in made.description}
    told = {name: value for name, value in description.items() if name not in IDENTITIES} | answers
    files[DESCRIPTION] = (json.dumps(told, indent=2) + "\n").encode()
    return replace_tables(folder, text, out, files)
