"""aexad: a benchmark of explainable image anomaly detection, and the library that it is made of."""
