from graphpool_sanity.reproduce.command import reproduce as reproduce
from graphpool_sanity.reproduce.experiment import Experiment as Experiment
from graphpool_sanity.reproduce.study import Row as Row
from graphpool_sanity.reproduce.study import Study as Study
