"""Does locality matter? Layers against their nulls, and a null against itself."""
