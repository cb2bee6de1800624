"""The whole flow on a tiny design, with programs that do as they are told in place of nextpnr and icepack."""

import json
import re
import time

import pytest

from boards.board import board
from boards.build import routing
from boards.build.build import Builder
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.seeds import Attempt
from boards.build.tools import Runner

BOARD = board("icebreaker")


@pytest.fixture
def build(fake, place, told):
    """Takes the design in the workplace through the flow."""

    def run(seeds=3, jobs=1, seed_seconds=None):
        with Runner() as runner:
            builder = Builder(place, BOARD, ["conv1"], runner, told[1])
            return builder.implement(builder.measure(), seeds, jobs, seed_seconds)

    return run


def test_the_first_seed_that_meets_the_clock_ends_the_search(build, fake, place):
    fake.set(achieved={"1": 11.0, "2": 12.5, "3": 30.0})
    made = build()
    assert fake.ran == [1, 2]
    assert (made.seed, made.timing.met, made.timing.clocks[0].achieved_mhz) == (2, True, 12.5)
    assert (place.path / "top.bin").read_text() == "packed seed 2"
    assert (place.path / "routed.json").read_text() == "seed 2"
    assert [(each.seed, each.met) for each in made.attempts] == [(1, False), (2, True)]
    assert made.used == {"logic cells": (12, 5280), "block RAMs of 4 kbit": (0, 30)}
    assert [run["tool"] for run in made.runs] == ["yosys", "nextpnr-ice40, seed 1", "nextpnr-ice40, seed 2", "icepack"]
    assert all(run["seconds"] >= 0 and run["peak_mib"] > 1 for run in made.runs)
    assert made.areas.stages["conv1"].ffs == 8
    assert made.timing.path_text() == "conv1 (o, 40.0 ns in 1 cell, 0.0 ns in wires)"


def test_weights_are_put_behind_the_bitstream(build, place):
    name, address = "weights.bin", 40
    description = json.loads((place.path / "board.json").read_text())
    (place.path / "board.json").write_text(json.dumps(description | {"weights": {"file": name, "address": address}}))
    (place.path / name).write_bytes(b"weights")
    assert build().bitstream == "flash.bin"
    image = (place.path / "flash.bin").read_bytes()
    assert image == (place.path / "top.bin").read_bytes().ljust(address, b"\xff") + b"weights"
    assert place.sizes()["flash.bin"] == len(image)


def test_a_device_that_is_nearly_full_gets_a_denser_synthesis(build, fake, place, told):
    fake.set(used={"ICESTORM_LC": [5068, 5280]})
    assert build().seed == 1
    assert fake.packed == [False]
    place.forget("fitting")
    fake.set(used={"ICESTORM_LC": [5069, 5280]})
    assert build().seed == 1
    assert fake.packed[1:] == [False, True]
    assert "synthesis: 5,069 of 5,280 cells are hard to place: once more, for fewer" in told[0]
    told[0].clear()
    build()
    assert len(fake.packed) == 3
    assert told[0][0] == "denser synthesis: done before"


def test_a_netlist_is_tightened_where_the_design_asks_for_it(build, fake, place, told):
    text = (place.path / "top.sv").read_text()
    step = "wire [4:0] t = sum[7:4] + sum[3:0]; assign tx = t[3] ? t[2] | t[1] & rx : 0;"
    (place.path / "top.sv").write_text(text.replace("assign tx = ^sum;", step))
    fake.set(used={"ICESTORM_LC": [5069, 5280]})
    plain = build()
    description = json.loads((place.path / "board.json").read_text())
    (place.path / "board.json").write_text(json.dumps(description | {"tightened": True}))
    made = build()
    assert [run["tool"] for run in made.runs][:2] == ["yosys", "yosys"]
    assert "tightening: yosys" in told[0]
    assert 0 < made.areas.total.luts < plain.areas.total.luts
    assert made.areas.stages["conv1"].ffs == plain.areas.stages["conv1"].ffs == 8
    written = (place.path / "synth.v").read_text()
    assert len(re.findall("^module ", written, re.M)) == 1
    assert len(re.findall("^  SB_LUT4 #", written, re.M)) == made.areas.total.luts
    told[0].clear()
    build()
    assert told[0][:2] == ["denser synthesis: done before", "tightening: done before"]


