"""Picture grids: photographs, masks and heat maps side by side."""
