"""New weights in a finished design: other contents for its block RAMs, with neither synthesis nor place and route."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from boards.board import board
from boards.build.build import FLOWS
from boards.flash_image import write_flash_image
from boards.host.description import DESCRIPTION
from boards.weights.places import FAMILIES, Misplaced, Placement, placement
from boards.weights.tables import Table, Verilog
from hw.block_ram import FORMATS, Format, RamNetlist
from hw.board_record import StoredWeights
from hw.programs import find_program
from sw.documents import FileName, Identifier, Section, checked, read_json
from sw.errors import SubbitError
from sw.files import atomic_folder, read_text

__all__ = ["AGAIN", "described", "replace_tables"]

ROUTED, SYNTHESISED = "routed.json", "synth.json"
AGAIN = "build the design again with 'subbit build'"
# Made by steps that the new design does not go through, or that would have to be gone through again.
LEFT_OUT = ("synth.v", "steps.json", "*.log", "simulation", "golden", "proof")


class _Description(Section):
    """board.json, as far as it is read here."""

    family: str
    top: Identifier
    sources: Annotated[list[FileName], Field(min_length=1)]
    board: str | None = None
    weights: StoredWeights | None = None


def replace_tables(folder: Path, source: str, out: Path, files: Mapping[str, bytes] | None = None) -> tuple[str, ...]:
    """Write into ``out`` the build in ``folder`` with the tables of the Verilog ``source``; returns the tables changed.

    ``source`` must be the Verilog of the build but for what its memories hold at power-up. ``files`` replace others of
    the folder. The new folder has the Verilog, both netlists, the packer's text and the bitstream; it appears whole or
    not at all.

    Raises SubbitError where the logic would have to change, or a table that changes is not all in block RAM: which.
    """
    description = described(folder)
    form = FORMATS[description["family"]]
    name = description["sources"][0]
    new = Verilog(source, description["top"])
    try:
        old = Verilog(read_text(folder / name, AGAIN), description["top"])
        _check_logic(old, new, folder)
        routed = RamNetlist(folder / ROUTED, form)
        contents = routed.contents()
        changed = _changes(old, new, contents, description["family"], folder)
    except ValueError as error:
        raise SubbitError(f"{folder / name} is damaged ({error}): {AGAIN}.") from error
    for table, places in changed:
        for place in places:
            place.put(table.bits, contents)
    design = read_text(folder / form.design, AGAIN)
    with atomic_folder(out, DESCRIPTION) as work:
        shutil.copytree(folder, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (work / name).write_text(source)
        for file, data in (files or {}).items():
            (work / file).write_bytes(data)
        (work / form.design).write_text(_rewritten(design, form, routed, contents, folder))
        routed.write(contents, work / ROUTED)
        _write_synthesised(folder, work, form, contents, description["family"])
        _pack(work, description)
    return tuple(table.name for table, _ in changed)


def described(folder: Path) -> dict[str, Any]:
    """board.json of a build whose block RAMs can be written. Raises SubbitError."""
    path = folder / DESCRIPTION
    try:
        description = read_json(path)
        family = dict(description)["family"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SubbitError(f"{folder} is no build: make one with 'subbit build'.") from None
    if not isinstance(family, str) or family not in FORMATS:
        raise SubbitError(f"Weights are replaced on {' and '.join(FORMATS)}, not on {family}: build the network anew.")
    try:
        found = checked(_Description, description)
    except ValueError as error:
        raise SubbitError(f"{path} is damaged ({error}): {AGAIN}.") from error
    for file in (ROUTED, FORMATS[family].design, *found.sources):
        if not (folder / file).is_file():
            raise SubbitError(f"{folder / file} is missing: build the design again with 'subbit build'.")
    return description


def _check_logic(old: Verilog, new: Verilog, folder: Path) -> None:
    """Refuse where more than the contents of memories differs."""
    before, after = old.skeleton(), new.skeleton()
    if before == after:
        return
    paths = new.instances() | old.instances()
    other = sorted(
        {
            ".".join(paths.get(name, (name,))) or old.top
            for name in before | after
            if before.get(name) != after.get(name)
        }
    )
    shown = ", ".join(other[:8]) + (" and others" if len(other) > 8 else "")
    raise SubbitError(
        f"The new network needs other logic than {folder} has, in {shown}: build it anew with 'subbit build'."
    )


def _changes(
    old: Verilog, new: Verilog, contents: Mapping[str, np.ndarray], family: str, folder: Path
) -> list[tuple[Table, list[Placement]]]:
    """The new tables that are not as the old, and where they lie."""
    before, after = old.tables(), new.tables()
    changed, problems = [], []
    for name, table in after.items():
        was = before[name]
        if (table.bits == was.bits).all():
            continue
        try:
            places = placement(was, contents, FAMILIES[family])
            fixed = np.setdiff1d(np.arange(was.bits.shape[1]), places[0].columns)
            if (table.bits[:, fixed] != was.bits[:, fixed]).any():
                columns = ", ".join(
                    str(column) for column in fixed[(table.bits[:, fixed] != was.bits[:, fixed]).any(axis=0)]
                )
                raise Misplaced(f"has bits that were constant and are in logic ({columns})")
            changed.append((table, places))
        except Misplaced as reason:
            problems.append(f"{name} {reason}")
    if problems:
        raise SubbitError(
            f"The weights in {folder} cannot be replaced: {'; '.join(problems)}. Build the network anew, with its "
            "ROMs in block RAM if it is to be replaced later."
        )
    return changed


def _rewritten(design: str, form: Format, routed: RamNetlist, contents: Mapping[str, np.ndarray], folder: Path) -> str:
    """The packer's text with ``contents`` in place of what ``routed`` has, which must be there."""
    earlier, places = routed.contents(), {place: name for name, place in routed.places().items()}
    lines, met = design.splitlines(), set()
    for place, at, bits in form.blocks(lines):
        if (name := places.get(place)) is not None:
            if (bits != earlier[name]).any():
                raise SubbitError(f"{folder / form.design} and {ROUTED} differ in {name}: build the design again.")
            written = form.lines(contents[name])
            lines[at : at + len(written)] = written
            met.add(name)
    if absent := [name for name in contents if name not in met and (contents[name] != earlier[name]).any()]:
        raise SubbitError(f"{folder / form.design} has no contents for {absent[0]}: build the design again.")
    return "\n".join([*lines, ""])


def _write_synthesised(folder: Path, work: Path, form: Format, contents: Mapping[str, np.ndarray], family: str) -> None:
    """The synthesised netlist, whose block RAMs nextpnr has given a name with another end."""
    if (folder / SYNTHESISED).is_file():
        suffix = FAMILIES[family].suffix
        named = {name.removesuffix(suffix): bits for name, bits in contents.items()}
        RamNetlist(folder / SYNTHESISED, form).write(named, work / SYNTHESISED)


def _pack(work: Path, description: Mapping[str, Any]) -> None:
    flow = FLOWS[description["family"]]
    arguments = flow.pack(board(description["board"]).pack if "board" in description else ())
    command = [find_program(flow.packer).path, *arguments]
    run = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if run.returncode:
        said = re.sub(r"\s+", " ", (run.stderr or run.stdout).strip())[-200:]
        raise SubbitError(f"{flow.packer} failed on the new weights: {said or 'it said nothing'}.")
    write_flash_image(work, description, flow.bitstream)
