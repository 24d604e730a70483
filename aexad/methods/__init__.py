"""The methods of the benchmark: one file per paper."""
