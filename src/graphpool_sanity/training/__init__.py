"""Experiments: train under the paper's protocol, keep every run, summarise."""
