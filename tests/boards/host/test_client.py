"""The host against a board in Python, on lines that do every kind of harm, and with boards that go away or change."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from boards.host import Client
from boards.link.protocol import REPLY, Chunk, Frame, Kind, Splitter
from sw.errors import SubbitError
from tests.boards.host.channel import Channel, Forgery, Harm, description, model_of

BOARD = description()
RNG = np.random.default_rng(3)
ONE_PERCENT = Harm(change=0.01)


def pictures(count, board=BOARD):
    """Images, some of which are equal, next to each other and further apart, and some of which are almost equal."""
    images = RNG.integers(0, 256, (count, board.height, board.width, board.channels), dtype=np.uint8)
    images[RNG.random(count) < 0.2] = images[0]
    almost = RNG.random(count) < 0.1
    images[almost] = images[0]
    images[almost, -1, -1] ^= 1
    return images


def truth(board, images):
    model = model_of(board)
    return [board.decode(model.computes(image)) for image in board.encode(images)]


def opened(channel, board=BOARD, **options):
    return Client(channel, board, clock=channel.clock, **options)


def assert_right(client, images, board=BOARD):
    """Every image has its answer, and it is the right one."""
    answers = client.classify(images)
    for place, (scores, winner) in enumerate(truth(board, images)):
        assert answers.classes[place] == winner
        if scores is not None:
            np.testing.assert_array_equal(answers.scores[place], scores)


def test_a_good_line_is_used_to_the_full():
    board = description(28, 28, classes=10)
    channel = Channel(model_of(board, instant=False), computing=2e-4)
    client = opened(channel, board)
    began, images = channel.now, pictures(100, board)
    assert_right(client, images, board)
    wire = 100 * 784 * 1e-5
    assert channel.now - began < 1.1 * wire
    assert (client.statistics.resumed, client.statistics.damaged, client.statistics.rejected) == (0, 0, 0)
    assert client.counters().images == 100


@pytest.mark.parametrize("output", ["scores", "class"])
def test_a_thousand_images_with_one_byte_in_a_hundred_damaged_both_ways(output):
    board = description(8, 8, output=output, classes=10)
    channel = Channel(model_of(board, instant=False), ONE_PERCENT, ONE_PERCENT, computing=2e-4)
    client = opened(channel, board)
    assert_right(client, pictures(1000, board), board)
    assert client.statistics.damaged > 500  # the line did what it should


chances = st.sampled_from([0.0, 0.0, 0.001, 0.01])
harms = st.builds(
    Harm,
    change=chances,
    flip=chances,
    lose=chances,
    double=chances,
    insert=chances,
    cut=st.sampled_from([0.0, 0.05, 0.2]),
    again=st.sampled_from([0.0, 0.05, 0.2]),
)
unhurried = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@example(
    # Replies that came only when the next question was sent: the waiting must not grow with them.
    there=Harm(change=0.01, flip=0.01, lose=0.01, insert=0.01, cut=0.2, again=0.2),
    back=Harm(change=0.01, flip=0.01, lose=0.01, insert=0.01, cut=0.2),
    seed=16777217,
    latency=0.0,
    computing=0.0,
)
@given(
    there=harms,
    back=harms,
    seed=st.integers(0, 1 << 30),
    latency=st.sampled_from([0.0, 1e-3, 2e-2]),
    computing=st.sampled_from([0.0, 2e-4, 5e-2]),
)
def test_any_harm_is_made_good(there, back, seed, latency, computing):
    channel = Channel(model_of(BOARD, instant=False), there, back, seed, latency, computing)
    assert_right(opened(channel, patience=300), pictures(12))


@unhurried
@given(there=st.sampled_from([0.0, 0.02, 0.1]), back=st.sampled_from([0.0, 0.02, 0.1]), seed=st.integers(0, 1 << 30))
def test_no_wrong_answer_passes_even_where_the_crc_16_sees_nothing(there, back, seed):
    channel = Channel(model_of(BOARD, instant=False), Forgery(there), Forgery(back), seed)
    assert_right(opened(channel, patience=600), pictures(30))


def test_a_forged_answer_is_seen():
    channel = Channel(model_of(BOARD), back=Forgery(0.1))
    client = opened(channel, patience=600)
    assert_right(client, pictures(200))
    assert client.statistics.rejected > 5


class Liar:
    """Changes flag or check of so many answers, and of what comes before them, and the CRC-16 with it."""

    def __init__(self, lies):
        self.lies = lies

    def __call__(self, data, chance):
        out = b""
        for frame in Splitter()(data):
            payload = bytearray(frame.payload)
            if frame.kind in (Kind.IMAGE | REPLY, Kind.ANSWER) and self.lies > 0:
                payload[-1] ^= 2
                self.lies -= frame.kind == Kind.ANSWER
            out += Frame(frame.kind, frame.sequence, bytes(payload)).encode()
        return out


def test_an_image_is_sent_again_though_the_board_seems_to_load():
    client = opened(Channel(model_of(BOARD), back=Liar(5)))
    assert_right(client, pictures(3))
    assert client.statistics.rejected == 5


def test_a_board_that_gives_only_wrong_answers():
    client = opened(Channel(model_of(BOARD), back=Liar(1 << 20)))
    with pytest.raises(
        SubbitError,
        match="^the board gave 12 wrong answers to one image: flash it again, and have it checked if that does not "
        "help$",
    ):
        client.classify(pictures(1))


def test_numbers_go_round_many_times():
    channel = Channel(model_of(BOARD, instant=False), Harm(lose=0.002), Harm(lose=0.002))
    assert_right(opened(channel), pictures(900))


@settings(unhurried, max_examples=30)
@given(times=st.lists(st.floats(0, 0.05), min_size=1, max_size=4), seed=st.integers(0, 1 << 30))
def test_a_board_that_loses_power_in_between(times, seed):
    model = model_of(BOARD, instant=False)
    channel = Channel(model, Harm(lose=0.001), Harm(lose=0.001), seed)
    client = opened(channel)
    for time in times:
        channel.when(channel.now + time, model.power_up)
    assert_right(client, pictures(40))


@settings(unhurried, max_examples=30)
@given(time=st.floats(0, 0.03), seed=st.integers(0, 1 << 30))
@example(time=0.0, seed=0)
def test_a_board_that_gets_another_network_in_between(time, seed):
    model, other = model_of(BOARD, instant=False), description(identity=b"another!")
    channel = Channel(model, Harm(change=0.001), Harm(change=0.001), seed)
    client = opened(channel)

    def configure():
        channel.board = model_of(other, instant=False)
        compute = channel.board.computes
        channel.board.computes = lambda image: bytes(byte ^ 1 for byte in compute(image))

    channel.when(channel.now + time, configure)
    images = pictures(200)
    expected, given = truth(BOARD, images), []
    with pytest.raises(SubbitError, match="^the board holds another network "):
        for place, winner, scores in client.answers(images):
            given.append(place)
            assert winner == expected[place][1]
            np.testing.assert_array_equal(scores, expected[place][0])
    assert len(given) < 200


@settings(unhurried, max_examples=40)
@given(left=st.integers(0, 90), images=st.integers(0, 20), seed=st.integers(0, 1 << 30))
def test_a_host_that_vanishes_leaves_nothing_behind(left, images, seed):
    model = model_of(BOARD, instant=False)
    channel = Channel(model, Harm(lose=0.002), Harm(lose=0.002), seed, latency=5e-3, computing=3e-3)
    before = opened(channel)
    answers = before.answers(pictures(30))
    for _ in range(images):
        next(answers)
    # In the middle of a frame, with replies still on their way.
    channel.write(Frame(Kind.IMAGE, 1, Chunk(0, 0, bytes(80)).pack()).encode()[:left])
    assert_right(opened(channel), pictures(20))


def test_a_call_that_was_given_up_does_not_disturb_the_next():
    client = opened(Channel(model_of(BOARD)))
    for count in (1, 3, 7):
        answers = client.answers(pictures(10))
        for _ in range(count):
            next(answers)
    assert_right(client, pictures(10))


def test_late_answers_of_an_earlier_image_are_passed_over():
    channel = Channel(model_of(BOARD, instant=False), computing=0.5)
    client = opened(channel, patience=60)
    images = pictures(4)
    images[1:] = images[1:] + np.arange(1, 4, dtype=np.uint8)[:, None, None, None]
    assert_right(client, images)
    assert client.statistics.rejected == 0


def test_a_slow_accelerator_makes_the_host_send_less():
    model = model_of(BOARD, instant=False)
    channel = Channel(model, computing=0.02)
    assert_right(opened(channel), pictures(60))
    assert model.overruns < 60


def test_weights_that_are_still_being_loaded_are_waited_for():
    model = model_of(BOARD)
    model.ready = False
    channel = Channel(model)
    channel.when(1.5, lambda: setattr(model, "ready", True))
    assert_right(opened(channel), pictures(5))
    model.ready = False
    with pytest.raises(SubbitError, match="^the board has not loaded its weights: flash it again, with the weights$"):
        opened(channel).classify(pictures(1))


def test_a_board_that_says_nothing():
    channel = Channel(model_of(BOARD), there=Harm(lose=1.0))
    with pytest.raises(
        SubbitError,
        match="^/dev/x gave no answer for 3 seconds: is the board powered and flashed, "
        "and 1000000 baud what it was built for\\?$",
    ):
        opened(channel, patience=3, name="/dev/x")
    assert 3 <= channel.now < 4


def test_a_board_that_falls_silent():
    channel = Channel(model_of(BOARD))
    client = opened(channel, patience=2)
    channel.there = Harm(lose=1.0)
    with pytest.raises(SubbitError, match="^the board gave no answer for 2 seconds: "):
        client.classify(pictures(3))


def test_a_port_on_which_something_else_speaks():
    channel = Channel(model_of(BOARD), back=Harm(change=1.0))
    with pytest.raises(SubbitError, match="^what comes from the board cannot be read: is it the board's port, and "):
        opened(channel)


def test_the_board_of_another_network_is_refused():
    other = description(identity=bytes(8))
    with pytest.raises(
        SubbitError,
        match="^the board holds another network \\(0123456789abcdef, not 0000000000000000\\): "
        "name the folder that it was built in, or flash this one$",
    ):
        opened(Channel(model_of(BOARD)), other)


def test_a_board_whose_weights_were_replaced_answers_to_its_new_description_alone():
    replaced = description(identity=b"another!", checked_as=BOARD.identity)
    images = pictures(3)
    answers = opened(Channel(model_of(replaced)), replaced).classify(images)
    assert answers.scores is not None
    np.testing.assert_array_equal(answers.scores, opened(Channel(model_of(BOARD))).classify(images).scores)
    with pytest.raises(SubbitError, match="^the board holds another network \\(616e6f7468657221, not 0123456789abcdef"):
        opened(Channel(model_of(replaced)), BOARD)
    with pytest.raises(SubbitError, match="^the board holds another network \\(0123456789abcdef, not 616e6f7468657221"):
        opened(Channel(model_of(BOARD)), replaced)
    # A host that does not know what the check begins with takes no answer.
    with pytest.raises(SubbitError):
        opened(Channel(model_of(replaced)), description(identity=b"another!"), patience=5).classify(images)


def test_a_board_for_other_images_is_refused():
    with pytest.raises(SubbitError, match="^the board takes images or gives results of another size: name the folder "):
        opened(Channel(model_of(BOARD)), description(5, 8))


def test_a_forged_identity_does_not_make_the_host_refuse_its_board():
    for seed in range(30):
        opened(Channel(model_of(BOARD), back=Forgery(0.3), seed=seed), patience=600)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (
            np.zeros((2, 5, 8, 1), np.uint8),
            "images must be (n, 6, 8, 1) for the network on this board, not (2, 5, 8, 1)",
        ),
        (np.zeros((6, 8), np.uint8), "images must be (n, 6, 8, 1) for the network on this board, not (6, 8)"),
        (np.zeros((2, 6, 8, 1)), "pixels must be integers from 0 to 255, not float64"),
        (np.full((2, 6, 8, 1), 256), "pixels must be integers from 0 to 255, not 256"),
        (np.full((2, 6, 8, 1), -1), "pixels must be integers from 0 to 255, not -1"),
    ],
)
def test_images_that_do_not_fit(images, sentence):
    client = opened(Channel(model_of(BOARD)))
    with pytest.raises(SubbitError) as caught:
        client.classify(images)
    assert str(caught.value) == sentence


def test_no_images_have_no_answers():
    client = opened(Channel(model_of(BOARD)))
    answers = client.classify(pictures(1)[:0])
    assert answers.classes.shape == (0,)
    assert answers.scores.shape == (0, 3)


def test_progress_is_told_and_the_port_let_go():
    channel, told = Channel(model_of(BOARD)), []
    with opened(channel) as client:
        client.classify(pictures(3), told.append)
    assert told == [1, 2, 3]
    assert channel.closed
