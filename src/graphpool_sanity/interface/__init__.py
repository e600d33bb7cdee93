"""What any pooling layer takes and what it returns: the one reader of both.

It knows the conventions of PyG's sparse, dense and memory layers, those of torch-geometric-pool,
and the names that research code gives to the same things.
"""
