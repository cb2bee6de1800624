# amaranth: UnusedElaboratable=no
import pytest

from sim.component import check
from sim.simulators import SimulationFailure, available
from tests.sim.components import Combinational, DropsValid, Increment, MovesPayload
from tests.simulators import needs_icarus

VALUES = [(37 * index) % 251 for index in range(60)]


@pytest.mark.parametrize("simulator", available())
def test_right_component_passes(simulator, build_dir):
    (result,) = check(Increment(), VALUES, [x + 1 for x in VALUES], simulators=[simulator], build_dir=build_dir)
    assert (result.tests, result.simulator) == (4, simulator)


@needs_icarus
class TestInIcarus:
    @pytest.fixture
    def refused(self, build_dir):
        """A function that checks a component and gives the sentence with which it was refused."""

        def run(component, expected):
            with pytest.raises(SimulationFailure) as caught:
                check(component, VALUES, expected, simulators=["icarus"], build_dir=build_dir)
            return str(caught.value)

        return run

    def test_model_is_built_once(self, build_dir):
        expected = [x + 1 for x in VALUES]
        for reused in (None, True):
            (result,) = check(Increment(9), VALUES, expected, simulators=["icarus"], build_dir=build_dir)
            assert result.reused is reused or reused is None

    @pytest.mark.parametrize("width", [1, 100])
    def test_any_width(self, width, build_dir):
        values = [(0x9E3779B97F4A7C15F39CC0605CEDC834 * index) % (1 << width) for index in range(20)]
        check(
            Increment(width),
            values,
            [(x + 1) % (1 << width) for x in values],
            simulators=["icarus"],
            build_dir=build_dir,
        )

    def test_component_without_clock(self, build_dir):
        check(Combinational(), VALUES, [x + 1 for x in VALUES], simulators=["icarus"], build_dir=build_dir)

    def test_wrong_beat_is_named(self, refused):
        expected = [x + 1 for x in VALUES]
        expected[7] ^= 4
        said = refused(Increment(), expected)
        assert f"beat 7: hardware {VALUES[7] + 1:#x}, reference {expected[7]:#x}" in said
        assert "gaps=False/stalls=False" in said

    def test_valid_that_falls_is_caught(self, refused):
        said = refused(DropsValid(), [x + 1 for x in VALUES])
        assert "stalls=True: stream o, cycle " in said
        assert "valid fell before ready came" in said

    def test_payload_that_moves_is_caught(self, refused):
        said = refused(MovesPayload(), [x + 1 for x in VALUES])
        assert "payload or last changed before ready came, from " in said

    def test_missing_and_surplus_beats_are_told(self, refused):
        assert "stream o gave 60 of 61 beats and then none" in refused(Increment(), [x + 1 for x in [*VALUES, 0]])
        assert "stream o gave 1 beats more than the reference" in refused(Increment(), [x + 1 for x in VALUES[:-1]])
