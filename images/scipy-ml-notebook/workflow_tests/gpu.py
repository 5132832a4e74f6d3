"""Says whether a GPU is to do the work, and fails the test where it is missing.

STACK_EXPECT_GPU=1 or 0 decides; without it the flavour of the image does: a production image without a GPU is what
the GPU test exists to find.
"""

import os


def expected():
    wanted = os.environ.get("STACK_EXPECT_GPU")
    if wanted is not None:
        return wanted == "1"
    return os.environ.get("STACK_FLAVOUR") == "gpu"
