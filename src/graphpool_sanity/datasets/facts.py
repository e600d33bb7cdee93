"""What a data set has, in words."""

from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.store import num_nodes_of
from graphpool_sanity.training.tasks import Unit


def facts_of(benchmark: Benchmark) -> dict[str, str]:
    """Graphs, nodes, features, task, metric, split, and what the best constant reaches.

    >>> from graphpool_sanity.datasets.digits import digits
    >>> facts = facts_of(digits())
    >>> facts["nodes"], facts["task"], facts["best constant"]
    ('32.7 on average, 16 to 42', 'classification of 10 classes', 'accuracy, % 10.2')
    """
    nodes, unit = num_nodes_of(benchmark.graphs), Unit(benchmark.metric)
    number = benchmark.out_channels
    parts = "/".join(str(len(part)) for part in benchmark.split(0))
    kind = "drawn by the seed" if benchmark.official_split is None else "fixed"
    missing = f", {benchmark.y.isnan().float().mean():.1%} missing" if number > 1 else ""
    of = "classes" if benchmark.task == "classification" else f"target{'s' * (number > 1)}{missing}"
    made = "" if benchmark.features is None else f", a {benchmark.features}, as there are none"
    embedded = "" if benchmark.node_categories is None else ", categories to embed"
    return {
        "name": benchmark.name,
        "graphs": str(len(benchmark.graphs)),
        "nodes": f"{nodes.double().mean():.1f} on average, {nodes.min()} to {nodes.max()}",
        "features of nodes": f"{benchmark.in_channels}{embedded}{made}",
        "features of edges": str(benchmark.edge_channels),
        "task": f"{benchmark.task} of {number} {of}",
        "metric": benchmark.metric,
        "split": f"{parts}, {kind}",
        "best constant": f"{unit.name} {unit.mean_std([benchmark.score_of_constant()])}",
    }
