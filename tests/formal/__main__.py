"""Run the proofs that are named, whole or by how their names begin, or all: ``python -m tests.formal [NAME ...]``."""

import sys
import time

from tests.formal.proofs import PROOFS
from tests.formal.prover import Refuted, Undecided


def main(prefixes: list[str]) -> int:
    """Print a line for each proof. 0 where all hold, 1 where one does not or has no answer, 2 where none is meant."""
    names = {proof.name for proof in PROOFS}
    chosen = [
        proof
        for proof in PROOFS
        if not prefixes or any(proof.name == p or (p not in names and proof.name.startswith(p)) for p in prefixes)
    ]
    if not chosen:
        print(f"no proof is named {' or '.join(prefixes)}")
        return 2
    failed, start = [], time.perf_counter()
    for proof in chosen:
        began = time.perf_counter()
        try:
            result = str(proof.run())
        except (Refuted, Undecided) as problem:
            result = str(problem)
            failed.append(proof.name)
        print(f"{proof.name:60} {time.perf_counter() - began:6.1f} s  {result}", flush=True)
    print(f"{len(chosen) - len(failed)} of {len(chosen)} hold, {time.perf_counter() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
