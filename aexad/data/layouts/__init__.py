"""How a data set lies on disk: one file per layout, and what they share (folders, pairing)."""
