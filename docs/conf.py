"""How the documentation is built: ``sphinx-build -W -n docs docs/_build/html``."""

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
os.environ["COLUMNS"] = "94"  # of tables that scripts print: the width of a page

project = "graphpool_sanity"
author = "The graphpool_sanity developers"
project_copyright = author
version = release = installed("graphpool-sanity")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.githubpages",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "command_line",
    "reference",
    "self_contained",
    "tables",
]
exclude_patterns = ["_build", "_generated", "gallery"]
nitpicky = True
root_doc = "index"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_typehints_format = "short"
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 60
pygments_dark_style = "github-dark"
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Returns", "Shapes"]
add_module_names = False

# Small inventories in this repository: a build needs no network.
intersphinx_mapping = {
    name: (url, f"inventories/{name}.txt")
    for name, url in {
        "python": "https://docs.python.org/3/",
        "torch": "https://docs.pytorch.org/docs/stable/",
        "torch_geometric": "https://pytorch-geometric.readthedocs.io/en/latest/",
        "matplotlib": "https://matplotlib.org/stable/",
        "torchmetrics": "https://lightning.ai/docs/torchmetrics/stable/",
        "rich": "https://rich.readthedocs.io/en/stable/",
    }.items()
}
nitpick_ignore = [
    # Of a package that has no reference of its classes.
    ("py:class", "torch_sparse.tensor.SparseTensor"),
    ("py:class", "torch_geometric.typing.SparseTensor"),
]

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_working_directory = str(HERE / "_ext")

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["auto_gallery"],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "image_scrapers": ["figures_shown"],
    "image_srcset": ["2x"],
    "within_subsection_order": "FileNameSortKey",
    "min_reported_time": 1e9,
    "show_memory": False,
    "write_computation_times": False,
    "ignore_repr_types": r"matplotlib\.figure\.Figure",
    "show_signature": False,
    "copyfile_regex": "",
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp"

mathjax_path = "mathjax/tex-svg-full.js"
html_theme = "furo"
html_title = "graphpool_sanity"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["offline.js"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e99",
        "color-brand-content": "#0b6e99",
        "color-brand-visited": "#0b6e99",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5bc0eb",
        "color-brand-content": "#5bc0eb",
        "color-brand-visited": "#5bc0eb",
    },
}
