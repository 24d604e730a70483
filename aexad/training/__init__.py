"""Training: batches, features, steps, checkpoints."""