def test_where_none_meets_the_clock_the_best_is_kept(build, fake, place):
    fake.set(achieved={"1": 9.0, "2": 11.0, "3": 10.0})
    made = build()
    assert fake.ran == [1, 2, 3]
    assert (made.seed, made.timing.met) == (2, False)
    assert (place.path / "top.bin").read_text() == "packed seed 2"
    assert not (place.path / "seeds").exists()


def test_what_is_done_is_not_done_again(build, fake, told):
    fake.set(achieved={"1": 9.0, "2": 11.0, "3": 10.0, "4": 10.5, "5": 13.0})
    first = build(seeds=3)
    told[0].clear()
    again = build(seeds=3)
    assert fake.ran == [1, 2, 3]
    assert told[0] == ["synthesis: done before", "place and route: 3 of 3 seeds done before", "packing: done before"]
    assert (again.seed, again.timing, again.attempts, again.runs) == (2, first.timing, first.attempts, first.runs)
    more = build(seeds=6)
    assert fake.ran == [1, 2, 3, 4, 5]
    assert (more.seed, more.timing.met) == (5, True)


def test_packing_alone_leaves_the_files_of_a_routed_design(build, fake, place):
    build(seeds=1)
    place.forget("fitting")
    place.forget("packing")
    build(seeds=1)
    assert fake.ran == [1]
    assert (place.path / "top.bin").read_text() == "packed seed 1"


def test_another_netlist_is_routed_anew(build, fake, place):
    build()
    (place.path / "top.sv").write_text((place.path / "top.sv").read_text().replace("^sum", "&sum"))
    build()
    (place.path / "top.pcf").write_text("set_io clk 20\nset_io rx 6\nset_io tx 9\n")
    build()
    assert fake.ran == [1, 1, 1]


def test_a_finished_seed_survives_an_interruption(fake, place):
    fake.set(achieved={"1": 9.0, "2": 13.0})
    said = []

    def tell(text):
        said.append(text)
        if text == "seed 2: packing" and said.count(text) == 1:
            raise KeyboardInterrupt

    for _ in range(2):
        with Runner() as runner:
            builder = Builder(place, BOARD, ["conv1"], runner, tell)
            measured = builder.measure()
            try:
                made = builder.implement(measured, 3, 1)
            except KeyboardInterrupt:
                assert not (place.path / "top.bin").exists()
    assert fake.ran == [1, 2, 2]
    assert (made.seed, made.timing.met) == (2, True)


def test_lost_files_of_the_best_seed_are_made_again(build, fake, place):
    build()
    (place.path / "top.asc").unlink()
    assert build().timing.met
    assert fake.ran == [1, 1]


def test_a_seed_that_cannot_be_routed_is_passed_over(build, fake, told):
    fake.set(fails={"1": "ERROR: Failed to route arc 0 of net 'x'"}, crashes=["2"])
    made = build()
    assert made.seed == 3
    assert [each.problem for each in made.attempts] == ["Failed to route arc 0 of net 'x'", "ended by signal 6", ""]
    assert "seed 1: Failed to route arc 0 of net 'x'" in told[0]


def test_a_seed_that_does_not_end_is_given_up(build, fake, place, told, monkeypatch):
    fake.set(achieved={"1": 9.0, "2": 50.0, "3": 10.0}, sleep={"2": 60})
    # Only the second has little time: others are slow as well where much else runs.
    monkeypatch.setattr(routing, "patience", lambda attempts, limit: limit if fake.ran[-1:] == [2] else 60)
    start = time.monotonic()
    made = build(seeds=3, jobs=1, seed_seconds=0.5)
    assert time.monotonic() - start < 50
    assert (made.seed, [attempt.seed for attempt in made.attempts]) == (3, [1, 2, 3])
    assert re.fullmatch(r"given up after 0\.\d+ minutes", made.attempts[1].problem)
    assert any(re.fullmatch(r"seed 2: given up after 0\.\d+ minutes", line) for line in told[0])
    # It is not on record: with more time it is tried again, and the others are not.
    fake.set(achieved={"1": 9.0, "2": 50.0, "3": 10.0}, sleep={})
    assert build(seeds=3, jobs=1, seed_seconds=60).seed == 2
    assert fake.ran == [1, 2, 3, 2]


