import sys

import pytest

pytest.importorskip("rdkit")

from graphpool_sanity.datasets.scaffold import scaffold_split

BENZENES = [f"{'C' * i}c1ccccc1" for i in range(12)]
PYRIDINES = [f"{'C' * i}c1ccncc1" for i in range(4)]
OTHERS = ["C1CC1", "C1CCC1", "C1CCCC1", "C1CCCCC1"]


def test_molecules_of_a_scaffold_stay_together_and_large_ones_train():
    smiles = [*OTHERS, *PYRIDINES, *BENZENES]
    train, val, test = (part.tolist() for part in scaffold_split(smiles))
    assert train == [*range(4, 20)]
    assert (val, test) == ([2, 3], [0, 1])  # the later of equal size come first


def test_what_are_no_molecules_cannot_be_split_so():
    with pytest.raises(ValueError, match="needs graphs with smiles, got none"):
        scaffold_split([])


def test_a_missing_rdkit_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdkit.Chem.Scaffolds.MurckoScaffold", None)
    with pytest.raises(ImportError, match=r'split needs rdkit: .* pip install "\.\[chem\]"'):
        scaffold_split(BENZENES)
