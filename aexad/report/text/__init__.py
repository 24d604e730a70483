"""Captions and sentences."""
