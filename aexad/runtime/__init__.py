"""Machine and files: errors, atomic writes, locks, signals, scratch space, devices, provenance."""
