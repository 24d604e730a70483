"""What may be asked for: settings, data sets, recipes and benchmarks, each checked by a schema."""
