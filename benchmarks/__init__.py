"""What is measured, in three packages, each with scripts to run from the repository's root.

- ``speed``: layers against their peers, as ratios: ``python -m benchmarks.speed.matching``, and
  ``soft`` and ``memory`` likewise.
- ``paper``: the paper's results beside our runs: ``python -m benchmarks.paper.page`` writes
  ``docs/results.md`` from the ledgers.
- ``locality``: layers of three libraries against their nulls,
  ``python -m benchmarks.locality.campaign``, and a null against itself,
  ``python -m benchmarks.locality.null_against_null``.

``python -m benchmarks.demo`` draws the picture that the README leads with, from the demo's runs.
What they measured lies in ``results``.
"""
