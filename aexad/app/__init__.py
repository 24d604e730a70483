"""Fit a model to one's own images, explain images with it, export it."""
