"""An array from a .npy or .npz file that came from anywhere: no more is read or kept than the file really holds."""

import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from sw.errors import SubbitError
from sw.files import most_unpacked

__all__ = ["read_array"]

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000
# What numpy.save writes for an array of numbers; of a shape nothing but its digits is let through.
HEADER = re.compile(
    r"\{'descr': '([|<>=][biufc]\d{1,2})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,12},? ?){0,8})\),? ?\}\s*"
)
DAMAGE = (ValueError, TypeError, EOFError, RuntimeError, NotImplementedError)


def read_array(path: Path) -> np.ndarray:
    """The array in a .npy file, or in a .npz file the one called "images", or the only one.

    Raises SubbitError, one sentence, where there is none, or it is not plain numbers.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                return _array(file, path.stat().st_size - len(MAGIC))
        with zipfile.ZipFile(path) as archive:
            member = _member(path, archive)
            if member.file_size > most_unpacked(path):
                raise ValueError("it is far larger than its file")
            with archive.open(member) as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise ValueError("its member is no array")
                return _array(file, member.file_size - len(MAGIC))
    except OSError as error:
        raise SubbitError(f"{path} cannot be read ({error.strerror or error}): name a .npy or .npz file.") from error
    except (*DAMAGE, zipfile.BadZipFile, zlib.error, zipfile.LargeZipFile) as error:
        raise SubbitError(f"{path} holds no plain array: write it with numpy.save or numpy.savez.") from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) == 1 or "images" in members:
        return members["images"] if "images" in members else next(iter(members.values()))
    raise SubbitError(f"{path} holds {len(members)} arrays: name the one with the images 'images'.")


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """The array whose file goes on here for ``size`` bytes. Raises one of `DAMAGE`.

    The format is that of numpy.lib.format: version, length of the header, header, numbers.
    """
    version = file.read(2)
    width = 2 if version == b"\x01\x00" else 4
    length = int.from_bytes(file.read(width), "little")
    if version not in (b"\x01\x00", b"\x02\x00", b"\x03\x00") or length > LONGEST_HEADER:
        raise ValueError("the header is none")
    header = HEADER.fullmatch(file.read(length).decode("latin-1"))
    if header is None:
        raise ValueError("the header does not tell an array of numbers")
    kind, shape = np.dtype(header[1]), tuple(int(side) for side in re.findall(r"\d+", header[3]))
    expected = math.prod(shape) * kind.itemsize
    if expected != size - len(version) - width - length:
        raise ValueError("the header tells another size than the file has")
    data = file.read(expected)
    if len(data) != expected:
        raise EOFError
    return np.frombuffer(data, kind).reshape(shape, order="F" if header[2] == "True" else "C")
