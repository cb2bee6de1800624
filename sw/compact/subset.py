"""Sub-bit networks: a layer's codewords start as a random subset of all words and are refined while it trains.

Wang et al., Sub-bit Neural Networks: Learning to Compress and Accelerate Binary Neural Networks, ICCV 2021, section 3,
and what the authors published as code, without its faults: steps are counted in training alone and whatever the number
of processes, the memory of signs is saved with a checkpoint, and the subset never runs short of codewords. They train
for 640,000 steps, which lets real codewords travel many times the distance from +-1 to zero; for trainings of some
thousand steps ours start nearer to zero.
"""

import torch
from torch import Tensor, nn

from sw.compact.nearest import CodebookBinarizer, all_codewords, word_numbers

__all__ = ["RefinedSubset"]

START = 0.5
DEAD_ZONE = 1e-3
BOUND = 3.0


class RefinedSubset(CodebookBinarizer):
    """`n` codewords, the signs of real ones that are trained at every `every`-th step.

    A sign flips only where its real value has left the dead zone about zero; where two codewords become the same, the
    later one is replaced by a random word that is not used.
    """

    memory: Tensor
    steps: Tensor

    def __init__(self, latent: Tensor, n: int, every: int = 5) -> None:
        super().__init__(latent)
        self.every = every
        everything = all_codewords(self.words.taps)
        start = everything[torch.randperm(len(everything))[:n]]
        self.real = nn.Parameter(START * start)
        self.register_buffer("memory", start.clone())
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.refining = False

    def before_step(self, progress: float) -> None:
        self.steps += 1
        self.refining = int(self.steps) % self.every == 0

    @torch.no_grad()
    def after_step(self) -> None:
        super().after_step()
        if self.refining:
            self.refine()
        self.refining = False

    @torch.no_grad()
    def refine(self) -> None:
        """Take over the signs of the real codewords, and replace those that are no longer the only one."""
        signs = torch.where(self.real.abs() >= DEAD_ZONE, torch.where(self.real >= 0, 1.0, -1.0), self.memory)
        numbers = word_numbers(signs).tolist()
        first = {number: place for place, number in reversed(list(enumerate(numbers)))}
        repeated = [place for place, number in enumerate(numbers) if first[number] != place]
        if repeated:
            unused = torch.tensor(sorted(set(range(1 << self.words.taps)) - set(numbers)))
            drawn = unused[torch.randperm(len(unused))[: len(repeated)]]
            fresh = all_codewords(self.words.taps)[drawn].to(signs)
            signs[repeated] = fresh
            self.real[repeated] = START * fresh
        self.real.clamp_(-BOUND, BOUND)
        self.memory.copy_(signs)

    def codewords(self) -> Tensor:
        if self.training and self.refining:
            return self.memory + (self.real - self.real.detach())
        return self.memory
