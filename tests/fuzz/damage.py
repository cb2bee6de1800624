"""Damage to files, by what they are: bytes that change, lengths that lie, values of every other kind, bombs.

Every strategy makes the bytes of a file from those of a whole one. Which damage fits a file is told by its name;
archives are taken apart, their members damaged as what they are, and put together again.
"""

import gzip
import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.cases import FOLDER
from tests.fuzz.wrong_json import EXTREME, NAMES, a_json
from tests.fuzz.wrong_model import a_model

__all__ = ["damaged", "damaged_files"]

Make = Callable[[st.DrawFn, bytes], bytes]


def some_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """Flips, cuts, doublings, splices, and lengths that lie."""
    data = bytearray(whole)
    for _ in range(draw(st.sampled_from([1, 1, 2, 4, 16]))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        other = draw(st.integers(0, max(0, len(data) - 1)))
        first, last = min(at, other), max(at, other)
        match draw(st.sampled_from(["flip", "flip", "byte", "number", "cut", "out", "again", "swap", "more", "zeros"])):
            case "flip":
                data[at : at + 1] = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in data[at : at + 1])
            case "byte":
                data[at : at + 1] = bytes([draw(st.sampled_from([0, 1, 10, 34, 92, 127, 128, 255]))])
            case "number":
                size, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(["little", "big"]))
                number = draw(st.sampled_from(EXTREME)) % (1 << 8 * size)
                data[at : at + size] = number.to_bytes(size, order)
            case "cut":
                del data[at:]
            case "out":
                del data[first:last]
            case "again":
                data[last:last] = data[first : first + 4096]
            case "swap":
                data[first : first + 64] = data[last : last + 64]
            case "more":
                data[at:at] = draw(st.binary(max_size=24))
            case "zeros":
                data[at:at] = bytes(draw(st.sampled_from([1, 100, 100_000])))
    return bytes(data)