def test_how_long_a_seed_may_take():
    routed = [Attempt(seed, seconds, None, ()) for seed, seconds in ((1, 100.0), (2, 1000.0))]
    failed = Attempt(3, 9000.0, None, None, "no room")
    assert routing.patience([], None) == routing.patience([failed], None) == 6 * 3600
    assert routing.patience([*routed[:1], failed], None) == 600
    assert routing.patience([*routed, failed], None) == 4000
    assert routing.patience([*routed, failed], 30.0) == 30


def test_no_seed_ends(build, fake):
    fake.set(achieved={"1": 9.0}, sleep={"1": 60})
    with pytest.raises(BuildFailure, match=r"^the only seed could not be placed and routed: given up after 0\.\d+ min"):
        build(seeds=1, jobs=1, seed_seconds=0.5)


def test_no_seed_can_be_routed(build, fake):
    fake.set(fails={seed: f"ERROR: no way, {seed}" for seed in "123"})
    with pytest.raises(BuildFailure, match=r"^none of 3 seeds could be placed and routed: no way, 1$"):
        build()
    with pytest.raises(BuildFailure, match=r"^the only seed could not be placed and routed: no way, 1$"):
        build(seeds=1)


def test_a_design_that_is_too_large_is_not_placed(build, fake):
    fake.set(used={"ICESTORM_LC": [6012, 5280], "ICESTORM_RAM": [33, 30], "SB_IO": [3, 39]})
    sentence = (
        "^the design takes 6,012 logic cells where there are 5,280 and 33 block RAMs of 4 kbit where there are 30$"
    )
    with pytest.raises(DoesNotFit, match=sentence) as caught:
        build()
    assert fake.ran == []
    assert caught.value.packed == 6012
    assert caught.value.areas.stages["conv1"].ffs == 8


def test_a_placer_that_cannot_even_pack(build, place, fake):
    fake.set(used={})
    log = place.path / "nextpnr-ice40-pack.log"
    with pytest.raises(BuildFailure, match=rf"^fitting failed: .* \(all that nextpnr-ice40-pack said is in {log}\)$"):
        build()
    # Where there are more tables than the device has, that is why.
    cells = {f"c{index}": {"type": "SB_LUT4"} for index in range(5281)}
    (place.path / "synth.json").write_text(json.dumps({"modules": {"top": {"cells": cells}}}, indent=2))
    sentence = "^the design takes 5,281 look-up tables where there are 5,280$"
    with pytest.raises(DoesNotFit, match=sentence) as caught:
        build()
    assert caught.value.packed is None


def test_verilog_that_yosys_refuses(build, place):
    (place.path / "top.sv").write_text("module top(input clk); nonsense\nendmodule\n")
    log = place.path / "yosys.log"
    with pytest.raises(BuildFailure, match=rf"^synthesis failed: .*ERROR.*all that yosys said is in {log}\)$"):
        build()
    assert "ERROR" in log.read_text()


def test_a_packer_that_fails(build, fake, place):
    (fake.folder / "icepack.crashes").write_text("")
    log = place.path / "icepack.log"
    with pytest.raises(
        BuildFailure, match=rf"^packing failed: Error: no such tile \(all that icepack said is in {log}\)$"
    ):
        build()
    (fake.folder / "icepack.crashes").unlink()
    assert build().timing.met
    assert fake.ran == [1]


def test_which_programs_ran(build):
    programs = build().programs
    assert set(programs) == {"yosys", "nextpnr-ice40", "icepack"}
    assert programs["nextpnr-ice40"] == {"program": "nextpnr-ice40", "version": "0.9", "from": "native", "remark": ""}


def test_seeds_at_the_same_time(build, fake, place):
    fake.set(achieved={"1": 9.0, "2": 13.0, "3": 9.5}, sleep={"1": 30, "3": 30})
    made = build(seeds=3, jobs=3)
    assert 2 in fake.ran
    assert [each.seed for each in made.attempts] == [2]
    assert not (place.path / "seeds").exists()
