import json
import sys

import measure
import pytest


def take(monkeypatch, measurements, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks/bench_this.py", *map(str, arguments)])
    measure.measure(measurements)


def test_figures_are_kept_beside_those_of_others(tmp_path, monkeypatch, capsys):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps({"bench_that": {"a": {}}, "bench_this": {"b": {"old": 1}, "c": {}}}))
    work = {
        "b": lambda: measure.ratio("ours / theirs", 2.0, "at least 1"),
        "c": lambda: measure.figure("ours", 3.0, "s", "under 4"),
    }
    take(monkeypatch, work, "b", "--json", path)
    found = json.loads(path.read_text())
    assert found["bench_that"] == {"a": {}}
    assert found["bench_this"]["c"] == {}
    (figure,) = found["bench_this"]["b"]["figures"]
    assert figure == {"what": "ours / theirs", "value": 2.0, "unit": "x", "wanted": "at least 1"}
    assert found["bench_this"]["b"]["machine"]["threads"] == str(measure.torch.get_num_threads())
    assert "2.00x" in capsys.readouterr().out


def test_all_measurements_are_taken_without_names_and_unknown_names_refused(monkeypatch, capsys):
    taken = []
    work = {name: lambda name=name: taken.append(name) for name in "ab"}
    take(monkeypatch, work)
    assert taken == ["a", "b"]
    with pytest.raises(SystemExit):
        take(monkeypatch, work, "d")
    assert "must be of a, b, got d" in capsys.readouterr().err
