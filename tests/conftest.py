"""Settings of all tests."""

import os

# Workers of pytest run side by side, each with one thread; set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

from hypothesis import HealthCheck, settings

# Tests are the same in each call; make fuzz searches for new examples.
slow = [HealthCheck.too_slow]
settings.register_profile(
    "fixed",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=slow,
)
settings.register_profile("search", max_examples=2000, deadline=None, suppress_health_check=slow)
settings.load_profile("fixed")
