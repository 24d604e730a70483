"""From a reconstruction to its error, heat map, binary map and score."""
