"""The chance that at least one of k programs is right.

Source: M. Chen et al., "Evaluating Large Language Models Trained on Code" (2021), equation 1.
"""

from __future__ import annotations

import numpy as np


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """Unbiased estimate for one problem from ``correct`` of ``samples`` right programs.

    1 - C(n-c, k) / C(n, k), as a product that does not overflow. Raises ValueError unless
    1 ≤ k ≤ samples and 0 ≤ correct ≤ samples.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples per problem; there are {samples}")
    if not 0 <= correct <= samples:
        raise ValueError(f"{correct} right programs of {samples} is impossible")
    if samples - correct < k:
        return 1.0
    left = np.arange(samples - correct + 1, samples + 1)
    return float(1.0 - np.prod(1.0 - k / left))
