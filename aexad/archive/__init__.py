"""Archives of runs: their numbers in one zip, imported elsewhere instead of trained again."""
