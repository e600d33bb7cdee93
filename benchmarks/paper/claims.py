"""The paper's claims, each with the rule by which runs speak for or against it."""

from typing import NamedTuple

from reproduce_diffpool import DIFFPOOL
from reproduce_figure2 import FIGURE_2
from reproduce_figure3 import FIGURE_3
from reproduce_figure4 import FIGURE_4
from reproduce_figure7 import FIGURE_7
from reproduce_figure8 import FIGURE_8
from reproduce_figure_s1 import FIGURE_S1
from reproduce_table1 import TABLE_1
from reproduce_table2 import TABLE_2
from reproduce_table3 import TABLE_3
from reproduce_table_s5 import TABLE_S5

from benchmarks.paper.activations import alike_before_pooling, more_alike_after_pooling
from benchmarks.paper.judge import (
    REBUILT,
    Rule,
    all_of,
    gaps_below,
    near_the_cited,
    no_more_variance,
    paired,
    some_null_has_the_highest_mean,
    takes_at_most,
)
from graphpool_sanity.reproduce.study import Row


class Claim(NamedTuple):
    """A sentence of the paper, where it stands, and what decides."""

    text: str
    place: str
    rule: Rule


FOUR, FIVE, EIGHT = TABLE_1.datasets, TABLE_3.datasets, TABLE_S5.datasets
NINE = [*FOUR, *FIVE]
AS_PUBLISHED = [name for name in FOUR if name not in REBUILT]
SAGE, GIN, GRACLUS, COMPLEMENT, NO_POOLING = TABLE_1.rows
DP, *RANDOM_DP = FIGURE_2.rows
GMN, DISTANCE, RANDOM_GMN = FIGURE_4.rows
MINCUT, N_MINCUT, DP_V2, N_DP_V2 = TABLE_S5.rows
FIXED, PERMUTED, INVARIANT = FIGURE_3.rows
NOT_AT_ALL, ONCE, TENFOLD = FIGURE_7.rows
OFTEN, SELDOM = FIGURE_S1.rows
ONE_CONV, TWO_CONVS = TABLE_2.rows[::2], TABLE_2.rows[1::2]
BY_CONVS = list(zip(TWO_CONVS, ONE_CONV, strict=True))
N_DP = Row("N-DP", "normal", DIFFPOOL)

CLAIMS = [
    Claim(
        "Complement, which pools nodes that are not neighbours, performs on par with Graclus.",
        "Section 2, Figure 1, Tables 1 and 3",
        paired([(GRACLUS, COMPLEMENT)], NINE, "second is as good"),
    ),
    Claim(
        "Graclus and Complement are strong baselines: they do as well as GIN and GraphSAGE.",
        "Section 2, Table 1",
        all_of(*(near_the_cited(row, [SAGE, GIN], AS_PUBLISHED) for row in (GRACLUS, COMPLEMENT))),
    ),
    Claim(
        "DiffPool's learned assignments are not relevant: random ones do as well.",
        "Section 2, Figure 2, Table 3",
        all_of(
            paired([(DP, null) for null in RANDOM_DP], FOUR, "second is as good"),
            paired([(DP, N_DP)], FIVE, "second is as good"),
        ),
    ),
    Claim(
        "In all tasks the highest mean is that of a random variant of DiffPool.",
        "Section 2, Figure 2",
        some_null_has_the_highest_mean(DP, RANDOM_DP, FOUR),
    ),
    Claim(
        "Random variants of DiffPool have no significantly higher variance.",
        "Section 2, Figure 2",
        no_more_variance(DP, RANDOM_DP, FOUR),
    ),
    Claim(
        "Without the invariant fix, random DiffPool predicts as well on permuted graphs.",
        "Section 2, Figure 3",
        paired([(FIXED, PERMUTED), (INVARIANT, PERMUTED)], ["ZINC"], "second is as good"),
    ),
    Claim(
        "Distance and Random perform on par with GMN.",
        "Section 2, Figure 4, Table 3",
        all_of(
            paired([(GMN, DISTANCE), (GMN, RANDOM_GMN)], FOUR, "second is as good"),
            paired([(GMN, RANDOM_GMN)], FIVE, "second is as good"),
        ),
    ),
    Claim(
        "On SMNIST an epoch of Distance takes as little as half of GMN's time, Random's a tenth.",
        "Section 2",
        all_of(
            takes_at_most(1 / 2, DISTANCE, GMN, "SMNIST"),
            takes_at_most(1 / 10, RANDOM_GMN, GMN, "SMNIST"),
        ),
    ),
    Claim(
        "The convolutions before pooling make the nodes of a graph alike.",
        "Section 3, Figures 5 and 6",
        alike_before_pooling(["ZINC", "NCI1", "ogbg-molhiv"]),
    ),
    Claim(
        "Pooling makes them more alike still.",
        "Section 3, Figures 5 and 6",
        more_alike_after_pooling(["ZINC", "NCI1", "ogbg-molhiv"]),
    ),
    Claim(
        "The unsupervised losses do not help: DiffPool is no better for them, or ten times them.",
        "Section 3, Figure 7",
        paired([(ONCE, NOT_AT_ALL), (TENFOLD, ONCE)], FIGURE_7.datasets, "second is as good"),
    ),
    Claim(
        "Training GMN's keys more often by the KL loss makes it no better.",
        "Appendix B, Figure S1",
        paired([(OFTEN, SELDOM)], FIGURE_S1.datasets, "second is as good"),
    ),
    Claim(
        "A single convolution before pooling costs performance.",
        "Section 3, Table 2",
        paired(BY_CONVS, ["NCI1", "SMNIST", "ZINC"], "first is better"),
    ),
    Claim(
        "On IMDB-B, whose node features are constant, it does not.",
        "Section 3, Table 2",
        paired(BY_CONVS, ["IMDB-BINARY"], "second is as good"),
    ),
    Claim(
        "With a single convolution, Complement fails to rival Graclus.",
        "Section 3, Table 2",
        paired([(ONE_CONV[0], ONE_CONV[1])], ["NCI1", "SMNIST", "ZINC"], "first is better"),
    ),
    Claim(
        "Global mean pooling is on par with Graclus, DiffPool and GMN.",
        "Section 3",
        paired([(row, NO_POOLING) for row in (GRACLUS, DP, GMN)], NINE, "second is as good"),
    ),
    Claim(
        "Random assignments do as well as MinCutPool's.",
        "Section 3.1, Table S5",
        paired(
            [(MINCUT, N_MINCUT)], [name for name in EIGHT if name != "SMNIST"], "second is as good"
        ),
    ),
    Claim(
        "On SMNIST, though, MinCutPool is better than its random variant.",
        "Appendix B, Table S5",
        paired([(MINCUT, N_MINCUT)], ["SMNIST"], "first is better"),
    ),
    Claim(
        "Random assignments do as well as those of the deeper DiffPool v2.",
        "Appendix B, Table S5",
        paired([(DP_V2, N_DP_V2)], EIGHT, "second is as good"),
    ),
    Claim(
        "Whatever depth and width, Graclus and Complement are no more than 0.05 apart.",
        "Section 3.1, Figure 8",
        gaps_below(
            list(zip(FIGURE_8.rows[::2], FIGURE_8.rows[1::2], strict=True)), EIGHT, limit=0.05
        ),
    ),
]
