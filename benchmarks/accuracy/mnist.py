"""Trains binary networks on MNIST, exports them, proves the export, and evaluates the test images once.

    python -m benchmarks.accuracy.mnist sfc lfc cnn --data-dir FOLDER --output FOLDER

Run again after an interruption, it goes on where it stopped. A network's result is one small JSON file and one Network.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from sw.errors import SubbitError
from sw.network import Linear, Network, save
from sw.train.config import FREE, TrainConfig
from sw.train.data import DataSet, load
from sw.train.export import compare, export
from sw.train.fit import TrainResult, train

__all__ = ["RECIPES", "main"]

_SHARED = TrainConfig(
    data="mnist",
    encoding="threshold",
    batch=256,
    learning_rate=1e-2,
    estimator="bireal",
    validation=1 / 12,
    validate_every=2,
    augment="digits",
    label_smoothing=0.0,
)
RECIPES = {
    "sfc": replace(_SHARED, topology="sfc", epochs=80),
    "lfc": replace(_SHARED, topology="lfc", epochs=40),
    "cnn": replace(
        _SHARED,
        topology="conv 64 pad 1, pool, conv 96 pad 1, pool, conv 128 pad 1, pool, dense 256",
        encoding="thermometer:3",
        epochs=40,
    ),
}
TARGETS = {"sfc": 0.978, "lfc": 0.988, "cnn": 0.992}


@dataclass(frozen=True)
class Measured:
    """What one network reached, and how."""

    network: str
    test_accuracy: float
    test_wrong: int
    target: float
    validation_accuracy: float
    epochs: int
    seconds: float
    device: str
    weight_bits: int
    export: str
    recipe: dict[str, object]


def weight_bits(network: Network) -> int:
    """Bits that the weights of a Network are stored in."""
    return sum(layer.weights.stored_bits() for layer in network.layers if isinstance(layer, Linear))


def measure(name: str, config: TrainConfig, data: DataSet, folder: Path) -> Measured:
    """Train, export, compare every layer on every test image, and evaluate on them once."""
    result = _trained(config, data, folder / f"{name}-checkpoints")
    network = export(result.model, name)
    comparison = compare(result.model.to(_device()), network, data.test_images)
    if not comparison.equal:
        raise SubbitError(f"the Network of {name} is not the model: {comparison}")
    answers = network.classify(data.test_images)
    wrong = int((answers != data.test_labels).sum())
    save(network, folder / f"{name}.safetensors")
    return Measured(
        network=name,
        test_accuracy=1.0 - wrong / len(answers),
        test_wrong=wrong,
        target=TARGETS[name],
        validation_accuracy=result.validation_accuracy,
        epochs=result.epochs,
        seconds=round(result.seconds, 1),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        weight_bits=weight_bits(network),
        export=str(comparison),
        recipe=_recipe(config),
    )


def _trained(config: TrainConfig, data: DataSet, folder: Path) -> TrainResult:
    """The result of the training in `folder`, begun, continued or already finished."""
    last = folder / "last.ckpt"
    return train(replace(config, output=str(folder), resume=str(last) if last.exists() else None), data)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _recipe(config: TrainConfig) -> dict[str, object]:
    return {key: value for key, value in asdict(config).items() if key not in FREE or key == "epochs"}


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 0, 1 where a target was missed, 2 where the call or the data is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("networks", nargs="+", choices=sorted(RECIPES), help="which networks to train")
    parser.add_argument("--data-dir", help="folder with the four MNIST .gz files; downloaded where not given")
    parser.add_argument("--output", type=Path, default=Path("build/accuracy"), help="folder for results (%(default)s)")
    parser.add_argument("--epochs", type=int, help="another number of epochs than the recipe's")
    parser.add_argument("--max-minutes", type=float, help="end each training after this long, its schedule fitted")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and order (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        data = load("mnist", given.data_dir)
        missed = [name for name in given.networks if not _run(name, given, data)]
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if missed else 0


def _run(name: str, given: argparse.Namespace, data: DataSet) -> bool:
    config = replace(RECIPES[name], seed=given.seed, max_minutes=given.max_minutes)
    config = replace(config, epochs=given.epochs) if given.epochs else config
    started = time.monotonic()
    given.output.mkdir(parents=True, exist_ok=True)
    measured = measure(name, config, data, given.output)
    (given.output / f"{name}.json").write_text(json.dumps(asdict(measured), indent=2) + "\n")
    print(
        f"{name}: test {100 * measured.test_accuracy:.2f} % ({measured.test_wrong} wrong; wished for "
        f"{100 * measured.target:.1f} %), validation {100 * measured.validation_accuracy:.2f} %, "
        f"{measured.epochs} epochs, "
        f"{time.monotonic() - started:.0f} s; Network and PyTorch {measured.export}",
        flush=True,
    )
    return measured.test_accuracy >= measured.target


if __name__ == "__main__":
    sys.exit(main())
