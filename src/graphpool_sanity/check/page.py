"""Pages of HTML from templates: figures inlined, nothing fetched."""

from base64 import b64encode
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from graphpool_sanity.analysis.picture import svg


def render(template: str, **variables: Any) -> str:  # noqa: ANN401  (whatever it names)
    """The page that a template makes of its variables, in light and dark, for any screen."""
    environment = Environment(
        loader=PackageLoader("graphpool_sanity.check", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{template}.html.jinja").render(variables)


def data_uri(figure: Figure) -> str:
    """A figure as the source of an image."""
    return "data:image/svg+xml;base64," + b64encode(svg(figure).encode()).decode()
