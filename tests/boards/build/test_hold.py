"""What nextpnr's log says of hold times, and what is made of it."""

import json

import pytest

from boards.build.hold import Hold, read_hold
from boards.build.seeds import Attempt, best
from boards.build.timing import Clock, Timing, read_timing

CLOCKS = (Clock("clk", 30.0, 12.0),)
REPORT = {"fmax": {"clk": {"achieved": 30.0, "constraint": 12.0}}}


def log(*margins, told=None):
    """The end of a log, with a path for each margin; those after the tenth are not shown."""
    lines = ["Info: Max frequency for clock 'clk': 30.00 MHz (PASS at 12.00 MHz)", ""]
    lines += [f"Info: {told or len(margins)} Hold/min time violations (showing 10 worst paths):", ""]
    for margin in margins[:10]:
        lines += [
            "Warning: Hold/min time violation for clock 'posedge clk':",
            "Info:       type curr  total name",
            "Info:   clk-to-q  0.33  0.33 Source conv1.at_DFFRE_Q_2.Q",
            f"Info:    routing  0.81  {margin + 0.16:.2f} Net conv1.at[2] (22,7) -> (22,9)",
            "Info:                          Sink conv1.weights.0.0.ADB7",
            f"Info:       hold -0.16  {margin:.2f} Source conv1.weights.0.0.ADB7",
            "Info: 0.17 ns logic, 0.81 ns routing",
            "",
        ]
    return "\n".join([*lines, "Info: Program finished normally."])


@pytest.mark.parametrize(
    ("text", "found", "met", "said"),
    [
        ("Info: Program finished normally.", Hold(), True, "no path is told to be too short"),
        (
            log(0.98, 1.07, told=16),
            Hold(16, 0.98),
            True,
            "met: 16 paths told to be too short by nextpnr, whose own delays leave 0.98 ns (its issue 1803)",
        ),
        (log(1.5, -0.25, 0.3), Hold(3, -0.25), False, "missed: 3 paths told to be too short, by up to 0.25 ns"),
        (log(-0.01), Hold(1, -0.01), False, "missed: 1 path told to be too short, by up to 0.01 ns"),
        (log(told=2), Hold(2, None), False, "2 paths are told to be too short and none is shown: missed"),
        # The analysis after placement is followed by that of the routed design, which counts.
        (log(-3.0) + "\n" + log(0.5), Hold(1, 0.5), True, None),
    ],
)
def test_hold_times_of_a_log(text, found, met, said):
    hold = read_hold(text)
    assert (hold, hold.met) == (found, met)
    assert said in (None, hold.text())


def test_a_design_with_a_path_that_is_too_short_is_not_met():
    assert read_timing(REPORT, log=log(0.5)).met
    missed = read_timing(REPORT, log=log(-0.5))
    assert (missed.met, missed.as_dict()["hold"]) == (False, {"told": 1, "worst_ns": -0.5, "met": False})
    assert not Timing(()).met


def test_an_attempt_whose_hold_times_are_met_is_better_than_a_faster_one():
    slow = Attempt(1, 1.0, None, (Clock("clk", 11.0, 12.0),))
    wrong = Attempt(2, 1.0, None, CLOCKS, hold=Hold(1, -0.1))
    assert (wrong.met, best([slow, wrong]), best([wrong])) == (False, slow, wrong)
    assert Attempt.from_dict(json.loads(json.dumps(wrong.as_dict()))) == wrong
    # Records of an earlier version have nothing of hold times.
    earlier = {name: value for name, value in slow.as_dict().items() if name != "hold"}
    assert Attempt.from_dict(earlier) == slow
