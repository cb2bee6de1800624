"""Values on the command line: whatever is asked for, the answer is a result or one line on stderr, no traceback."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sw.errors import SubbitError
from sw.network import save
from tests.fuzz.reads.commands import says
from tests.fuzz.wrong_json import NAMES

usual = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = ["0", "-1", "1", "2", "3", "nan", "inf", "-inf", "1e308", "1e-320", "1e5", "9" * 400, "0x10", "1_0", "", "٣"]
texts = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from([each for each in NAMES if "\0" not in each]),
    st.text("=,@:+%[]{}\\ \n\x1bax1-", max_size=9),
)
ways = st.sampled_from(["xnor", "sparse", "unrolled", "lookup", "bit-serial", "x"])
folds = st.one_of(
    texts,
    st.builds("{}={},{}".format, st.sampled_from(["conv1", "conv2", "dense1", "x"]), texts, texts),
    st.builds("conv2={},{},{}".format, st.integers(0, 12), st.integers(0, 40), ways),
)
wishes = st.sampled_from(["--device", "--fps", "--clock", "--pixels-per-beat", "--output-kind"])
words = st.one_of(texts, st.sampled_from(["inspect", "plan", "flash", "classify", "--help", "--version", "--json"]))
SETTINGS = [
    "--model", "--encoding", "--compact", "--width", "--size", "--padding", "--estimator", "--data", "--batch",
    "--activation-bits", "--learning-rate", "--validation", "--dropout", "--seed", "--max-minutes", "--accelerator",
    "--devices", "--num-nodes", "--bits-per-weight",
]  # fmt: skip
MODELS = [
    "dense 99999999999", "conv 1 kernel 9", "conv 4, " * 3000 + "pool", "slices:7+7", "thermometer:999999999999",
    "planes:0", "codebook:n=99999999999", "reuse:depth=-1", "folder:", "folder:/nowhere", "two-level:x=1@@",
    "codebook:n=4@" + "conv1+" * 5000, "0x0", "99999999999x1",
]  # fmt: skip


@pytest.fixture
def quietly(capsys):
    """Runs a command, which must end with a result, a failed check or one line, whatever it says on stdout."""

    def run(*arguments):
        with suppress(SubbitError):
            says(*arguments, status=(0, 1, 2))
        shown = capsys.readouterr().out
        assert all(line.isprintable() for line in shown.splitlines()), shown

    return run


@pytest.fixture
def network(small_network, tmp_path):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    return path


@usual
@given(options=st.lists(st.tuples(wishes, texts), max_size=3), fold=st.lists(folds, max_size=2))
@example(options=[("--clock", "inf")], fold=[])
@example(options=[("--fps", "nan"), ("--device", "ice40-hx8k")], fold=[])
@example(options=[("--fps", "1e-320")], fold=[])
@example(options=[("--clock", "1e308")], fold=[])
def test_any_wish_for_a_plan(options, fold, network, quietly):
    quietly("plan", network, *(f"{name}={value}" for name, value in options), *(f"--fold={text}" for text in fold))


@usual
@given(given=st.lists(words, max_size=4))
def test_any_words_at_all(given, quietly, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quietly(*given)


@usual
@given(board=texts, baud=texts, clock=texts)
@example(board="icebreaker", baud="99999999999999999999", clock="12")
@example(board="icebreaker", baud="115200", clock="inf")
@example(board="icebreaker", baud="115200", clock="nan")
@example(board="icebreaker", baud="115200", clock="1e-9")
@example(board="icebreaker", baud="1", clock="1e308")
def test_any_wish_for_a_build(board, baud, clock, network, tmp_path, quietly):
    out = tmp_path / "out"
    quietly("build", network, f"--board={board}", f"--baud={baud}", f"--clock={clock}", "-o", out, "--rtl-only")


@pytest.mark.slow
@settings(usual, max_examples=100)
@given(name=st.sampled_from(SETTINGS), value=st.one_of(texts, st.sampled_from(MODELS)))
@example(name="--width", value="1e9")
@example(name="--width", value="nan")
@example(name="--width", value="inf")
@example(name="--learning-rate", value="inf")
@example(name="--max-minutes", value="nan")
def test_any_wish_for_a_training(name, value, tmp_path, quietly, monkeypatch):
    import sw.train.fit

    def begin(*_, **__):
        raise SubbitError("the training would begin")

    monkeypatch.setattr(sw.train.fit, "_run", begin)
    quietly("train", "-o", tmp_path / "n.safetensors", f"{name}={value}", "--epochs", "1")
