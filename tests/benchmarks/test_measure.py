import json
import sys

import pytest
import torch

from benchmarks.speed.measure import figure, measure, ratio


def take(monkeypatch, measurements, *arguments):
    monkeypatch.setattr(sys, "argv", ["this.py", *map(str, arguments)])
    measure("this", measurements)


def test_figures_are_kept_beside_those_of_others(tmp_path, monkeypatch, capsys):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps({"that": {"a": {}}, "this": {"b": {"old": 1}, "c": {}}}))
    work = {
        "b": lambda: (
            ratio("ours / theirs", 2.00049, "at least 1"),
            figure("off", 7.81e-15, "", "0"),
        ),
        "c": lambda: figure("ours", 3.0, "s", "under 4"),
    }
    take(monkeypatch, work, "b", "--json", path)
    found = json.loads(path.read_text())
    assert found["that"] == {"a": {}}
    assert found["this"]["c"] == {}
    kept, tiny = found["this"]["b"]["figures"]
    assert kept == {"what": "ours / theirs", "value": 2.0, "unit": "x", "wanted": "at least 1"}
    assert tiny["value"] == 7.81e-15
    assert found["this"]["b"]["machine"]["threads"] == str(torch.get_num_threads())
    assert "2.0x" in capsys.readouterr().out


def test_all_measurements_are_taken_without_names_and_unknown_names_refused(monkeypatch, capsys):
    taken = []
    work = {name: lambda name=name: taken.append(name) for name in "ab"}
    take(monkeypatch, work)
    assert taken == ["a", "b"]
    with pytest.raises(SystemExit):
        take(monkeypatch, work, "d")
    assert "must be of a, b, got d" in capsys.readouterr().err
