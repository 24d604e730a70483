"""The explorer: every test image under any two methods."""
