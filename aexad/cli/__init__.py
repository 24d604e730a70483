"""The command line: one verb per rule of the workflow."""
