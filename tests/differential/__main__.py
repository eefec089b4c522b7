"""`make differential`: many documents on both executors. Ends with 1 at the first difference."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from feed_service.embedded import postgres
from tests.differential.proof import SHARE_OF_MUTATIONS, proving
from tests.differential.running import compiled


def main() -> int:
    parser = argparse.ArgumentParser(prog="make differential", description=__doc__)
    parser.add_argument("--number", type=int, default=20_000, help="of documents; 20,000 if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutations", type=float, default=SHARE_OF_MUTATIONS, help="which share of them; 1 for all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres.running(Path(folder), durable=False) as server:
        return prove(server.dsn, given.number, given.seed, given.mutations)


def prove(server_url: str, number: int, seed: int, mutations: float) -> int:
    began = time.monotonic()
    with asyncio.Runner() as runner, proving(server_url, compiled, runner) as proof:
        found = proof.go(number, seed, mutations)
    said = [f"seed {seed}: {proof.tally} in {time.monotonic() - began:.0f} s"]
    said += [f"INTERNAL:\n{case}" for case in proof.tally.internal[:3]]
    said += ["No difference." if found is None else f"DIFFERENCE:\n{found}"]
    sys.stdout.write("\n".join([*said, ""]))
    return 1 if found or proof.tally.internal else 0


if __name__ == "__main__":
    sys.exit(main())
