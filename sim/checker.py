"""Compares what a simulation wrote, beat by beat, with what the Network computed. Numpy only; it needs no simulator.

The bench writes each stream as lines of hexadecimal digits. A `Checker` reads what has come since the last time, and
names the first difference: of the earliest image the layer that comes first in the Network, and there the first pixel
and channel.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.design import Design, Probe

__all__ = ["RULES", "Checker", "HexStream", "Mismatch"]

RULES = {
    1: "valid or ready is unknown",
    2: "valid fell before ready came",
    3: "payload or last changed before ready came",
    4: "payload or last is unknown while valid is 1",
}

_NIBBLES = np.full(256, 255, np.uint8)
for _value, _digit in enumerate("0123456789abcdef"):
    _NIBBLES[ord(_digit)] = _value


@dataclass(frozen=True)
class Mismatch:
    """The first element that differs: of a layer, or of the ``scores`` or the ``class`` of a result.

    ``row`` and ``column`` are None in a result, where ``channel`` counts classes; ``hardware`` is None where it is
    unknown (X).
    """

    layer: str
    image: int
    row: int | None
    column: int | None
    channel: int
    hardware: int | None
    model: int

    def __str__(self) -> str:
        values = f"hardware {'unknown' if self.hardware is None else self.hardware}, model {self.model}"
        if self.layer == "class":
            return f"class, image {self.image}: {values}"
        if self.row is None:
            return f"{self.layer}, image {self.image}, class {self.channel}: {values}"
        place = f"row {self.row}, column {self.column}, channel {self.channel}"
        return f"layer {self.layer}, image {self.image}, {place}: {values}"


class HexStream:
    """Beats that a simulation writes to a file. A line is a payload, with ``marks`` also last and the cycle."""

    def __init__(self, path: Path, bits: int, *, marks: bool = False) -> None:
        self.path = path
        self.bits = bits
        self._digits = -(-bits // 4)
        self._line = self._digits + 1 + (11 if marks else 0)
        self._read = 0

    def none(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """No beats, in the form in which ``more`` gives them."""
        return np.zeros((0, self.bits), np.uint8), np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, np.int64)

    def more(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Beats since the last call: bits (n, bits), low bit first; unknown, last and cycle, each (n,)."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
        else:
            text = b""
        lines = len(text) // self._line
        text = text[: lines * self._line]
        self._read += len(text)
        nibbles = _NIBBLES[np.frombuffer(text, np.uint8).reshape(lines, self._line)]
        payload = nibbles[:, : self._digits][:, ::-1]
        unknown = (payload == 255).any(axis=1)
        bits = ((payload[:, :, None] >> np.arange(4, dtype=np.uint8)) & 1).reshape(lines, 4 * payload.shape[1])[
            :, : self.bits
        ]
        if self._line == self._digits + 1:
            return bits, unknown, np.zeros(lines, bool), np.zeros(lines, np.int64)
        last = nibbles[:, self._digits + 1] == 1
        cycle = nibbles[:, self._digits + 3 : self._digits + 11].astype(np.int64) @ (
            16 ** np.arange(7, -1, -1, dtype=np.int64)
        )
        return bits, unknown, last, cycle


def _integers(bits: np.ndarray, *, signed: bool) -> np.ndarray:
    """Integers int64 of bits (..., k), low bit first, k up to 64, two's complement where ``signed``."""
    weights = np.left_shift(np.int64(1), np.arange(bits.shape[-1], dtype=np.int64))
    if signed:
        weights[-1] = -weights[-1]
    return bits.astype(np.int64) @ weights


