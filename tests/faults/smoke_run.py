"""Where the one run of these tests lies in a project."""

DATA = "results/runs/textures_tiny/brick/standard/seed0"
RUN = f"{DATA}/ae-smoke"
TARGET = f"{RUN}/metrics.json"
