"""Selection: who is pooled with whom. The only modules that know graph structure or chance."""
