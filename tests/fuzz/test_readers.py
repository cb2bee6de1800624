"""Damaged files of every kind: each is read, or refused in a sentence, within limits of time, memory and place.

`python -m tests.fuzz` goes on with other damage for as long as there is time.
"""

import io
import json
import tarfile

import numpy as np
import pytest

from tests.fuzz.__main__ import one_round
from tests.fuzz.cases import Bounds, Case
from tests.fuzz.judge import Judge
from tests.fuzz.readers import READERS, Reader
from tests.sw.train.test_data import cifar_names

# Those whose libraries take seconds to be imported.
SLOW = {"checkpoint", "qonnx", "exported qonnx", "slices of a training", "subbit report"}
# A record of what need not be done again: a damaged one is as good as none.
TOLERANT = {"steps"}
CASES = 12


@pytest.fixture(scope="module")
def judge():
    with Judge() as found:
        yield found


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in READERS])
def test_damaged_files_are_refused_in_a_sentence(judge, name):
    refused = []
    assert one_round(judge, name, 1, CASES, refused.append) == ""
    assert any(refused) or name in TOLERANT, "no damage was seen at all"


def test_a_folder_that_is_whole_is_read_by_every_reader_of_it(judge):
    for name in ("network", "plan", "npy"):
        assert judge(Case(name, READERS[name].seed())).sentence is None


def test_small_files_that_ask_for_gigabytes(judge):
    memo = b"\x80\x02Nr\xff\xff\xff\x7f."  # a memo of 2**31 entries
    names = [f"cifar-10-batches-py/{name}" for name in cifar_names()]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(memo)
            archive.addfile(info, io.BytesIO(memo))
    whole = READERS["network"].seed()["n.safetensors"]
    size = int.from_bytes(whole[:8], "little")
    header, data = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    at, end = header["dense1.sparse.shape"]["data_offsets"]
    wide = data[:at] + np.array([3, 1 << 31], "<i8").tobytes() + data[end:]
    cases = {
        "cifar": {"c.tar.gz": out.getvalue()},
        "network": {"n.safetensors": whole[: 8 + size] + wide},
        "npy": {
            "images.npy": b"\x93NUMPY\1\0\x4a\0"
            + b"{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999, 8, 8, 1), }\n"
        },
    }
    for reader, files in cases.items():
        verdict = judge(Case(reader, files))
        assert (verdict.fault, verdict.sentence is None) == ("", False), reader


# What the judge must see, each done by a reader that is wrong in one way.


def endless(folder):
    while True:
        pass


def greedy(folder):
    bytearray(200 << 20)


def hidden_greed(folder):
    from sw.errors import SubbitError

    try:
        bytearray(200 << 20)
    except MemoryError:
        raise SubbitError("too large") from None


def curious(folder):
    (folder / "../secret").read_text()


def untidy(folder):
    (folder.parent / "left").write_text("")


def failing(folder):
    raise KeyError("name")


def running(folder):
    import subprocess

    subprocess.run(["true"], check=True)


def dying(folder):
    import os

    os._exit(3)


def speaking(folder):
    from sw.errors import SubbitError

    error = SubbitError("x")
    error.args = ("two\nlines",)
    raise error


WRONG = {
    endless: "took more than 0.2 seconds",
    greedy: "MemoryError",
    hidden_greed: "asked for more memory than it may have",
    curious: "reached outside: open",
    untidy: "reached outside: open",
    failing: "KeyError: 'name'",
    running: "reached outside: subprocess.Popen true",
    dying: "ended the process with status 3",
    speaking: "the sentence has characters that cannot be printed",
}
PLANTED = {wrong.__name__: Reader(dict, wrong, Bounds(seconds=0.2)) for wrong in WRONG}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_judge_sees_what_a_reader_must_not_do(judge, wrong):
    assert judge.ask(Case(wrong.__name__, {"a": b""})).fault.startswith(WRONG[wrong])
