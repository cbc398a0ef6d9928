"""The synthetic sample: twelve seeded streams, a stream of bad rows and a small evaluation set.

Everything in it is made up; ``python -m distill_platform.refinery.sample`` writes it again, byte for byte.
"""

from distill_platform.refinery.sample.benchmark import benchmark
from distill_platform.refinery.sample.generator import SEED, Mark, generate, planted

__all__ = ["SEED", "Mark", "benchmark", "generate", "planted"]
