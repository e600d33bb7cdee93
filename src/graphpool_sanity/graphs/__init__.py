"""Batches of graphs: read and checked, and coarsened by clusters or by an assignment."""
