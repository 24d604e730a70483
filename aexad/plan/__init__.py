"""The plan of a call of the workflow: its runs, and what each rule needs to know."""
