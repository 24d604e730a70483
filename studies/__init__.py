"""Studies: questions that go beyond the benchmark. They import aexad, never the reverse."""
