from benchmarks.paper.activations import alike_before_pooling, more_alike_after_pooling
from graphpool_sanity.training.ledger import Ledger


def keep(folder, model, seed, before, after, epochs=1000):
    shares = {"input": 0.9, "before pools.0": before, "after pools.0": after}
    config = {"model": model, "seed": seed, "epochs": epochs}
    Ledger(folder / "activations-NCI1.jsonl").append(config, {"homogeneity": shares})


def test_shares_are_means_over_whole_runs(tmp_path):
    keep(tmp_path, "gmn", 0, 0.4, 0.1)
    keep(tmp_path, "gmn", 1, 0.5, 0.2)
    keep(tmp_path, "gmn", 0, 0.9, 0.9, epochs=10)
    keep(tmp_path, "graclus", 0, 0.6, 0.7)
    keep(tmp_path, "none", 0, 0.91, 0.9)
    gmn, graclus, none, zinc = alike_before_pooling(["NCI1", "ZINC"])(tmp_path)
    assert (gmn.numbers, gmn.runs, gmn.status) == ("90.0 % → 45.0 %", 2, "reproduced")
    assert (graclus.numbers, graclus.status) == ("90.0 % → 60.0 %", "undecided")
    assert (none.numbers, none.status) == ("90.0 % → 91.0 %", "not reproduced")
    assert zinc.status == "not run"
    gmn, graclus, _ = more_alike_after_pooling(["NCI1"])(tmp_path)
    assert (gmn.numbers, gmn.status) == ("45.0 % → 15.0 %", "reproduced")
    assert (graclus.numbers, graclus.status) == ("60.0 % → 70.0 %", "not reproduced")
