"""The explorer: test images under any two methods."""
