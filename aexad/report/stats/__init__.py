"""Means, spreads, intervals and tests."""
