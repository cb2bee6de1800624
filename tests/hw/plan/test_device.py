"""Devices are found by any common spelling of their names, and hold what their data sheets say."""

import pytest

from hw.plan.device import DEVICES, device
from hw.plan.memory import MEMORIES
from sw.errors import SubbitError


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("ice40-up5k", "ice40-up5k"),
        ("iCE40UP5K", "ice40-up5k"),
        ("hx8k", "ice40-hx8k"),
        ("ice40hx8k", "ice40-hx8k"),
        ("ECP5_25F", "ecp5-25f"),
        ("LFE5U-85F", "ecp5-85f"),
        ("iCE40LP8K", "ice40-lp8k"),
        ("GW1NR-LV9", "gw1nr-9"),
        ("GW2A-18C", "gw2a-18"),
        ("xc7a35t", "artix7-35t"),
    ],
)
def test_a_device_has_many_spellings(spelling, name):
    assert device(spelling).name == name


def test_an_unknown_device_is_answered_with_the_known_ones():
    known = (
        "ice40-up5k, ice40-hx1k, ice40-hx8k, ice40-lp8k, ecp5-12f, ecp5-25f, ecp5-45f, ecp5-85f, gw1nr-9, gw2a-18, "
        "artix7-35t"
    )
    with pytest.raises(SubbitError, match=f"^xcvu9p is no device known here: take one of {known}.$"):
        device("xcvu9p")


def test_no_spelling_means_two_devices():
    spellings = [spelling for known in DEVICES for spelling in (known.name, *known.aliases)]
    assert len(spellings) == len(set(spellings))
    assert all(device(spelling) is known for known in DEVICES for spelling in (known.name, *known.aliases))


@pytest.mark.parametrize("known", DEVICES, ids=lambda known: known.name)
def test_a_device_is_complete(known):
    assert known.family in MEMORIES
    assert min(known.luts, known.ffs, known.block_rams, known.clock_mhz) > 0
    assert known.source
    assert known.lut_inputs == (6 if known.family == "xc7" else 4)
    assert known.has_lut_ram == (known.family != "ice40")
    assert known.block_bits == (4096 if known.family == "ice40" else 18432)
