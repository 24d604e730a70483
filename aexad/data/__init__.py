"""From an origin to arrays: fetch, index, split, augment."""
