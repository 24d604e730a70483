"""Settings of all tests."""

import os

# Workers of pytest run side by side, each with one thread; set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
