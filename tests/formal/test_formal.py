# amaranth: UnusedElaboratable=no
"""The quickest proofs, and that the prover refutes what is wrong; `nox -s formal` runs all of them."""

import pytest

from hw.layer.window import WindowShape
from hw.stream.repack import RepackShape
from tests.formal.faults import FAULTS, ROOT
from tests.formal.frames import FrameCheck, Frames, Word
from tests.formal.proofs import PROOFS
from tests.formal.prover import Refuted, Undecided, prove
from tests.formal.stages import repack, window
from tests.sim.components import Combinational, DropsValid, Increment, MovesPayload

PLUS_ONE = Frames(1, lambda words: [Word(list((words[0] + 1)[:2]), 1)])


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.quick], ids=lambda proof: proof.name)
def test_quick_proofs_hold(proof):
    assert proof.run().depth == proof.depth


def test_a_right_stage_is_proved():
    assert str(prove(FrameCheck(Increment(2), PLUS_ONE))) == "proved"


@pytest.mark.parametrize(
    ("stage", "claim"),
    [
        (DropsValid, "not so: a word that waits is held"),
        (MovesPayload, "not so: every word is the next one and right"),
        (Combinational, "not so: (every word is the next one and right|no word goes out before its input)"),
    ],
)
def test_a_wrong_stage_is_refuted_by_name_with_a_run_that_shows_it(stage, claim):
    with pytest.raises(Refuted, match=claim) as refuted:
        prove(FrameCheck(stage(2), PLUS_ONE))
    assert "i_valid 1" in str(refuted.value)
    assert "o_payload" in str(refuted.value).splitlines()[-1]


def test_a_wrong_specification_is_refuted():
    wrong = Frames(1, lambda words: [Word(list((words[0] + 2)[:2]), 1)])
    with pytest.raises(Refuted, match="every word is the next one and right"):
        prove(FrameCheck(Increment(2), wrong))


def test_a_bounded_proof_says_how_far_it_reaches():
    assert str(prove(repack(RepackShape(3, 2, 1)), depth=6)) == "holds for 6 cycles"


def test_time_runs_out_in_one_sentence():
    with pytest.raises(Undecided, match=r"^no answer within 1 s$"):
        prove(window(WindowShape(2, 2, 1, 1, (3, 3), pad=1, fill="skip"), held=4), seconds=1)


def test_names_of_proofs_are_unique():
    assert len({proof.name for proof in PROOFS}) == len(PROOFS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_still_has_its_place_and_its_proof(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert any(proof.name.startswith(fault.proof) for proof in PROOFS)
