"""Which features of a Transformer explain anomalies? A study on top of the benchmark."""
