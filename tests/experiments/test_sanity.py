import json
import math

import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GraphConv, global_mean_pool

from graphpool_sanity import ComplementGraclusPool, GraclusPool, SanityReport, sanity_check
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.experiments.protocol import Protocol

ONE = Protocol(epochs=1, batch_size=16)
SEEN = []


class Pooled(nn.Module):
    """Notes the weights that it starts with and the graphs that it is trained on."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = GraphConv(in_channels, 8)
        self.pool = GraclusPool()
        self.drop = nn.Dropout(0.5)
        self.lin = nn.Linear(8, out_channels)

    def forward(self, data):
        x = self.conv(data.x, data.edge_index).relu()
        if self.training and torch.is_grad_enabled():  # not the look at it beforehand
            weights = torch.cat([p.flatten() for p in self.parameters()]).tolist()
            SEEN.append((weights, data.y.tolist(), self.drop(torch.ones(20)).tolist()))
        x, _, _, batch, _ = self.pool(x, data.edge_index, batch=data.batch)
        return self.lin(global_mean_pool(x, batch, data.num_graphs))


@pytest.fixture(scope="module")
def graphs():
    return locality_control(60)


def test_a_pair_shares_weights_batches_and_dropout(graphs):
    SEEN.clear()
    still = Protocol(epochs=2, batch_size=16, learning_rate=0.0, min_learning_rate=0.0)
    sanity_check(Pooled, graphs, ["complement", "none"], runs=2, protocol=still)
    runs = [SEEN[i : i + len(SEEN) // 6] for i in range(0, len(SEEN), len(SEEN) // 6)]
    assert len(runs) == 6
    for first in (0, 3):  # layer, complement and none of one seed
        assert runs[first] == runs[first + 1] == runs[first + 2]
    assert runs[0] != runs[3]


def test_a_check_resumes_and_grows(graphs, tmp_path):
    first = sanity_check(Pooled, graphs, "complement", runs=2, protocol=ONE, out=tmp_path)
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert len(lines) == 4
    SEEN.clear()
    again = sanity_check(Pooled, graphs, "complement", runs=2, protocol=ONE, out=tmp_path)
    assert not SEEN
    assert again.to_dict()["comparisons"] == first.to_dict()["comparisons"]

    (tmp_path / "ledger.jsonl").write_text("\n".join(lines[:3]) + '\n{"config": {"se')
    sanity_check(Pooled, graphs, "complement", runs=3, protocol=ONE, out=tmp_path)
    kept = [
        json.loads(line)["config"]
        for line in (tmp_path / "ledger.jsonl").read_text().splitlines()
        if line.endswith("}") and '"test"' in line
    ]
    assert len(kept) == 6
    assert len({(c["variant"], c["seed"]) for c in kept}) == 6


def test_another_model_starts_anew(graphs, tmp_path):
    class Wider(Pooled):
        def __init__(self, in_channels, out_channels):
            super().__init__(in_channels, out_channels)
            self.pool = ComplementGraclusPool()

    sanity_check(Pooled, graphs, "random", runs=2, protocol=ONE, out=tmp_path, name="net")
    sanity_check(Wider, graphs, "random", runs=2, protocol=ONE, out=tmp_path, name="net")
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 8


def test_the_report_says_what_the_runs_say(graphs, tmp_path):
    report = sanity_check(Pooled, graphs, "all", runs=3, protocol=ONE, out=tmp_path)
    assert set(report.comparisons) == {"complement", "random", "shuffle", "none"}
    for null, found in report.comparisons.items():
        pairs = zip(report.scores["layer"], report.scores[null], strict=True)
        assert math.isclose(found.difference, sum(a - b for a, b in pairs) / 3, abs_tol=1e-12)
    page = (tmp_path / "report.html").read_text()
    assert report.verdict in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    loaded = SanityReport.load(tmp_path)
    assert loaded.to_dict() == report.to_dict()
    json.dumps(report.to_dict())


def test_any_list_of_graphs():
    generator = torch.Generator().manual_seed(0)
    ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    graphs = [
        Data(torch.randn(4, 2, generator=generator), ring, y=torch.tensor([float(i)]))
        for i in range(40)
    ]
    report = sanity_check(Pooled, graphs, "complement", runs=2, protocol=ONE)
    mean = report.comparisons["complement"].difference
    layer, null = (report.scores[name] for name in ("layer", "complement"))
    assert math.isclose(mean, sum(b - a for a, b in zip(layer, null, strict=True)) / 2)  # an error


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runs": 1}, "runs"),
        ({"margin": 0.0}, "margin"),
        ({"nulls": "distance"}, "null"),
        ({"dataset": "nonesuch"}, "nonesuch"),
        ({"dataset": []}, "dataset|graph"),
        ({"build_model": lambda i, o: nn.Linear(i, o)}, "pooling"),
    ],
)
def test_names_what_is_wrong(graphs, changes, message):
    arguments = {"build_model": Pooled, "dataset": graphs, "runs": 2, "protocol": ONE}
    with pytest.raises(ValueError, match=message):
        sanity_check(**arguments | changes)
