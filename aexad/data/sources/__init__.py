"""Where a data set comes from: a URL, an archive, a local folder, or scikit-image."""
