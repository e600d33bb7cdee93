import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from graphpool_sanity.analysis import Activations, Embeddings, plot_activations, plot_homogeneity
from graphpool_sanity.analysis.activations import LayerActivations


def embeddings(*counts):
    batch = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    x = torch.randn(len(batch), 5, generator=torch.Generator().manual_seed(len(batch)))
    return Embeddings(x, batch, len(counts))


ACTIVATIONS = Activations(
    {
        "one": LayerActivations(embeddings(6, 4, 9, 0), embeddings(3, 2, 5, 0)),
        "two": LayerActivations(embeddings(3, 2, 5, 0), embeddings(1, 1, 2, 0)),
    }
)


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_each_image_is_the_embeddings_of_a_graph_on_a_range_of_its_own():
    figure = plot_activations(ACTIVATIONS, graphs=(2, 0))
    assert len(figure.axes) == 8
    stages = list(ACTIVATIONS.stages().values())
    for number, axes in enumerate(figure.axes):
        x = stages[number % 4].of((2, 0)[number // 4]).numpy()
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), x)
        assert image.get_clim() == pytest.approx((x.min(), x.max()))
    colours = image.get_cmap()([0.0, 0.5, 1.0])[:, :3].sum(1)
    assert (np.diff(colours) > 0).all()  # dark is low


def test_node_counts_stand_above_and_stages_on_top():
    figure = plot_activations(ACTIVATIONS)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:4] == ["before one\n[6]", "after one\n[3]", "before two\n[3]", "after two\n[1]"]
    assert titles[4:] == ["[4]", "[2]", "[2]", "[1]", "[9]", "[5]", "[5]", "[2]"]
    assert [figure.axes[i].get_ylabel() for i in (0, 4, 8)] == ["graph 0", "graph 1", "graph 2"]


def test_figures_are_drawn_without_pyplot():
    before = plt.get_fignums()
    empty_graph_too = plot_activations(ACTIVATIONS, graphs=[3, 1])
    assert not empty_graph_too.axes[0].images
    assert len(png(empty_graph_too)) > 5000
    assert len(png(plot_homogeneity({"a": ACTIVATIONS.homogeneity()}))) > 5000
    assert plt.get_fignums() == before


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_any_floating_point_type_is_drawn(dtype):
    half = ACTIVATIONS.layers["one"].before._replace(x=ACTIVATIONS.layers["one"].before.x.to(dtype))
    assert png(plot_activations(Activations({"one": LayerActivations(half, half)})))


def test_a_constant_matrix_is_drawn():
    constant = Embeddings(torch.ones(3, 2), torch.zeros(3, dtype=torch.long), 1)
    layers = {"one": LayerActivations(constant, constant)}
    assert png(plot_activations(Activations(layers), graphs=[0]))


def test_graphs_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="graphs must name at least one graph"):
        plot_activations(ACTIVATIONS, graphs=())
    with pytest.raises(ValueError, match=r"graph must lie in \[0, 4\), got 4"):
        plot_activations(ACTIVATIONS, graphs=(0, 4))


def test_each_model_is_a_line_at_its_own_stages():
    shares = {"a": {"input": 0.9, "before": 0.5, "after": 0.2}, "b": {"before": 0.4, "end": 0.1}}
    axes = plot_homogeneity(shares).axes[0]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["input", "before", "after", "end"]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {"a": [[0, 0.9], [1, 0.5], [2, 0.2]], "b": [[1, 0.4], [3, 0.1]]}


def test_no_shares_are_refused():
    for shares in ({}, {"a": {}}):
        with pytest.raises(ValueError, match="shares must hold at least one share"):
            plot_homogeneity(shares)
