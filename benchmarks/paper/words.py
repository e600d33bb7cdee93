"""What the page of results says in words."""

from benchmarks.paper.cells import APART
from benchmarks.paper.judge import RUNS_OF_THE_PAPER
from graphpool_sanity.check.comparison import LEAST_RUNS
from graphpool_sanity.training.tasks import MARGIN, Unit

POINTS = Unit("accuracy").margin(MARGIN)
HEAD = """# The paper's results, repeated

What Mesquita, Souza and Kaski report in *Rethinking pooling in graph neural networks* (NeurIPS
2020), beside our runs of the same models by the scripts in `examples/`. Every number of ours in its
tables and figures is computed from the ledgers in `benchmarks/results`, by
`python -m benchmarks.paper.page`; each run there has its seed, configuration, versions and git
revision.

## At a glance

A claim that compares pairs of models is judged over its data sets as a review of trials is
({py:func}`~graphpool_sanity.review`): the mean difference is in margins (2 points, or 0.02
of an error), positive where the first model is better, with its 95 % interval. Of any other claim
the data sets are counted.
"""
RULES = f"""
## Claim by claim

Runs of one seed share the split and the order of batches, and the initial weights wherever the
models share them, so models are compared run by run. *Found* is the mean difference, positive where
the first model is better, with its 95 % interval ({{py:func}}`~graphpool_sanity.compare`). The
margin is {POINTS} (accuracy and AUROC) or {MARGIN} (mean absolute error). 1, 3, 5, 10 or 20 seeds
were laid down before a cell's first run (those of the cells that came last are in
`benchmarks/paper/plan.csv`); where it has just these, the interval is Student's; where seeds were
added after a look, a confidence sequence, which holds however often one has looked. A pair of
models has no verdict on fewer than {LEAST_RUNS} runs, and such a data set is not in the mean over
data sets. In that are the seeds that were laid down first; where one data set alone has enough,
all of its own count.

- **reproduced**: where the paper says "on par", the second is as good, or better: the interval ends
  below the margin. Where it says "better", the first is: the interval lies above 0, and reaches
  beyond the margin. It must be shown: a missing difference proves nothing.
- **not reproduced**: the other of the two is shown.
- **undecided**: the runs show neither.
- **mixed**: shown on some data sets, the opposite on others.

Of all other claims the data sets are counted: such a claim is reproduced if it is on each that has
run.

- **Means and deviations** decide once there are the paper's {RUNS_OF_THE_PAPER} runs; a deviation
  is "significantly higher" by Brown and Forsythe's test at 5 %.
- **As well as GIN and GraphSAGE**: the interval of Welch's test to the better of the two, as cited
  and taken to be of {RUNS_OF_THE_PAPER} runs, ends below the margin.
- **Alike** are nodes if less than half of the variance of their embeddings lies within graphs. If
  the convolutions only bring it nearer to that, the claim is undecided.
- **Time** is the median of a run's seconds by epoch, evaluation included, of models that were not
  compiled, on machines that ran other work at the same time. A claim is reproduced where the ratio
  is no greater than the paper's best.
- **Depth and width** are judged from one run of each setting, as the paper's figure shows.

That data sets of fewer than {LEAST_RUNS} runs are left out, and that global mean pooling, which the
paper compares on the four data sets of Table 1, is held against all, was decided after the runs of
these four had been seen. That runs which were added later count where only one data set has
{LEAST_RUNS}, however few were planned, was decided after the runs of Figure 7 had been seen.
"""
TABLES_HEAD = f"""
## Tables

Mean ± standard deviation over n seeds, the 95 % interval of the mean (Student's t, or where seeds
were added after a look the confidence sequence, over seeds of this data set), and below it what the
paper reports over 20 seeds. {APART} marks means that differ significantly from the paper's (Welch's
test at 5 %; where the paper gives no deviation, its mean lies outside our interval). Of so many
cells some are marked by chance alone. On SMNIST and ZINC none is: their training sets are not the
paper's, and only differences between our own models are held against it."""
COSTS = """
### What a run costs

The median seconds of a run of one thread that was not compiled, on machines that ran other work at
the same time; empty where there is none.
"""
DIFFERENCES = """
## Where ours differs from the paper, and why

*Released code* is [the authors'
repository](https://github.com/AaltoPML/Rethinking-pooling-in-GNNs).

- **Runs.** The paper has 20 seeds for each number; ours has n.
- **ZINC.** The official 10,000 training molecules were not to be had: ours are others of the same
  collection. Validation and test molecules are the official ones.
- **SMNIST.** 10,000 of 55,000 training graphs and 2,000 of 5,000 validation graphs, rebuilt from
  MNIST. Less data to train on lowers accuracies, of all models alike or not. The released code
  draws its validation graphs from all training graphs and trains on nine tenths of them; ours are
  others.
- **ogbg-molhiv.** Official graphs, labels and split; atom and bond features recomputed by RDKit.
- **IMDB-C.** IMDB-BINARY with no graph twice, as TUDataset's cleaned version has it: its graphs are
  among those of IMDB-BINARY, and where a claim goes over both, they are less than two data sets.
- **PROTEINS.** Without the continuous node attribute, as PyG loads it by default.
- **Splits.** Ours are seeded otherwise, so a seed's test graphs differ from the paper's. On
  small data sets the split alone moves accuracies by several points.
- **Early stopping.** The same rule: the test metric at the best validation metric, and an end after
  50 epochs without a better one. Validation sets of 50 to 400 graphs choose that epoch by a few
  graphs, which adds to the spread.
- **Batches.** Graclus and GMN train on batches of 64 and 128 graphs, as the released code does;
  the paper's Table S2 says 8 for some.
- **The complement.** Ours follows the text: no self-loops, edgeless nodes kept. The released code
  keeps self-loops and drops the complement of trailing edgeless nodes.
- **DiffPool.** Ours adds a residual connection after each GraphSAGE convolution of matching width,
  and begins with a mean convolution and ReLU. The released code has no residual after the last of a
  group, and begins with a normalised GraphSAGE convolution without ReLU. In its version 2, too, the
  layers of a GNN are concatenated, and clusters are read out after every pooling. On our ZINC,
  tried with one seed, the released class itself (uniform, version 1) has an error of 0.561, ours
  0.521, where the paper says 0.457: the distance is not our model's. These two runs are not in the
  ledgers.
- **DiffPool's losses.** Ours are means over real nodes and pairs of nodes; PyG's, which the
  released code calls, over padding, too, so that in batches of unequal graphs ours weigh more.
- **Table 2.** The text does not say which of DiffPool's two convolutions is left out. Ours keeps
  the one that embeds what the first pool coarsens, linear and normalised, and assigns nodes by
  their raw features.
- **GMN.** Our keys are parameters that the KL step trains, after every fifth epoch. In the
  released code they are plain tensors, which nothing trains; its KL step takes the place of every
  fifth epoch and moves all weights that the loss reaches.
- **MinCutPool.** Random assignments are normal, as the text says; in the released code, uniform.
  Clusters begin at half the mean number of nodes in ours, of the largest graph in the released
  code, which also clips gradients at a norm of 2 and has no ReLU after the last convolution.
- **Evaluation.** The released code draws a new matching whenever it evaluates; ours depends on the
  graph and the seed alone.
- **Figure 7.** The paper's text, as we have it, does not give the weights; ours are 0, 1 and 10.
"""
WORTH = """
### What the differences are worth

Ours minus the same model with one thing done as in the released code
(`examples/reproduce_released.py`); in the last pair normal assignments minus uniform ones.
"""
APART_HEAD = """
### Significantly apart from the paper

By model and data set.
"""
MORE_RUNS = """
## More runs

`python examples/reproduce_table1.py --dataset NCI1 --runs 20` runs what the ledgers lack and
nothing else; so do the scripts of the other tables and figures. Ledgers of other machines are
appended to ours (`cat theirs.jsonl >> ours.jsonl`); a run that is in both counts once. Then
`python -m benchmarks.paper.page` writes this page anew. A seed gives the same run to the last
digit on one machine with one thread; another processor, or compiled models (`--compile`), round
otherwise, and after some epochs that shows.
"""
ACTIVATIONS = """\
Embeddings of three test graphs around each pooling layer of one trained network: nodes are rows,
channels are columns, the number of nodes stands in brackets, each matrix has its own colours.
"""
