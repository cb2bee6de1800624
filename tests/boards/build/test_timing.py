"""nextpnr's report, told in the names of stages."""

import pytest

from boards.build.timing import Clock, part_of, read_timing, stage_of

STAGES = ("conv1_window", "conv1", "scores")


def step(delay, cell, kind="logic"):
    return {"delay": delay, "from": {"cell": cell, "loc": [1, 1], "port": "O"}, "to": {"cell": "next"}, "type": kind}


def report(*paths, **clocks):
    fmax = {name: {"achieved": achieved, "constraint": wanted} for name, (achieved, wanted) in clocks.items()}
    return {"fmax": fmax, "critical_paths": [*paths], "utilization": {}}


def path(*steps, clock="core", ends=None):
    return {"from": f"posedge {clock}", "to": ends or f"posedge {clock}", "path": list(steps)}


SLOW = path(
    step(1.39, "accelerator.conv1.taps_SB_DFFE_Q_8_D_SB_LUT4_O_LC", "clk-to-q"),
    step(2.41, "accelerator.conv1.taps_SB_DFFE_Q_8_D_SB_LUT4_O_LC", "routing"),
    step(0.87, "accelerator.conv1._029__SB_DFFESR_Q_2_D_SB_CARRY_CO$CARRY"),
    step(0.5, "$nextpnr_ICESTORM_LC_90"),
    step(1.76, "$nextpnr_ICESTORM_LC_90", "routing"),
    step(0.4, "accelerator.conv1.weights.0.1"),
    step(1.0, "accelerator.conv1.weights.0.1", "routing"),
    step(0.66, "accelerator.scores.held_TRELLIS_FF_Q_DI_LUT4_Z", "setup"),
)


def test_the_slowest_path_in_stages():
    timing = read_timing(report(SLOW, core=(37.85, 48.0)), STAGES)
    assert timing.clocks == (Clock("core", 37.85, 48.0),)
    assert not timing.met
    assert timing.margin == 37.85 / 48
    assert timing.path_text() == (
        "conv1 (taps, weights, 3.2 ns in 4 cells, 5.2 ns in wires) -> scores (held, 0.7 ns in 1 cell, 0.0 ns in wires)"
    )


def test_the_tightest_clock_comes_first_and_its_path_is_told():
    fast = path(step(90.0, "link.baud_SB_LUT4_O"), clock="slow")
    pins = path(step(95.0, "conv1.x"), clock="core", ends="<async>")
    timing = read_timing(report(fast, pins, SLOW, slow=(20.0, 12.0), core=(50.0, 48.0)), STAGES)
    assert [clock.name for clock in timing.clocks] == ["core", "slow"]
    assert timing.met
    assert timing.margin == 50 / 48
    assert [segment.stage for segment in timing.path] == ["conv1", "scores"]


def test_one_missed_clock_of_two_is_missed():
    assert not read_timing(report(slow=(20.0, 12.0), core=(47.9, 48.0)), STAGES).met


def test_a_report_without_paths():
    timing = read_timing({"fmax": {"core": {"achieved": 20.0, "constraint": 12.0}}}, STAGES)
    assert timing.met
    assert timing.path_text() == ""
    assert timing.as_dict()["path"] == []


@pytest.mark.parametrize(
    ("name", "stage", "part"),
    [
        ("accelerator.conv1.partial_111_TRELLIS_FF_Q_3_DI_CCU2C_S1_B1_LUT4_Z_D_LUT4_Z", "conv1", "partial_111"),
        ("accelerator.conv1_window.store.r_rdy_SB_DFFESR_Q", "conv1_window", "store.r_rdy"),
        ("conv1._029__SB_DFFESR_Q_2_D_SB_LUT4_O_LC", "conv1", ""),
        ("conv1.weights.0.0", "conv1", "weights"),
        ("link.sender.cobs.run_DFFRE_Q_D_ALU_SUM", "link", "sender.cobs.run"),
        ("tx_SB_LUT4_O", "the board's top", "tx"),
        ("$nextpnr_ICESTORM_LC_74", "the board's top", ""),
    ],
)
def test_names_of_cells(name, stage, part):
    assert (stage_of(name, STAGES), part_of(name, STAGES)) == (stage, part)
