"""timm backbones: building them, choosing their features, finding their weights."""
