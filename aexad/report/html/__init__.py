"""The HTML report and the explorer."""
