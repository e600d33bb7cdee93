import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch

from graphpool_sanity.datasets.collated import collated

SIZES = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 6)), min_size=2, max_size=8)


@given(SIZES, st.booleans(), st.integers(0, 2**32))
def test_each_graph_comes_out_as_it_was_laid_in(sizes, with_attr, seed):
    draw = torch.Generator().manual_seed(seed)
    xs = [torch.randn(n, 2, generator=draw) for n, _ in sizes]
    edges = [torch.randint(n, (2, e), generator=draw) for n, e in sizes]
    attrs = [torch.randn(e, 3, generator=draw) for _, e in sizes]
    dataset = collated(
        torch.cat(xs),
        torch.cat(edges, dim=1),
        torch.arange(len(sizes)),
        num_nodes=torch.tensor([n for n, _ in sizes]),
        num_edges=torch.tensor([e for _, e in sizes]),
        edge_attr=torch.cat(attrs) if with_attr else None,
    )
    assert len(dataset) == len(sizes)
    for i, graph in enumerate(dataset):
        assert graph.num_nodes == sizes[i][0]
        assert torch.equal(graph.x, xs[i])
        assert torch.equal(graph.edge_index, edges[i])
        assert graph.y.tolist() == [i]
        assert torch.equal(graph.edge_attr, attrs[i]) if with_attr else "edge_attr" not in graph
    part = dataset[torch.tensor([1, 0])]
    assert Batch.from_data_list(list(part)).y.tolist() == [1, 0]
