"""From heat maps and masks to numbers."""
