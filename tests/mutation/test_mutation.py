# amaranth: UnusedElaboratable=no
"""The mutation check itself: what is right passes, what is wrong is caught, and no proof calls a fault equal."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.report import RESULTS
from hw.verilog import emit
from sim import simulate
from tests.mutation.bench import Bench
from tests.mutation.equivalence import REDUNDANT, UNREACHED, compare, proved
from tests.mutation.images import varied_images
from tests.mutation.lockstep import Graph, delta, joined
from tests.mutation.mutants import ORIGINAL, choose, mutate, put_in
from tests.mutation.page import EXPLAINED, reason, survivors_page, table
from tests.mutation.subjects import SUBJECTS
from tests.mutation.survey import CAUGHT, EQUAL, Judge, survey
from tests.networks import random_images
from tests.sim.components import Increment
from tests.simulators import needs_icarus, needs_verilator

ROOT = Path(__file__).parents[2]
MEASURED = ("mutation", "mutation_survivors")


@pytest.fixture(scope="module")
def increment(tmp_path_factory):
    """A folder with a register stage that adds one to two bits, and its mutants."""
    folder = tmp_path_factory.mktemp("increment")
    (folder / "accelerator.sv").write_text(emit(Increment(2), "accelerator"))
    return folder, put_in(folder, 40)


def named(mutants, *parts):
    """The one mutant in whose description all ``parts`` occur."""
    [found] = [mutant for mutant in mutants if all(part in str(mutant) for part in parts)]
    return found


def test_a_bit_that_is_cut_off_changes_nothing_and_that_is_proved(increment):
    folder, mutants = increment
    # Two bits and one make three; the third is dropped.
    carries = [mutant for mutant in mutants if mutant.port == "Y" and mutant.bit == 2]
    assert len(carries) == 2
    assert all(compare(folder, mutant, 10).why == REDUNDANT for mutant in carries)


@pytest.mark.parametrize(
    "fault",
    [
        ("const0 at Y[0]", "assign i__ready"),  # A port that has become a constant.
        ("const0 at Y[0]", "rst ? 1'h0"),  # A register that stays 0.
        ("const0 at Q[0]", "always_ff"),  # A register that is cut off.
        ("inv at D[1]", "always_ff"),
        ("inv at B[0]", "rst ? 1'h0"),  # Reset alone is wrong.
    ],
    ids=" ".join,
)
def test_no_fault_that_changes_something_is_called_equal(fault, increment):
    folder, mutants = increment
    assert not compare(folder, named(mutants, *fault), 10).equal


def test_two_graphs_in_lockstep(tmp_path):
    def graph(following: int, gates: list[tuple[int, int, int]]) -> Graph:
        return Graph({"a": 2}, {"q": 4}, {4: following}, [4], {}, gates, max(gate[0] for gate in gates) // 2)

    # A register q and an input a: next is q & a; ~(~q & ~a), which is q | a; and q & a & q. From 0, q & a stays 0.
    both, either, again = [(6, 4, 2)], [(6, 5, 3)], [(6, 4, 2), (8, 6, 4)]
    for first, second, same in (
        (graph(6, both), graph(6, both), True),
        (graph(6, both), graph(8, again), True),
        (graph(6, both), graph(7, either), False),
        (graph(7, either), graph(6, both), False),
    ):
        (tmp_path / "design.aig").write_bytes(joined(first, second))
        assert proved(tmp_path, "strash; write_aiger reduced.aig; pdr", 10) is same
    with pytest.raises(ValueError, match="registers of its own"):
        joined(graph(6, both), Graph({"a": 2}, {"other": 4}, {4: 6}, [4], {}, both, 3))
    assert [delta(number) for number in (5, 128, 300)] == [b"\x05", b"\x80\x01", b"\xac\x02"]


def test_mutants_are_the_same_every_time_and_clocks_are_left_alone(small, tmp_path):
    first, second = (mutate(small, tmp_path / name, 60) for name in ("first", "second"))
    assert first == second
    assert [mutant.number for mutant in first] == list(range(1, 61))
    assert not {mutant.port for mutant in first} & {"CLK", "RD_CLK", "WR_CLK"}
    assert all(a != b for a, b in pairwise(sorted(map(str, first))) if "by" in a)


@needs_icarus
@pytest.mark.slow
def test_the_bench_passes_the_original_and_an_equal_mutant_and_catches_others(small, tmp_path):
    folder = tmp_path / "small"
    mutants = mutate(small, folder, 120)
    images = random_images(small.network, 12)
    # The counter of folds begins again where it wraps to 0 by itself.
    equal = named(mutants, "const0 at S[0]", "fold_done ? 3'h0", "accelerator_dense")
    assert compare(folder, equal).why == UNREACHED
    wrong = [mutant.number for mutant in mutants if mutant.port == "Y" and mutant.mode == "inv"][:2]
    choose(folder, ORIGINAL)
    assert simulate(folder, small.network, images, "icarus").problem is None
    for number, passes in [(equal.number, True), *((number, False) for number in wrong)]:
        choose(folder, number)
        report = simulate(folder, small.network, images, "icarus", "fast", gaps=0.2, stalls=0.2, patience=2000)
        assert report.passed is passes, (mutants[number - 1], report.problem)


@pytest.mark.slow
@needs_verilator
def test_the_program_says_what_the_simulation_says(small, tmp_path):
    folder = tmp_path / "small"
    mutants = mutate(small, folder, 120)
    images = varied_images(small.network, 24)
    bench = Bench(folder, small.network, images)
    bench.check()
    for mutant in [None, *mutants[:12]]:
        choose(folder, mutant.number if mutant else ORIGINAL)
        report = simulate(folder, small.network, images, "verilator")
        verdict = bench.judge(mutant.number if mutant else ORIGINAL)
        slow = verdict.by == "interval"
        assert (report.passed and not slow) is not verdict.caught, (mutant, report.problem, verdict)
        assert slow or report.passed or report.problem.split(" (gaps")[0] == verdict.problem


@pytest.mark.slow
@needs_verilator
def test_a_survey_goes_on_where_it_was_cut_off(small, tmp_path, monkeypatch):
    done = survey(small, tmp_path, 40, 10, lambda done, count: None)
    assert {fate.fate for fate in done} >= {CAUGHT, EQUAL}
    (kept,) = (path for path in tmp_path.glob("small-*.jsonl") if "-proofs-" not in path.name)
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:30]) + "\n")
    seen = []
    monkeypatch.setattr(Judge, "fate", lambda self, mutant: seen.append(mutant.number) or done[mutant.number - 1])
    assert survey(small, tmp_path, 40, 10, lambda done, count: None) == done
    assert seen == list(range(31, 41))


def test_the_documents_say_what_was_measured():
    rows, survivors = (json.loads((RESULTS / f"{name}.json").read_text())["rows"] for name in MEASURED)
    docs = ROOT / "docs"
    assert table(rows) in (docs / "mutation.md").read_text()
    assert (docs / "mutation-survivors.md").read_text() == survivors_page(survivors)
    for row in rows:
        found = [each for each in survivors if each["datapath"] == row["datapath"]]
        assert row["mutants"] == row[CAUGHT] + len(found) >= 100
        assert row["missed"] <= 0.01 * (row[CAUGHT] + row["missed"])


def test_every_survivor_without_a_proof_is_explained():
    survivors = json.loads((RESULTS / "mutation_survivors.json").read_text())["rows"]
    unproved = {(row["datapath"], row["fault"]) for row in survivors if row["fate"] != EQUAL}
    explained = {(datapath, fault) for datapath, faults in EXPLAINED.items() for fault in faults}
    assert unproved == explained
    assert all(text.strip() for faults in EXPLAINED.values() for text in faults.values())


def test_a_survivor_is_told_in_one_line():
    row = {"datapath": "none", "number": 3, "fault": "inv at Y[0] of `a | b` in c", "fate": EQUAL, "said": "so"}
    assert "| 3 | inv at Y[0] of `a \\| b` in c | proved: so |" in survivors_page([row])
    assert reason(row | {"fate": "missed"}) == "missed: so"
    counts = {"mutants": 1200, "caught": 1000, "equal": 150, "same": 20, "timing": 30, "unmet": 10, "missed": 10}
    assert table([{"datapath": "x"} | counts]).splitlines()[-1] == "| all | 1,200 | 1,000 | 150 | 20 | 30 | 10 | 10 |"


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=lambda subject: subject.name)
def test_every_subject_has_the_datapath_that_it_shows(subject):
    datapaths = {folding.datapath for folding in subject.plan.folding.values()}
    expected = {"lookup": "lookup", "reuse": "unrolled", "unrolled": "unrolled", "sparse": "sparse"}
    assert expected.get(subject.name, "xnor") in datapaths
    assert len(set(subject.network.score(varied_images(subject.network, 96)).argmax(axis=1))) > 1