class LayerTap:
    """One layer's stream against what the Network computed: ``model`` is (images, height, width, channels)."""

    def __init__(self, probe: Probe, model: np.ndarray, folder: Path, index: int) -> None:
        self.probe = probe
        self.beats = 0
        self._model = model.reshape(len(model), probe.elements)
        self._stream = HexStream(folder / f"tap_{index}.hex", probe.lanes * probe.bits)
        self._signed = np.issubdtype(model.dtype, np.signedinteger)
        self._kept = (np.zeros((0, probe.lanes * probe.bits), np.uint8), np.zeros(0, bool))

    def compare(self) -> Mismatch | None:
        """First difference among the images that have come whole since the last call."""
        probe = self.probe
        bits, unknown, _, _ = self._stream.more()
        self.beats += len(bits)
        bits, unknown = np.concatenate([self._kept[0], bits]), np.concatenate([self._kept[1], unknown])
        images = len(bits) // probe.beats
        whole = images * probe.beats
        self._kept = (bits[whole:], unknown[whole:])
        done = (self.beats - len(bits)) // probe.beats
        return self._difference(done, bits[:whole], unknown[:whole])

    def remainder(self) -> Mismatch | None:
        """First difference in the image that has come in part."""
        bits, unknown = self._kept
        return self._difference((self.beats - len(bits)) // self.probe.beats, bits, unknown)

    def _difference(self, start: int, bits: np.ndarray, unknown: np.ndarray) -> Mismatch | None:
        """First difference in beats that begin with the first of image ``start``."""
        probe = self.probe
        room = max(0, len(self._model) - start) * probe.beats
        bits, unknown = bits[:room], unknown[:room]
        images = -(-len(bits) // probe.beats)
        missing = images * probe.beats - len(bits)
        lanes = _integers(bits.reshape(len(bits), probe.lanes, probe.bits), signed=self._signed)
        unknown = np.repeat(unknown[:, None], probe.lanes, axis=1)

        def by_image(array: np.ndarray) -> np.ndarray:
            padded = np.concatenate([array, np.zeros((missing, probe.lanes), array.dtype)])
            return padded.reshape(images, probe.beats * probe.lanes)[:, : probe.elements]

        here = by_image(np.ones(lanes.shape, bool))
        model = self._model[start : start + images]
        hardware, hidden = by_image(lanes), by_image(unknown)
        wrong = here & ((hardware != model) | hidden)
        if not wrong.any():
            return None
        image, element = np.unravel_index(int(wrong.argmax()), wrong.shape)
        pixel, channel = divmod(int(element), probe.channels)
        row, column = divmod(pixel, probe.width)
        shown = None if hidden[image, element] else int(hardware[image, element])
        return Mismatch(probe.layer, start + int(image), row, column, channel, shown, int(model[image, element]))


@dataclass
class Checker:
    """Checks a run as it goes: ``scores`` int64 (images, classes) and ``activations`` by layer are the Network's.

    After `update`: ``images`` results have come, ``wrong`` lists those that differ, ``problem`` is the first thing that
    was found wrong, in words, and ``mismatch`` the element where it is one. ``ends`` are the cycles of the last beat of
    each result.
    """

    design: Design
    folder: Path
    scores: np.ndarray
    activations: dict[str, np.ndarray]
    images: int = 0
    wrong: list[int] = field(default_factory=list)
    problem: str | None = None
    mismatch: Mismatch | None = None

    def __post_init__(self) -> None:
        watched = [probe for probe in self.design.probes if probe.layer in self.activations]
        self.taps = [
            LayerTap(probe, self.activations[probe.layer], self.folder, index) for index, probe in enumerate(watched)
        ]
        self._stream = HexStream(self.folder / "m_axis.hex", self.design.output_bits, marks=True)
        self._left = self._stream.none()
        self._rule_told = False
        self.ends = np.zeros(len(self.scores), np.int64)
        self.hardware_scores = np.zeros((len(self.scores), self.result_beats - 1), np.int64)
        self.hardware_classes = np.zeros(len(self.scores), np.int64)

    @property
    def result_beats(self) -> int:
        """Beats of one result: the scores and then the class, or the class alone."""
        return self.scores.shape[1] + 1 if self.design.output == "scores" else 1

    def update(self) -> None:
        """Compare all that has come since the last call."""
        found = [mismatch for tap in self.taps if (mismatch := tap.compare()) is not None]
        found += self._results()
        if found and self.mismatch is None:
            self.mismatch = min(found, key=lambda mismatch: mismatch.image)
            self._add(str(self.mismatch))
        if not self._rule_told and (rule := self._rule()) is not None:
            self._rule_told = True
            self._add(rule)

    def _add(self, problem: str) -> None:
        self.problem = problem if self.problem is None else f"{self.problem}; {problem}"

    def stopped(self, patience: int) -> None:
        """The accelerator has been still for ``patience`` cycles: say how far each layer came."""
        self.update()
        found = [mismatch for tap in self.taps if (mismatch := tap.remainder()) is not None]
        if self.mismatch is None and found:
            self.mismatch = min(found, key=lambda mismatch: mismatch.image)
            self._add(str(self.mismatch))
        if (extra := len(self._left[0])) >= self.result_beats:
            self._add(f"m_axis gives beats without end: {extra} more than {self.images} results have")
            return
        counts = [f"{tap.probe.layer} {tap.beats % tap.probe.beats} of {tap.probe.beats}" for tap in self.taps]
        beats = f"; beats of the image under way: {', '.join(counts)}" if counts else ""
        self._add(f"the accelerator stopped after {self.images} results: nothing moved for {patience} cycles{beats}")

    def finish(self) -> None:
        """After the last image: nothing may be left over, and every layer must have given all its beats."""
        self.update()
        if self.problem is not None:
            return
        if extra := len(self._left[0]):
            self.problem = f"m_axis gave {extra} beats more than {self.images} results have"
        for tap in self.taps:
            wanted = tap.probe.beats * len(self.scores)
            if self.problem is None and tap.beats != wanted:
                self.problem = f"layer {tap.probe.layer} gave {tap.beats} beats, not {wanted}"

    def _rule(self) -> str | None:
        """The first breach of a stream rule that a tap has written."""
        names = {"s_axis": "s_axis", "m_axis": "m_axis"}
        names |= {f"tap_{index}": f"of layer {tap.probe.layer}" for index, tap in enumerate(self.taps)}
        broken = []
        for name, stream in names.items():
            file = self.folder / f"{name}.rule"
            if file.is_file():
                rule, cycle = map(int, file.read_text().split())
                broken.append((cycle, f"stream {stream}, cycle {cycle}: {RULES[rule]}"))
        return min(broken)[1] if broken else None

    def _results(self) -> list[Mismatch]:
        """First difference of the results that have come whole since the last call; keeps their values."""
        bits, unknown, last, cycle = (
            np.concatenate([before, now]) for before, now in zip(self._left, self._stream.more(), strict=True)
        )
        size, start = self.result_beats, self.images
        images = min(len(bits) // size, len(self.scores) - start)
        whole, stop = images * size, start + images
        self._left = bits[whole:], unknown[whole:], last[whole:], cycle[whole:]
        self.images = stop

        wanted = np.arange(whole) % size == size - 1
        if self.problem is None and (misplaced := np.flatnonzero(last[:whole] != wanted)).size:
            image, beat = divmod(int(misplaced[0]), size)
            said = "marked" if last[misplaced[0]] else "not marked"
            self._add(f"m_axis, image {start + image}: beat {beat} of {size} is {said} as last")

        self.ends[start:stop] = cycle[size - 1 : whole : size]
        self.hardware_scores[start:stop] = _integers(bits[:whole], signed=True).reshape(images, size)[:, : size - 1]
        self.hardware_classes[start:stop] = _integers(bits[:whole], signed=False).reshape(images, size)[:, -1]
        model = self.scores[start:stop]
        hidden = unknown[:whole].reshape(images, size)
        wrong_scores = (self.hardware_scores[start:stop] != model[:, : size - 1]) | hidden[:, :-1]
        wrong_class = (self.hardware_classes[start:stop] != model.argmax(axis=1)) | hidden[:, -1]
        wrong = np.flatnonzero(wrong_scores.any(axis=1) | wrong_class)
        self.wrong += [start + int(image) for image in wrong]
        if not wrong.size:
            return []
        image = int(wrong[0])
        if wrong_scores[image].any():
            name, beat = "scores", int(wrong_scores[image].argmax())
            hardware, truth = self.hardware_scores[start + image, beat], model[image, beat]
        else:
            name, beat = "class", size - 1
            hardware, truth = self.hardware_classes[start + image], model[image].argmax()
        shown = None if hidden[image, beat] else int(hardware)
        return [Mismatch(name, start + image, None, None, beat, shown, int(truth))]
