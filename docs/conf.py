"""How the site is made of the pages in this folder: ``sphinx-build -n -W docs OUT``."""

from importlib import metadata

project = "stillhunt"
author = "The stillhunt developers"
try:
    release = metadata.version("stillhunt")
except metadata.PackageNotFoundError:
    release = ""  # built from the source alone, without an installation

extensions = ["myst_parser"]
exclude_patterns = ["_build", "README.md"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "stillhunt"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
