import numpy as np
import pytest

from sim import SimulationFailure, available, simulate
from sw.errors import SubbitError
from tests.sim.toy import ToyNetwork
from tests.simulators import needs_icarus


@pytest.mark.parametrize("simulator", available())
def test_right_accelerator_passes(simulator, toy, toy_images):
    report = simulate(toy(), ToyNetwork(), toy_images, simulator)
    assert (report.passed, report.problem, report.images, report.mismatches) == (True, None, 12, 0)
    assert [(run.gaps, run.stalls) for run in report.patterns] == [(0, 0), (0.25, 0), (0, 0.25), (0.25, 0.25)]
    assert (report.layers, report.cycles_per_frame, report.latency) == (("bits",), 15, 16)
    np.testing.assert_array_equal(report.scores, ToyNetwork().score(toy_images))
    np.testing.assert_array_equal(report.classes, ToyNetwork().score(toy_images).argmax(axis=1))


@needs_icarus
class TestInIcarus:
    @pytest.mark.parametrize("mode", ["checked", "fast"])
    def test_wrong_bit_is_named(self, mode, toy, toy_images):
        report = simulate(toy("WRONG_BIT"), ToyNetwork(), toy_images, "icarus", mode)
        if mode == "fast":
            assert report.problem.startswith("scores, image 2, class 0: hardware ")
            assert report.problem.endswith("; run again alone the image was right")
            return
        bit = int(toy_images[2, 1, 3, 0] >> 7)
        assert report.problem == f"layer bits, image 2, row 1, column 3, channel 0: hardware {1 - bit}, model {bit}"
        assert not report.passed

    def test_fast_run_names_the_layer(self, toy, toy_images):
        network = ToyNetwork()
        network.run = lambda images: ToyNetwork().run(np.where(images == 200, 0, images).astype(np.uint8))
        network.score = lambda images: network.run(images).scores
        images = np.minimum(toy_images, 199)
        images[5, 2, 1] = 200
        report = simulate(toy(), network, images, "icarus", "fast")
        assert report.problem == "layer bits, image 5, row 2, column 1, channel 0: hardware 1, model 0"
        assert (report.mode, report.mismatches, report.images) == ("fast", 1, 12)

    def test_accelerator_that_stops_is_told(self, toy, toy_images):
        report = simulate(toy("STOPS"), ToyNetwork(), toy_images, "icarus", patience=500)
        assert report.problem == (
            "the accelerator stopped after 2 results: nothing moved for 500 cycles; "
            "beats of the image under way: bits 0 of 12"
        )

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ("DROPS_VALID", "valid fell before ready came"),
            ("UNKNOWN", "payload or last is unknown while valid is 1"),
            ("LAST_TOO_EARLY", "m_axis, image 0: beat 1 of 3 is marked as last"),
            ("ENDLESS", "m_axis gives beats without end: "),
            ("RESET_FORGETS", "(gaps 0, stalls 0.25)"),
            # A sink may wait for a beat before it is ready.
            ("WAITS_FOR_READY", "the accelerator stopped after 0 results"),
        ],
    )
    def test_broken_rule_is_caught(self, fault, said, toy, toy_images):
        report = simulate(toy(fault), ToyNetwork(), toy_images, "icarus")
        assert said in report.problem
        assert not report.passed

    def test_waveform_run_counts_the_same_cycles(self, toy, toy_images, tmp_path):
        wave = tmp_path / "toy.fst"
        report = simulate(toy(), ToyNetwork(), toy_images, "icarus", waves=wave)
        assert (report.problem, report.cycles_per_frame, report.latency) == (None, 15, 16)
        assert wave.stat().st_size > 1000

    def test_verilog_that_does_not_build_is_a_failure(self, toy, toy_images):
        folder = toy()
        (folder / "accelerator.sv").write_text((folder / "accelerator.sv").read_text().replace("wire full", "wire"))
        with pytest.raises(SimulationFailure, match="icarus could not build accelerator_bench: .*error"):
            simulate(folder, ToyNetwork(), toy_images, "icarus")


def test_arguments_are_checked(toy, toy_images, tmp_path):
    folder = toy()
    with pytest.raises(SubbitError, match=r"^The simulator must be one of verilator, icarus, not 'vcs'\.$"):
        simulate(folder, ToyNetwork(), toy_images, "vcs")
    with pytest.raises(ValueError, match=r"^mode must be 'checked' or 'fast', not 'slow'$"):
        simulate(folder, ToyNetwork(), toy_images, mode="slow")
    with pytest.raises(ValueError, match=r"^stalls must be from 0 to below 1, not 1$"):
        simulate(folder, ToyNetwork(), toy_images, stalls=1)


@needs_icarus
def test_folder_that_is_no_accelerator(toy_images, tmp_path):
    with pytest.raises(SubbitError, match="is not a generated accelerator: write one with 'subbit generate'"):
        simulate(tmp_path, ToyNetwork(), toy_images, "icarus")
