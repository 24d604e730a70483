"""Turn reconstructions into error maps, heat maps, binary maps and scores."""
