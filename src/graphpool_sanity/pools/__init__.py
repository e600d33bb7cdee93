"""The pooling layers, one family a file."""
