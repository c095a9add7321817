"""Runs a bundle's networks on the kernels of Raspberry Pi 4 and 5 (emulated) and compares with this machine's.

`make check-aarch64-kernels`. Both processors get their own kernels from XNNPACK: the Cortex-A76 has int8 dot products,
the Cortex-A72 has not. The crops need no dataset: noise on grey ramps with bright spots uses the whole input range.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from edge.bundle import load_bundle
from edge.commands.console import EXIT_CHECK_FAILED, EXIT_UNUSABLE
from edge.detect.network import stored_values
from edge.errors import GammaboxError
from quantize.environments import PROCESSORS, foreign_runtime
from quantize.runtimes import compared, run_elsewhere, run_here

CROPS = 48
MAX_STEPS = 1


def main() -> int:
    """Compare every network on every processor and return 0 when no output is more than one int8 step apart, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--crops", type=int, default=CROPS)
    arguments = parser.parse_args()
    max_steps = 0
    try:
        bundle = load_bundle(arguments.bundle)
        manifest = bundle.manifest
        networks = [("classifier", bundle.model, manifest.input)]
        if manifest.screen is not None and bundle.screen is not None:
            networks.append(("screen", bundle.screen, manifest.screen.input))
        for name, model, contract in networks:
            stored = stored_values(contract)[crops(arguments.crops, contract.crop_size)]
            own = run_here(model, stored)
            for processor in PROCESSORS:
                other = compared(processor, own[0], run_elsewhere(foreign_runtime(processor), model, stored, 1), 0.0)
                max_steps = max(max_steps, other.max_steps)
                distinct = len(np.unique(own[0], axis=0))
                print(
                    f"{name} on {processor} ({other.runtime}): {other.crops} crops with {distinct} different outputs, "
                    f"{100 * other.equal:.2f} % equal to {own[1]} here, at most {other.max_steps} steps apart"
                )
    except GammaboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    passed = max_steps <= MAX_STEPS
    print(f"{'PASSED' if passed else 'FAILED'}: at most {max_steps} int8 steps apart, {MAX_STEPS} allowed")
    return 0 if passed else EXIT_CHECK_FAILED


def crops(count: int, size: int) -> np.ndarray:
    """Return uint8 crops (n, size, size, 3) with ramps from black to white, noise of several strengths, and spots."""
    rng = np.random.default_rng(1)
    ramp = np.linspace(0, 1, size)[None, :, None, None] * rng.uniform(0, 255, (count, 1, 1, 1))
    made = ramp + rng.normal(0, 1, (count, size, size, 3)) * rng.uniform(1, 40, (count, 1, 1, 1))
    middle = size // 2
    made[::2, middle : middle + 2, middle : middle + 2, 1] += rng.uniform(20, 200, (len(made[::2]), 1, 1))
    return np.clip(made, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
