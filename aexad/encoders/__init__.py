"""timm backbones: how one is built, which features are taken of it, where its weights come from."""
