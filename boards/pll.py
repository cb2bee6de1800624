"""Phase-locked loops: the dividers that come nearest to a wished clock, and the cell of each family set so.

All of them divide a reference by ``reference``, multiply it by ``multiple`` in the oscillator (VCO), and divide that by
``output``. Families differ in the limits, and in which multiples their feedback dividers can make.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from amaranth import Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.board import Board
from sw.errors import SubbitError

__all__ = ["LIMITS", "Dividers", "Limits", "Pll", "clock_of", "dividers_for", "megahertz"]

#: A wish is met where the clock is this near to it, relatively: what the crystals themselves promise.
TOLERANCE = 100e-6

Range = tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """What a PLL can do: frequencies in hertz from and to, the legal dividers, and the multiples for an output divider.

    ``source`` is where the numbers come from.
    """

    input: Range
    compared: Range
    vco: Range
    output: Range
    references: range
    outputs: tuple[int, ...]
    multiples: Callable[[int], Iterable[int]]
    source: str


@dataclass(frozen=True)
class Dividers:
    """Dividers of a PLL for an oscillator of ``oscillator_hz``."""

    oscillator_hz: int
    reference: int
    multiple: int
    output: int

    @property
    def compared_hz(self) -> Fraction:
        """The frequency that the phases are compared at."""
        return Fraction(self.oscillator_hz, self.reference)

    @property
    def vco_hz(self) -> Fraction:
        """The frequency of the oscillator inside."""
        return self.compared_hz * self.multiple

    @property
    def output_hz(self) -> Fraction:
        """The clock that comes out."""
        return self.vco_hz / self.output


def gowin_multiples(output: int) -> range:
    """Gowin's feedback comes from behind the output divider."""
    return range(output, 64 * output + 1, output)


GOWIN_DEVICES = {"gw1nr-9": "GW1NR-9C", "gw2a-18": "GW2A-18C"}
GOWIN_OUTPUTS = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)

_M = 1_000_000
LIMITS: Mapping[str, Limits] = {
    "ice40": Limits(
        (10 * _M, 133 * _M), (10 * _M, 133 * _M), (533 * _M, 1066 * _M), (16 * _M, 275 * _M),
        range(1, 17), (2, 4, 8, 16, 32, 64), lambda _: range(1, 129),
        "Lattice FPGA-TN-02052, iCE40 sysCLOCK PLL design guide",
    ),
    "ecp5": Limits(
        (8 * _M, 400 * _M), (10 * _M, 400 * _M), (400 * _M, 800 * _M), (3_125_000, 400 * _M),
        range(1, 129), tuple(range(1, 129)), lambda _: range(2, 81),
        "Lattice FPGA-DS-02012, sysCLOCK PLL timing",
    ),
    "gw1nr-9": Limits(
        (3 * _M, 400 * _M), (3 * _M, 400 * _M), (400 * _M, 1200 * _M), (3_125_000, 600 * _M),
        range(1, 65), GOWIN_OUTPUTS, gowin_multiples,
        "Gowin DS117, PLL switching characteristics, C6/I5",
    ),
    "gw2a-18": Limits(
        (3 * _M, 500 * _M), (3 * _M, 500 * _M), (500 * _M, 1250 * _M), (3_906_250, 625 * _M),
        range(1, 65), GOWIN_OUTPUTS, gowin_multiples,
        "Gowin DS102, PLL switching characteristics, C8/I7",
    ),
    "xc7": Limits(
        (19 * _M, 800 * _M), (19 * _M, 450 * _M), (800 * _M, 1600 * _M), (6_250_000, 800 * _M),
        range(1, 57), tuple(range(1, 129)), lambda _: range(2, 65),
        "AMD DS181, PLL switching characteristics, speed grade -1",
    ),
}  # fmt: skip


def limits_of(board: Board) -> Limits:
    """The limits of the PLL on ``board``."""
    return LIMITS[board.family if board.family in LIMITS else board.device_name]


def dividers_for(limits: Limits, oscillator_hz: int, clock_hz: float) -> Dividers | None:
    """The legal dividers whose clock is nearest to ``clock_hz``; of several the smallest reference divider, then the
    VCO nearest to the middle of its range. None where the oscillator itself is out of range."""
    if not limits.input[0] <= oscillator_hz <= limits.input[1]:
        return None
    middle = sum(limits.vco) / 2
    best: tuple[float, int, float] | None = None
    found = None
    for reference in limits.references:
        compared = oscillator_hz / reference
        if not limits.compared[0] <= compared <= limits.compared[1]:
            continue
        for output in limits.outputs:
            for multiple in limits.multiples(output):
                vco = oscillator_hz * multiple / reference
                hertz = vco / output
                if limits.vco[0] <= vco <= limits.vco[1] and limits.output[0] <= hertz <= limits.output[1]:
                    key = (abs(hertz - clock_hz), reference, abs(vco - middle))
                    if best is None or key < best:
                        best, found = key, Dividers(oscillator_hz, reference, multiple, output)
    return found


