"""PLL settings are legal, as near to the wish as legal ones come, and arrive at the cells as they should."""

import re
import shutil
import subprocess
from fractions import Fraction

import pytest

from boards.board import BOARDS, board
from boards.pll import LIMITS, Pll, clock_of, dividers_for, limits_of
from hw.verilog import emit
from sw.errors import SubbitError

WISHES = [16.2, 24, 27, 31.25, 33.3, 40, 48, 50.1, 66, 80, 97.3, 120]
ONE_OF_EACH = [
    "icebreaker",
    "tinyfpga-bx",
    "ulx3s-85f",
    "orangecrab-25f",
    "tang-nano-9k",
    "tang-primer-20k",
    "arty-a7-35t",
]


def parameters(name: str, megahertz: float) -> tuple[str, dict[str, str]]:
    """The Verilog of a board's PLL, and its cell's parameters as text or decimal numbers."""
    known = board(name)
    dividers = dividers_for(limits_of(known), known.oscillator_hz, megahertz * 1e6)
    assert dividers is not None
    text = emit(Pll(known, dividers), "pll")
    found = dict(
        re.findall(r"\.(\w+)\((?:\d*'[bhd])?\"?([\w.-]+)\"?\)", text[text.index("#(") : text.index(") cell_")])
    )
    for key, digits in re.findall(r"\.(\w+)\(\d+'h([0-9a-f]+)\)", text):
        found[key] = str(int(digits, 16))
    return text, found


def legal(name: str) -> list[tuple[Fraction, Fraction, Fraction]]:
    """Every (compared, VCO, output) frequency in MHz that the cell's own dividers can make, from the data sheets."""
    known = board(name)
    hertz = Fraction(known.oscillator_hz, 1_000_000)
    if known.family == "ice40":  # DIVR, DIVF, DIVQ
        every = (
            (hertz / r, hertz / r * f, hertz / r * f / 2**q)
            for r in range(1, 17)
            for f in range(1, 129)
            for q in range(1, 7)
        )
        return [(p, v, o) for p, v, o in every if 10 <= p <= 133 and 533 <= v <= 1066 and 16 <= o <= 275]
    if known.family == "gowin":  # IDIV, FBDIV, ODIV
        low, high, slowest = (400, 1200, 3.125) if name == "tang-nano-9k" else (500, 1250, 3.90625)
        divs = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
        every = (
            (hertz / i, hertz * f / i * q, hertz * f / i) for i in range(1, 65) for f in range(1, 65) for q in divs
        )
        return [(p, v, o) for p, v, o in every if p >= 3 and low <= v <= high and slowest <= o <= high / 2]
    if known.family == "xc7":  # DIVCLK_DIVIDE, CLKFBOUT_MULT, CLKOUT0_DIVIDE
        every = (
            (hertz / d, hertz / d * m, hertz / d * m / q)
            for d in range(1, 6)
            for m in range(2, 65)
            for q in range(1, 129)
        )
        return [(p, v, o) for p, v, o in every if 19 <= p <= 450 and 800 <= v <= 1600 and 6.25 <= o <= 800]
    every = (
        (hertz / i, hertz / i * n, hertz / i * n / q) for i in range(1, 6) for n in range(2, 129) for q in range(1, 129)
    )
    return [(p, v, o) for p, v, o in every if 10 <= p <= 400 and 400 <= v <= 800 and 3.125 <= o <= 400]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_no_legal_setting_comes_nearer(name):
    known = board(name)
    every = legal(name)
    for wish in WISHES:
        found = dividers_for(limits_of(known), known.oscillator_hz, wish * 1e6)
        assert found is not None
        made = tuple(value / 1_000_000 for value in (found.compared_hz, found.vco_hz, found.output_hz))
        assert made in every
        assert abs(made[2] - Fraction(wish)) == min(abs(output - Fraction(wish)) for _, _, output in every)


@pytest.mark.parametrize("wish", [16.5, 20, 24, 25, 30, 36, 37.5, 48, 50, 60, 100])
def test_ice40_settings_are_those_of_icepll(wish):
    program = shutil.which("icepll") or shutil.which("yowasp-icepll")
    if program is None:
        pytest.skip("icepll is not installed")
    text = subprocess.run([program, "-i", "12", "-o", str(wish)], capture_output=True, text=True, check=True).stdout
    _, found = parameters("icebreaker", wish)
    for key in ("DIVR", "DIVF", "DIVQ", "FILTER_RANGE"):
        match = re.search(rf"{key}:\s+(\d+)", text)
        assert match
        assert found[key] == match[1]


