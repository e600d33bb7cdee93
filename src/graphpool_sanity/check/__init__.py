"""The check: a model and its nulls trained in pairs, judged and reported; its standard backbone."""