def clock_of(board: Board, clock_hz: float) -> Dividers | None:
    """How ``board`` makes ``clock_hz``: None where its oscillator is that clock.

    Raises SubbitError, one sentence with the nearest clock, where neither the oscillator nor its PLL makes it.
    """
    if _meets(board.oscillator_hz, clock_hz):
        return None
    dividers = dividers_for(limits_of(board), board.oscillator_hz, clock_hz)
    if dividers is not None and _meets(dividers.output_hz, clock_hz):
        return dividers
    made = [Fraction(board.oscillator_hz)] + ([dividers.output_hz] if dividers else [])
    nearest = min(made, key=lambda hertz: abs(hertz - clock_hz))
    raise SubbitError(
        f"{board.title} cannot make a clock of {megahertz(clock_hz)} MHz from its "
        f"{megahertz(board.oscillator_hz)} MHz: the nearest is {megahertz(float(nearest))} MHz, so plan for that."
    )


def _meets(hertz: Fraction | int, wish: float) -> bool:
    return abs(hertz - wish) <= TOLERANCE * wish


def megahertz(hertz: float) -> str:
    """A frequency in MHz, with no more digits than it needs."""
    return f"{hertz / 1e6:.6f}".rstrip("0").rstrip(".")


class Pll(wiring.Component):
    """The PLL cell of ``board`` set to ``dividers``: the oscillator's pin ``i`` in, the clock ``o`` out, and ``locked``
    while that is good. ``locked`` comes in no clock's step."""

    i: Signal
    o: Signal
    locked: Signal

    def __init__(self, board: Board, dividers: Dividers) -> None:
        self.board, self.dividers = board, dividers
        super().__init__({"i": In(1), "o": Out(1), "locked": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        cells = {"ice40": self.ice40, "ecp5": self.ecp5, "gowin": self.gowin, "xc7": self.xc7}
        cells[self.board.family](m)
        return m

    def ice40(self, m: Module) -> None:
        """SB_PLL40 with simple feedback; the range of its filter follows from the frequency of comparison (icepll)."""
        d, pad = self.dividers, self.board.pll_input == "pad"
        filter_range = 1 + sum(d.compared_hz >= edge * _M for edge in (17, 26, 44, 66, 101))
        m.submodules.cell = Instance(
            "SB_PLL40_PAD" if pad else "SB_PLL40_CORE",
            p_FEEDBACK_PATH="SIMPLE",
            p_PLLOUT_SELECT="GENCLK",
            p_DIVR=Const(d.reference - 1, 4),
            p_DIVF=Const(d.multiple - 1, 7),
            p_DIVQ=Const(d.output.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(filter_range, 3),
            **{"i_PACKAGEPIN" if pad else "i_REFERENCECLK": self.i},
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.o,
            o_LOCK=self.locked,
        )

    def ecp5(self, m: Module) -> None:
        """EHXPLLL: CLKOP is divided by the multiple's least factor and fed back, CLKOS is the clock."""
        d, fed_back = self.dividers, Signal()
        factor = next(n for n in range(2, d.multiple + 1) if d.multiple % n == 0)
        outputs = {}
        for name, mux, divider in (("CLKOP", "A", factor), ("CLKOS", "B", d.output)):
            outputs |= {f"p_{name}_ENABLE": "ENABLED", f"p_{name}_DIV": divider, f"p_{name}_CPHASE": divider - 1}
            outputs |= {f"p_{name}_FPHASE": 0, f"p_OUTDIVIDER_MUX{mux}": f"DIV{mux}"}
        low = dict.fromkeys(
            ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG"), Const(0)
        )
        m.submodules.cell = Instance(
            "EHXPLLL",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=d.reference,
            p_CLKFB_DIV=d.multiple // factor,
            **outputs,
            **{f"i_{name}": value for name, value in low.items()},
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            i_ENCLKOS=Const(0),
            i_CLKI=self.i,
            i_CLKFB=fed_back,
            o_CLKOP=fed_back,
            o_CLKOS=self.o,
            o_LOCK=self.locked,
        )

    def gowin(self, m: Module) -> None:
        """rPLL with feedback inside."""
        d = self.dividers
        low = ("RESET", "RESET_P", "CLKFB")
        wide = {"FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
        m.submodules.cell = Instance(
            "rPLL",
            p_DEVICE=GOWIN_DEVICES[self.board.device_name],
            p_FCLKIN=megahertz(d.oscillator_hz),
            p_IDIV_SEL=d.reference - 1,
            p_FBDIV_SEL=d.multiple // d.output - 1,
            p_ODIV_SEL=d.output,
            p_CLKFB_SEL="internal",
            **{f"p_DYN_{name}_SEL": "false" for name in ("IDIV", "FBDIV", "ODIV")},
            p_DYN_SDIV_SEL=2,
            **{f"i_{name}": Const(0) for name in low},
            **{f"i_{name}": Const(0, width) for name, width in wide.items()},
            i_CLKIN=self.i,
            o_CLKOUT=self.o,
            o_LOCK=self.locked,
        )

    def xc7(self, m: Module) -> None:
        """PLLE2_BASE, and a global buffer behind it."""
        d, fed_back, fast = self.dividers, Signal(), Signal()
        m.submodules.cell = Instance(
            "PLLE2_BASE",
            p_BANDWIDTH="OPTIMIZED",
            p_CLKIN1_PERIOD=1e9 / d.oscillator_hz,
            p_DIVCLK_DIVIDE=d.reference,
            p_CLKFBOUT_MULT=d.multiple,
            p_CLKOUT0_DIVIDE=d.output,
            i_CLKIN1=self.i,
            i_CLKFBIN=fed_back,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
            o_CLKFBOUT=fed_back,
            o_CLKOUT0=fast,
            o_LOCKED=self.locked,
        )
        m.submodules.buffer = Instance("BUFG", i_I=fast, o_O=self.o)
