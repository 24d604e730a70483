"""One file per table or family of tables."""
