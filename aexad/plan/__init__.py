"""What a call of the workflow does: which runs a benchmark has, and what each rule needs to know."""
