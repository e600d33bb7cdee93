"""The scaffold split: molecules of one scaffold are all in one part."""

from collections import defaultdict
from collections.abc import Sequence

import torch

from graphpool_sanity._lazy import needs
from graphpool_sanity.training.benchmark import Split

_SHARES = 0.8, 0.9


def scaffold_split(smiles: Sequence[str]) -> Split:
    """80/10/10 by Murcko scaffolds, the largest sets of molecules first, as in DeepChem.

    Raises:
        ValueError: if there are no molecules.
        ImportError: if RDKit is not installed.

    Wu et al., *MoleculeNet: a benchmark for molecular machine learning*, Chemical Science, 2018.
    """
    if not smiles:
        raise ValueError("split='scaffold' needs graphs with smiles, got none")
    try:
        from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
    except ImportError as error:
        raise ImportError(f"a scaffold split {needs('rdkit')}") from error
    members = defaultdict[str, list[int]](list)
    for i, text in enumerate(smiles):
        members[MurckoScaffoldSmiles(smiles=text)].append(i)
    parts: tuple[list[int], ...] = ([], [], [])
    train, rest = (share * len(smiles) for share in _SHARES)
    for found in sorted(members.values(), key=lambda found: (len(found), found[0]), reverse=True):
        if len(parts[0]) + len(found) <= train:
            parts[0].extend(found)
        elif len(parts[0]) + len(parts[1]) + len(found) <= rest:
            parts[1].extend(found)
        else:
            parts[2].extend(found)
    first, second, third = (torch.tensor(part).sort().values for part in parts)
    return first, second, third