@pytest.mark.parametrize(("mhz", "cell"), [(24, "SB_PLL40_PAD"), (50, "SB_PLL40_CORE")])
def test_ice40_cell(mhz, cell):
    name = "icebreaker" if cell == "SB_PLL40_PAD" else "tinyfpga-bx"
    text, found = parameters(name, mhz)
    divr, divf, divq = (int(found[key]) for key in ("DIVR", "DIVF", "DIVQ"))
    assert board(name).oscillator_hz * (divf + 1) / (2**divq * (divr + 1)) == mhz * 1e6
    assert f"  {cell} #(" in text
    assert {".PACKAGEPIN(i)": "SB_PLL40_PAD", ".REFERENCECLK(i)": "SB_PLL40_CORE"}[
        ".PACKAGEPIN(i)" if ".PACKAGEPIN(i)" in text else ".REFERENCECLK(i)"
    ] == cell
    for port in (".PLLOUTGLOBAL(o)", ".LOCK(locked)", ".RESETB(1'h1)", ".BYPASS(1'h0)"):
        assert port in text


@pytest.mark.parametrize(("name", "mhz"), [("ulx3s-85f", 40), ("ulx3s-85f", 125), ("orangecrab-25f", 50)])
def test_ecp5_cell(name, mhz):
    text, found = parameters(name, mhz)
    clki, clkfb, clkop, clkos = (int(found[key]) for key in ("CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV", "CLKOS_DIV"))
    vco = board(name).oscillator_hz / clki * clkfb * clkop
    assert vco / clkos == mhz * 1e6
    assert 400e6 <= vco <= 800e6
    assert 3.125e6 <= vco / clkop <= 400e6
    assert clkfb <= 80
    assert found["FEEDBK_PATH"] == "CLKOP"
    (fed_back,) = re.findall(r"\.CLKOP\((\w+)\)", text)
    assert f".CLKFB({fed_back})" in text
    for port in (".CLKI(i)", ".CLKOS(o)", ".LOCK(locked)", ".RST(1'h0)"):
        assert port in text


@pytest.mark.parametrize(("name", "mhz"), [("tang-nano-9k", 54), ("tang-primer-20k", 81)])
def test_gowin_cell(name, mhz):
    text, found = parameters(name, mhz)
    idiv, fbdiv, odiv = (int(found[key]) for key in ("IDIV_SEL", "FBDIV_SEL", "ODIV_SEL"))
    assert 27e6 * (fbdiv + 1) / (idiv + 1) == mhz * 1e6
    low, high = LIMITS[board(name).device_name].vco
    assert low <= mhz * 1e6 * odiv <= high
    assert found["FCLKIN"] == "27"
    assert found["DEVICE"] == {"tang-nano-9k": "GW1NR-9C", "tang-primer-20k": "GW2A-18C"}[name]
    for port in (".CLKIN(i)", ".CLKOUT(o)", ".LOCK(locked)", ".RESET(1'h0)"):
        assert port in text


def test_xc7_cell():
    text, found = parameters("arty-a7-35t", 80)
    divclk, mult, out = (int(found[key]) for key in ("DIVCLK_DIVIDE", "CLKFBOUT_MULT", "CLKOUT0_DIVIDE"))
    assert 100e6 / divclk * mult / out == 80e6
    assert float(found["CLKIN1_PERIOD"]) == 10
    (fed_back,) = re.findall(r"\.CLKFBOUT\((\w+)\)", text)
    (fast,) = re.findall(r"\.CLKOUT0\((\w+)\)", text)
    for port in (f".CLKFBIN({fed_back})", ".CLKIN1(i)", ".LOCKED(locked)", f".I({fast})", ".O(o)"):
        assert port in text


@pytest.mark.parametrize("known", BOARDS, ids=lambda known: known.name)
def test_the_oscillator_needs_no_pll(known):
    assert clock_of(known, float(known.oscillator_hz)) is None
    assert clock_of(known, known.oscillator_hz * 1.00005) is None


@pytest.mark.parametrize(
    ("name", "wish", "sentence"),
    [
        ("icebreaker", 25, "iCEBreaker cannot make a clock of 25 MHz from its 12 MHz: the nearest is 25.125 MHz"),
        ("icebreaker", 8, "iCEBreaker cannot make a clock of 8 MHz from its 12 MHz: the nearest is 12 MHz"),
        ("tinyfpga-bx", 12, "TinyFPGA BX cannot make a clock of 12 MHz from its 16 MHz: the nearest is 16 MHz"),
        ("ulx3s-85f", 33, "ULX3S 85F cannot make a clock of 33 MHz from its 25 MHz: the nearest is 33.035714 MHz"),
        ("arty-a7-35t", 900, "Arty A7-35T cannot make a clock of 900 MHz from its 100 MHz: the nearest is 800 MHz"),
    ],
)
def test_a_clock_that_cannot_be_made_is_refused_with_the_nearest(name, wish, sentence):
    with pytest.raises(SubbitError, match=f"^{re.escape(sentence)}, so plan for that\\.$"):
        clock_of(board(name), wish * 1e6)


def test_the_clock_that_was_offered_can_be_made():
    made = clock_of(board("ulx3s-85f"), 33.035714e6)
    assert made is not None
    assert abs(made.output_hz - 33_035_714) < 1


def test_an_oscillator_out_of_range_has_no_setting():
    assert dividers_for(LIMITS["ice40"], 8_000_000, 24e6) is None