def a_text(draw: st.DrawFn, whole: bytes) -> bytes:
    """Lines lost, doubled, changed about; numbers and words that are others."""
    lines = whole.decode().split("\n")
    for _ in range(draw(st.sampled_from([1, 1, 2, 5]))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        match draw(st.sampled_from(["lost", "twice", "turned", "number", "number", "word", "cut"])):
            case "lost":
                del lines[at : at + 1]
            case "twice":
                lines[at:at] = lines[at : at + 1] * draw(st.sampled_from([1, 3, 500]))
            case "turned":
                lines[at : at + 8] = lines[at : at + 8][::-1]
            case "number" | "word" as what:
                pattern = r"\d+" if what == "number" else r"[A-Za-z_]\w*"
                places = list(re.finditer(pattern, "".join(lines[at : at + 1])))
                if places:
                    place = draw(st.sampled_from(places))
                    new = draw(st.sampled_from(EXTREME if what == "number" else NAMES))
                    lines[at] = f"{lines[at][: place.start()]}{new}{lines[at][place.end() :]}"
            case "cut":
                del lines[at:]
    return "\n".join(lines).encode(errors="surrogatepass")


def a_network(draw: st.DrawFn, whole: bytes) -> bytes:
    """The header of a safetensors file, or the manifest that it carries, as the JSON that they are."""
    size = int.from_bytes(whole[:8], "little")
    header, data = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    metadata = header.get("__metadata__", {})
    if "manifest" in metadata and draw(st.integers(0, 3)):
        metadata["manifest"] = a_json(draw, metadata["manifest"].encode()).decode(errors="replace")
        text = json.dumps(header).encode()
    elif draw(st.booleans()):
        text = a_json(draw, json.dumps(header).encode())
    else:
        return lying_arrays(draw, header, data)
    return len(text).to_bytes(8, "little") + text + data


def lying_arrays(draw: st.DrawFn, header: dict[str, Any], data: bytes) -> bytes:
    """Arrays of another type or shape, whose places in the file are right."""
    names = [name for name in header if name != "__metadata__"]
    parts = {name: data[slice(*header[name]["data_offsets"])] for name in names}
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        name = draw(st.sampled_from(names))
        kinds = {"U8": 1, "I8": 1, "BOOL": 1, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8,
                 "U64": 8, "F64": 8, "F8_E4M3": 1}  # fmt: skip
        kind = draw(st.sampled_from(list(kinds)))
        shape = draw(st.sampled_from([[], [0], [1], [2], [3, 2], [1, 1, 1, 1], [0, 1 << 40], [5, 0, 7], [4, 3, 3, 1]]))
        count = 1
        for side in shape:
            count *= side
        fill = draw(st.sampled_from([b"\0", b"\xff", b"\x01\0", b"\x01\0\0\0", b"\0\0\0\0\0\0\xf0\x7f", b"\x7f"]))
        parts[name] = (fill * (count * kinds[kind]))[: count * kinds[kind]]
        header[name] |= {"dtype": kind, "shape": shape}
    at, body = 0, b""
    for name in names:
        header[name]["data_offsets"] = [at, at + len(parts[name])]
        at, body = at + len(parts[name]), body + parts[name]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def an_array(draw: st.DrawFn, whole: bytes) -> bytes:
    """A .npy file whose header says something else."""
    size = int.from_bytes(whole[8:10], "little")
    shapes = ["()", "(0,)", "(1,)", "(8, 8)", "(2, 8, 8)", "(2, 8, 8, 1)", "(99999999999999,)", "(-1, 8, 8)", "(1e9,)",
              "(4, 1099511627776, 1099511627776)", "(True, 8, 8, 1)", "[2, 8, 8, 1]", "None", "(2, 8, 8, 1, 0)",
              "(0, 8, 8, 1)", "(1073741824, 8, 8, 1)"]  # fmt: skip
    kinds = ["'|u1'", "'<u8'", "'<f8'", "'|b1'", "'|O'", "'|S0'", "'|V0'", "'<U9'", "'|S99999999'", "'<M8[s]'",
             "'<c16'", "[('a', '|u1')]", "[('a', '|O')]", "None", "('|u1', (9999, 9999))", "'x'", "1",
             "'|u1,|u1'"]  # fmt: skip
    header = (
        f"{{'descr': {draw(st.sampled_from(kinds))}, 'fortran_order': {draw(st.sampled_from(['False', 'True', '2']))}, "
        f"'shape': {draw(st.sampled_from(shapes))}, }}"
    )
    header = draw(st.sampled_from([header, header, header, header * 2, "(" * 90 + ")" * 90, "-" * 9000, "", "{" * 400]))
    text = header.encode().ljust(-(-(len(header) + 11) // 64) * 64 - 11) + b"\n"
    version = draw(st.sampled_from([b"\x01\0", b"\x02\0", b"\x03\0", b"\x09\0"]))
    length = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + text + whole[10 + size :]


def an_archive(draw: st.DrawFn, whole: bytes) -> bytes:
    """A .zip file with a member that is damaged, or another's name, or a bomb."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    at = draw(st.integers(0, len(members) - 1))
    name, data, how = members[at]
    match draw(st.sampled_from(["inside", "inside", "inside", "bomb", "named", "lost", "twice", "how"])):
        case "inside":
            members[at] = name, draw(damaged(name, data)), how
        case "bomb":
            members[at] = name, data + bytes(draw(st.sampled_from([1 << 20, 150 << 20]))), zipfile.ZIP_DEFLATED
        case "named":
            members[at] = draw(st.sampled_from(NAMES)).replace("\0", "?").replace("\ud800", "?")[:200], data, how
        case "lost":
            del members[at]
        case "twice":
            members.append((name + "2", data, how))
        case "how":
            kinds = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
            members[at] = name, data, draw(st.sampled_from(kinds))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, how in members:
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return out.getvalue()


def packed(draw: st.DrawFn, whole: bytes, name: str) -> bytes:
    """A .gz file of something damaged, or a bomb."""
    if draw(st.integers(0, 5)) == 5:
        return whole + bomb(150)
    return gzip.compress(draw(damaged(name.removesuffix(".gz"), gzip.decompress(whole))), 1, mtime=0)


@cache
def bomb(size: int) -> bytes:
    """So many MiB of zeros, as gzip makes them; behind another gzip file they belong to it."""
    return gzip.compress(bytes(size << 20), 9, mtime=0)


@cache
def hidden_text() -> bytes:
    """A text of a PNG that is a bomb."""
    chunk = b"zTXt" + b"a\0\0" + zlib.compress(bytes(80 << 20), 9)
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


def taped(draw: st.DrawFn, whole: bytes) -> bytes:
    """A .tar file with a member that is damaged, of another kind, or of another size."""
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        members = [(info, archive.extractfile(info).read()) for info in archive.getmembers()]  # type: ignore[union-attr]
    at = draw(st.integers(0, len(members) - 1))
    info, data = members[at]
    match draw(st.sampled_from(["inside", "inside", "inside", "named", "kind", "size", "lost"])):
        case "inside":
            data = draw(damaged("batch.pickle", data))
            info.size = len(data)
        case "named":
            info.name = draw(st.sampled_from(NAMES)).replace("\0", "?").replace("\ud800", "?")
        case "kind":
            info.type = draw(st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]))
            info.linkname, info.size, data = draw(st.sampled_from(["../secret", "/etc/passwd", info.name])), 0, b""
        case "size":
            info.size = draw(st.sampled_from([0, 1, 1 << 20, 1 << 33]))
            data = data[: info.size]
        case "lost":
            info.name = "lost"
    members[at] = info, data
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            archive.fileobj.write(info.tobuf())  # type: ignore[union-attr]
            archive.fileobj.write(data.ljust(-(-len(data) // 512) * 512, b"\0"))  # type: ignore[union-attr]
    return out.getvalue()


def an_idx(draw: st.DrawFn, whole: bytes) -> bytes:
    """An idx file with another header."""
    axes = draw(st.sampled_from([0, 1, 2, 3, 4, 255]))
    sides = [draw(st.sampled_from([0, 1, 2, 28, 65_535, (1 << 31) - 1, (1 << 32) - 1])) for _ in range(min(axes, 4))]
    sides += [1] * (axes - len(sides))
    zero, kind = draw(st.sampled_from([0, 0, 1])), draw(st.sampled_from([8, 8, 13]))
    return struct.pack(f">HBB{axes}I", zero, kind, axes, *sides) + whole[4 + 4 * whole[3] :]


def a_pickle(draw: st.DrawFn, whole: bytes) -> bytes:
    """A pickle with opcodes that take memory, call things or nest."""
    opcodes = [
        b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 7 + b"\x0f", b"\x8e" + b"\xff" * 7 + b"\x0f",
        b"\x95" + b"\xff" * 7 + b"\x0f", b"cos\nsystem\n", b"cbuiltins\neval\n", b"cnumpy\nndarray\n", b"R", b"b", b"0",
        b"2", b"(" * 5000, b"]" * 1000, b"\x82\x01", b"cnumpy\ndtype\nU\x02V9\x85R", b"K\x00", b"J\xff\xff\xff\x7f",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R",
        b"Pid\n", b"\x85" * 3000,
        b"T\xff\xff\xff\xff", b"I" + b"9" * 6000 + b"\n", b"L" + b"9" * 6000 + b"L\n", b"Vx\n", b"2" * 3000,
    ]  # fmt: skip
    at = draw(st.integers(0, len(whole) - 1))
    return whole[:at] + draw(st.sampled_from(opcodes)) + whole[at:]


def a_png(draw: st.DrawFn, whole: bytes) -> bytes:
    """A PNG whose header promises another picture, or that is none."""
    if whole[:4] != b"\x89PNG" or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
            b"P5 70000 70000 255\n", b"P4 99999 99999\n", b"P6 1 1 99999999\n" + bytes(6), b"BM" + bytes(60),
            b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\0\0\0\0\xff\xff\xff\xff\x00\x02\x02\x4c\x01\x00;",
            b"II*\0\x08\0\0\0\xff\xff" + bytes(60), b"MM\0*\0\0\0\x08\0\x01\1\0\0\4\xff\xff\xff\xff\0\0\0\1", b"P7\n",
        ]))  # fmt: skip
    sides = [draw(st.sampled_from([0, 1, 4, 6, 5000, 9000, 20_000, 65_535, (1 << 31) - 1])) for _ in range(2)]
    depth, colour = draw(st.sampled_from([(8, 0), (1, 0), (16, 0), (8, 2), (16, 6), (8, 3), (3, 9)]))
    head = struct.pack(">2I5B", *sides, depth, colour, 0, 0, draw(st.sampled_from([0, 0, 1])))
    chunk = b"IHDR" + head
    body = whole[33:]
    if draw(st.booleans()) and sides[0] * sides[1] < 1 << 28:
        channels = {0: 1, 2: 3, 3: 1, 6: 4}.get(colour, 1)
        rows = zlib.compress(bytes(sides[1] * (1 + -(-sides[0] * channels * depth // 8))), 1)
        texts = hidden_text() if draw(st.integers(0, 3)) == 3 else b""
        data = b"IDAT" + rows
        body = texts + struct.pack(">I", len(rows)) + data + struct.pack(">I", zlib.crc32(data)) + whole[-12:]
    return whole[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + body


KINDS: dict[str, Make] = {
    ".json": a_json, ".safetensors": a_network, ".npy": an_array, ".npz": an_archive, ".zip": an_archive,
    ".ckpt": an_archive, ".tar": taped, ".idx": an_idx, ".pickle": a_pickle, ".png": a_png, ".sv": a_text,
    ".v": a_text, ".pcf": a_text, ".asc": a_text, ".config": a_text, ".mem": a_text, ".txt": a_text,
    ".onnx": a_model,
}  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, name: str, whole: bytes) -> bytes:
    """The file ``name``, whose bytes are ``whole``, with damage of its own kind or of any."""
    suffix = PurePosixPath(name).suffix
    choice = draw(st.integers(0, 9))
    if choice == 9:
        return draw(st.sampled_from([b"", b"\0", b"{}", b"[]", b"null", b'"', b"\xff\xfe", b"[" * 200_000, whole * 2]))
    if not whole or choice >= 7:
        return some_bytes(draw, whole)
    if suffix == ".gz":
        return packed(draw, whole, name)
    return KINDS[suffix](draw, whole) if suffix in KINDS else some_bytes(draw, whole)


@st.composite
def damaged_files(draw: st.DrawFn, whole: dict[str, bytes]) -> dict[str, bytes | None]:
    """The files of a folder with one of them damaged, or two, or one that is lost or a folder."""
    files: dict[str, bytes | None] = dict(whole)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        name = draw(st.sampled_from(sorted(whole)))
        match draw(st.sampled_from(["damaged"] * 18 + ["lost", "folder"])):
            case "damaged":
                files[name] = draw(damaged(name, whole[name]))
            case "lost":
                files.pop(name, None)
            case "folder":
                files[name] = FOLDER
    return files
