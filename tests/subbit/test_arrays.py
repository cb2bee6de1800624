"""Arrays in files are those that numpy writes; a header that promises anything else is not believed."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subbit.arrays import read_array
from sw.errors import SubbitError

SENTENCE = r" holds no plain array: write it with numpy\.save or numpy\.savez\.$"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(0, 4), max_size=4).map(tuple),
    kind=st.sampled_from(["u1", "i1", "<i8", ">u4", "f4", "f8", "?"]),
    order=st.sampled_from("CF"),
    compressed=st.sampled_from([None, False, True]),
)
def test_what_numpy_writes_is_read(shape, kind, order, compressed, tmp_path_factory):
    path = tmp_path_factory.mktemp("array") / "a"
    array = np.asarray(np.random.default_rng(1).integers(0, 2, shape), np.dtype(kind), order=order)
    with path.open("wb") as file:
        if compressed is None:
            np.save(file, array)
        else:
            (np.savez_compressed if compressed else np.savez)(file, array)
    found = read_array(path)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\0") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header.encode() + data


def header(kind="'|u1'", shape="(4,)", order="False"):
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


LIES = {
    "gigabytes": npy(header(shape="(99999999999,)"), bytes(4)),
    "too little": npy(header(shape="(3,)"), bytes(4)),
    "overflow": npy(header(shape="(4294967296, 4294967296)"), b""),
    "negative": npy(header(shape="(-1, -4)"), bytes(4)),
    "objects": npy(header(kind="'|O'"), bytes(32)),
    "fields": npy(header(kind="[('a', '|u1')]"), bytes(4)),
    "nesting": npy("(" * 200 + ")" * 200),
    "no header": npy("", bytes(4)),
    "version": npy(header(), bytes(4), b"\x09\0"),
    "header of 64 kB": npy(header() + " " * 60_000, bytes(4)),
    "empty": b"",
    "no zip": b"PK\3\4" + bytes(50),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused(lie, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(LIES[lie])
    with pytest.raises(SubbitError, match=SENTENCE):
        read_array(path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("images.npy", LIES[lie])
    path.write_bytes(packed.getvalue())
    with pytest.raises(SubbitError, match=SENTENCE):
        read_array(path)


def test_a_zip_bomb_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy(header(shape=f"({40 << 20},)"), bytes(40 << 20)))
    with pytest.raises(SubbitError, match=SENTENCE):
        read_array(path)
