"""Boards as data: the FPGA on each, its oscillator, the pins in use, and the arguments that the tools want for it."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from hw.plan.device import Device, device
from sw.errors import SubbitError

__all__ = ["BOARDS", "Board", "Memory", "Site", "board"]

PllInput = Literal["pad", "core"]


@dataclass(frozen=True)
class Site:
    """A pin by its name in amaranth-boards: a resource ("clk12", "led#3", "uart.rx") or a place on a connector
    ("io_0:1"). ``attributes`` are added to those of the resource."""

    name: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Memory:
    """The flash memory that a board starts from: its pins, and the ``address`` behind the bitstream at which a design
    finds what it has to load."""

    cs: Site
    sck: Site
    mosi: Site
    miso: Site
    address: int


@dataclass(frozen=True)
class Board:
    """A board, and how a design gets onto it.

    ``name``: what the command line takes; ``title``: what people call it; ``device_name``: the FPGA, as
    `hw.plan.device` knows it; ``platform``: module and class in amaranth-boards that have its pins. ``clock``, ``rx``,
    ``tx`` and ``leds`` (by what they show: ready, active, fault) say where the ports of a design go. ``oscillator_hz``
    comes in on ``clock``. ``pll_input``: how an iCE40's PLL is reached from there, as the pad beside it or through the
    fabric. ``place`` and ``pack`` are the arguments by which nextpnr and the bitstream packer know the chip; ``flash``
    is the command that the bitstream's name is put behind. ``memory``: where the FPGA has RAM that comes up empty.
    ``uart``: where the serial line is; ``note``: what else to know.
    """

    name: str
    title: str
    device_name: str
    platform: str
    clock: Site
    oscillator_hz: int
    rx: Site
    tx: Site
    leds: Mapping[str, Site]
    place: tuple[str, ...]
    flash: tuple[str, ...]
    uart: str
    pack: tuple[str, ...] = ()
    pll_input: PllInput = "core"
    memory: Memory | None = None
    note: str = ""

    @property
    def device(self) -> Device:
        """The FPGA."""
        return device(self.device_name)

    @property
    def family(self) -> str:
        """That of the FPGA."""
        return self.device.family

    def sites(self, *, loads: bool = False) -> dict[str, Site]:
        """Every port of a design for this board and its pin, in the order of the constraints.

        ``loads``: the design reads from flash memory, whose pins are needed.
        """
        sites = {"clk": self.clock, "rx": self.rx, "tx": self.tx} | {f"led_{k}": v for k, v in self.leds.items()}
        if loads:
            assert self.memory is not None
            memory = {name: getattr(self.memory, name) for name in ("cs", "sck", "mosi", "miso")}
            sites |= {f"flash_{name}": site for name, site in memory.items()}
        return sites


UART_RX, UART_TX = Site("uart.rx"), Site("uart.tx")
USB = "the board's own USB"
#: An UP5K's bitstream has 104,090 bytes.
UP5K_MEMORY = Memory(*(Site(f"spi_flash_1x.{name}") for name in ("cs", "clk", "copi", "cipo")), address=0x20000)
UP5K = ("--up5k", "--package", "sg48")
ULX3S = ("--package", "CABGA381", "--speed", "6")
ORANGECRAB = ("--package", "CSFBGA285", "--speed", "8")
BG256 = ("--25k", "--package", "CABGA256", "--speed", "6")
COMPRESS = ("--compress",)
#: An idle line is high: a header pin that nothing is plugged into must read so.
PULLED_UP = {"IO_TYPE": "LVCMOS33", "PULLMODE": "UP"}

_ulx3s = Board(
    name="ulx3s-25f",
    title="ULX3S 25F",
    device_name="ecp5-25f",
    platform="ulx3s.ULX3S_25F_Platform",
    clock=Site("clk25"),
    oscillator_hz=25_000_000,
    rx=UART_RX,
    tx=UART_TX,
    leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
    place=("--25k", *ULX3S),
    pack=COMPRESS,
    flash=("openFPGALoader", "-b", "ulx3s"),
    uart=f"{USB} (US1)",
)

_orangecrab = Board(
    name="orangecrab-25f",
    title="OrangeCrab r0.2 25F",
    device_name="ecp5-25f",
    platform="orangecrab_r0_2.OrangeCrabR0_2_25FPlatform",
    clock=Site("clk"),
    oscillator_hz=48_000_000,
    rx=Site("io_0:0", PULLED_UP),
    tx=Site("io_0:1", {"IO_TYPE": "LVCMOS33"}),
    leds={"ready": Site("rgb_led.g"), "active": Site("rgb_led.b"), "fault": Site("rgb_led.r")},
    place=("--25k", *ORANGECRAB),
    pack=(*COMPRESS, "--freq", "38.8"),
    flash=("dfu-util", "-d", "1209:5af0", "-a", "0", "-D"),
    uart="a 3.3 V adapter at header pins 0 (its TX) and 1 (its RX)",
    note="Hold the button while plugging it in, so that its bootloader answers.",
)

BOARDS: tuple[Board, ...] = (
    Board(
        name="icebreaker",
        title="iCEBreaker",
        device_name="ice40-up5k",
        platform="icebreaker.ICEBreakerPlatform",
        clock=Site("clk12"),
        oscillator_hz=12_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led_g"), "fault": Site("led_r")},
        place=UP5K,
        memory=UP5K_MEMORY,
        flash=("iceprog",),
        uart=f"{USB}, its second port",
        pll_input="pad",
    ),
    Board(
        name="icesugar",
        title="iCESugar",
        device_name="ice40-up5k",
        platform="icesugar.ICESugarPlatform",
        clock=Site("clk12"),
        oscillator_hz=12_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led_g"), "active": Site("led_b"), "fault": Site("led_r")},
        place=UP5K,
        memory=UP5K_MEMORY,
        flash=("icesprog",),
        uart=USB,
        pll_input="pad",
        note="Copying the bitstream to the drive that the board shows does as well as icesprog.",
    ),
    Board(
        name="upduino3",
        title="UPduino 3",
        device_name="ice40-up5k",
        platform="upduino_v3.UpduinoV3Platform",
        clock=Site("clk12"),
        oscillator_hz=12_000_000,
        rx=Site("j_0:20", {"PULLUP": 1}),
        tx=Site("j_0:19"),
        leds={"ready": Site("rgb_led.g"), "active": Site("rgb_led.b"), "fault": Site("rgb_led.r")},
        place=UP5K,
        memory=UP5K_MEMORY,
        flash=("iceprog",),
        uart="a 3.3 V adapter at gpio_28 (its TX) and gpio_38 (its RX)",
        note="Close the OSC jumper, which brings 12 MHz to gpio_20. The lines of its USB chip are the flash memory's "
        "too, so the link does not use them.",
    ),
    Board(
        name="hx8k-evn",
        title="iCE40-HX8K-B-EVN",
        device_name="ice40-hx8k",
        platform="ice40_hx8k_b_evn.ICE40HX8KBEVNPlatform",
        clock=Site("clk12"),
        oscillator_hz=12_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
        place=("--hx8k", "--package", "ct256"),
        flash=("iceprog",),
        uart=f"{USB}, its second port",
        note="With the jumpers set for programming the chip itself, it is iceprog -S.",
    ),
    Board(
        name="tinyfpga-bx",
        title="TinyFPGA BX",
        device_name="ice40-lp8k",
        platform="tinyfpga_bx.TinyFPGABXPlatform",
        clock=Site("clk16"),
        oscillator_hz=16_000_000,
        rx=Site("gpio_0:2", {"PULLUP": 1}),
        tx=Site("gpio_0:1"),
        leds={"ready": Site("led#0")},
        place=("--lp8k", "--package", "cm81"),
        flash=("tinyprog", "-p"),
        uart="a 3.3 V adapter at pins 2 (its TX) and 1 (its RX)",
    ),
    _ulx3s,
    replace(
        _ulx3s,
        name="ulx3s-85f",
        title="ULX3S 85F",
        device_name="ecp5-85f",
        platform="ulx3s.ULX3S_85F_Platform",
        place=("--85k", *ULX3S),
    ),
    _orangecrab,
    replace(
        _orangecrab,
        name="orangecrab-85f",
        title="OrangeCrab r0.2 85F",
        device_name="ecp5-85f",
        platform="orangecrab_r0_2.OrangeCrabR0_2_85FPlatform",
        place=("--85k", *ORANGECRAB),
    ),
    Board(
        name="colorlight-5a-75b",
        title="Colorlight 5A-75B r7.0",
        device_name="ecp5-25f",
        platform="colorlight_5a75b_r7_0.Colorlight_5A75B_R70Platform",
        clock=Site("clk25"),
        oscillator_hz=25_000_000,
        rx=Site("uart.rx", {"PULLMODE": "UP"}),
        tx=UART_TX,
        leds={},
        place=BG256,
        pack=COMPRESS,
        flash=("openFPGALoader", "-c", "ft232"),
        uart="a 3.3 V adapter at J19: KEY+ (its TX) and DATA_LED- (its RX)",
        note="Its only LED hangs on tx and flickers with the answers. It has no USB: a JTAG adapter is needed.",
    ),
    Board(
        name="icepi-zero",
        title="ICEPi Zero 1.3",
        device_name="ecp5-25f",
        platform="icepi_zero.IcepiZero1_3Platform",
        clock=Site("clk50"),
        oscillator_hz=50_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
        place=BG256,
        pack=COMPRESS,
        flash=("openFPGALoader", "-b", "icepi-zero"),
        uart=USB,
    ),
    Board(
        name="tang-nano-9k",
        title="Tang Nano 9K",
        device_name="gw1nr-9",
        platform="tang_nano_9k.TangNano9kPlatform",
        clock=Site("clk27"),
        oscillator_hz=27_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
        place=("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
        pack=("-d", "GW1N-9C", "--sspi_as_gpio", "--mspi_as_gpio"),
        flash=("openFPGALoader", "-b", "tangnano9k"),
        uart=USB,
    ),
    Board(
        name="tang-primer-20k",
        title="Tang Primer 20K with its dock",
        device_name="gw2a-18",
        platform="tang_primer_20k.TangPrimer20kDockPlatform",
        clock=Site("clk27"),
        oscillator_hz=27_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
        place=("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18C"),
        pack=("-d", "GW2A-18C", "--mspi_as_gpio", "--sspi_as_gpio", "--ready_as_gpio", "--done_as_gpio"),
        flash=("openFPGALoader", "-b", "tangprimer20k"),
        uart=f"{USB}, on the dock",
    ),
    Board(
        name="arty-a7-35t",
        title="Arty A7-35T",
        device_name="artix7-35t",
        platform="arty_a7.ArtyA7_35Platform",
        clock=Site("clk100"),
        oscillator_hz=100_000_000,
        rx=UART_RX,
        tx=UART_TX,
        leds={"ready": Site("led#0"), "active": Site("led#1"), "fault": Site("led#2")},
        place=("xc7a35ticsg324-1L",),
        flash=("openFPGALoader", "-b", "arty_a7_35t"),
        uart=USB,
    ),
)


def board(name: str) -> Board:
    """The board of that name; case and punctuation do not matter. Raises SubbitError, with those that come near."""
    names = {_key(text): known for known in BOARDS for text in (known.name, known.title)}
    if _key(name) in names:
        return names[_key(name)]
    near = [names[key] for key in difflib.get_close_matches(_key(name), names, n=4, cutoff=0.5)]
    near += [known for known in BOARDS if _key(name) and _key(name) in _key(known.name)]
    offered = list(dict.fromkeys(known.name for known in near))
    if offered:
        raise SubbitError(f"{name} is no board known here: did you mean {' or '.join(offered)}?")
    raise SubbitError(f"{name} is no board known here: take one of {', '.join(known.name for known in BOARDS)}.")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
