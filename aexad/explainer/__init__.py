"""A trained model used by itself: where an image is anomalous, and whether it is.

Nothing here needs torch, except to load a model that is not an ONNX file.
"""

from aexad.explainer.explainer import Explainer, load
from aexad.explainer.explanation import Explanation, Region

__all__ = ["Explainer", "Explanation", "Region", "load"]
