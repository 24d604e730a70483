"""How a data set lies on disk: one file per layout."""
