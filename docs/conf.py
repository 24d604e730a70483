"""Configuration of the HTML documentation: make docs."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the API reference describes this checkout

project = "aexad"
author = "The aexad authors"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.mermaid",
]
html_theme = "furo"
include_patterns = ["*.md", "docs/**", "studies/**/*.md", "config/**/*.md", "results/README.md"]
exclude_patterns = ["docs/_build", ".venv", "docs/conf.py"]
root_doc = "docs/index"

# Markdown as GitHub reads it: headings are link targets, and ```mermaid is a picture.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# The API reference: one page per module, from the docstrings.
apidoc_modules = [
    {
        "path": str(ROOT / "aexad"),
        "destination": "docs/api",
        "separate_modules": True,
        "module_first": True,
        "max_depth": 2,
        "automodule_options": {"members", "show-inheritance"},
    }
]
# Types of the same name in several rooms are no dead links.
suppress_warnings = ["ref.python"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
