"""``python -m tests.sw.interop.brevitas_cases.training`` trains the networks that read digits, a minute in all.

Their numbers are kept beside the exported files, because training gives others on another machine.
"""

import numpy as np
import torch
from torch import nn

from sw.train.data.digits import load_digits
from tests.sw.interop.brevitas_cases.case import Case
from tests.sw.interop.brevitas_cases.files import FOLDER

__all__ = ["accuracy", "main", "trained"]

EPOCHS, BATCH, RATE = 80, 64, 0.02


def trained(case: Case, model: nn.Module) -> nn.Module:
    """``model`` with the numbers that training found."""
    with np.load(FOLDER / f"trained_{case.name}.npz") as file:
        model.load_state_dict({name: torch.from_numpy(file[name]) for name in file.files}, strict=False)
    return model.eval()


def accuracy(case: Case, model: nn.Module) -> float:
    """Share of the 359 test digits that are recognised."""
    data = load_digits()
    with torch.inference_mode():
        found = model.eval()(pixels(case, data.test_images)).argmax(dim=1).numpy()
    return float((found == data.test_labels).mean())


def pixels(case: Case, images: np.ndarray) -> torch.Tensor:
    """Digits as the network reads them."""
    real = (images.astype(np.float32) - np.float32(case.zero)) / np.float32(case.divisor)
    return torch.from_numpy(real.transpose(0, 3, 1, 2).copy())


def fit(case: Case) -> nn.Module:
    """Train the network on the 1,438 training digits, then put +-0.5 in place of every weight."""
    torch.manual_seed(0)
    data, model = load_digits(), case.make()
    images, labels = pixels(case, data.train_images), torch.from_numpy(data.train_labels)
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimiser.step()
            model.clip_weights(-1, 1)
        schedule.step()
    for name, number in model.state_dict().items():
        if number.ndim > 1:
            number.copy_(torch.where(number >= 0, 0.5, -0.5))
        if name.endswith("num_batches_tracked"):
            number.zero_()
    return model.eval()


def main() -> None:
    """Train and keep them."""
    from tests.sw.interop.brevitas_cases.export import CASES

    for case in CASES:
        if case.trained:
            model = fit(case)
            print(f"{case.name}: {accuracy(case, model):.2%} of the test digits")
            numbers = {name: number.numpy() for name, number in model.state_dict().items()}
            np.savez_compressed(FOLDER / f"trained_{case.name}.npz", **numbers)


if __name__ == "__main__":
    main()
