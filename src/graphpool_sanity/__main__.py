"""The command ``graphpool-sanity``, also as ``python -m graphpool_sanity``."""

import sys
import warnings

from graphpool_sanity._lazy import needs


def main() -> None:
    """Run the command line, or say in a line what it needs."""
    warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)  # of what PyG calls at import
    try:
        from graphpool_sanity.cli import run
    except ModuleNotFoundError as error:
        sys.exit(f"error: graphpool-sanity {needs(error.name)}")
    run()


if __name__ == "__main__":
    sys.argv[0] = "graphpool-sanity"
    main()
