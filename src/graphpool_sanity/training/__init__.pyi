from graphpool_sanity.training.ledger import Ledger as Ledger
from graphpool_sanity.training.protocol import Evaluation as Evaluation
from graphpool_sanity.training.protocol import Protocol as Protocol
from graphpool_sanity.training.protocol import Result as Result
from graphpool_sanity.training.protocol import evaluate as evaluate
from graphpool_sanity.training.protocol import train as train
from graphpool_sanity.training.runs import Watch as Watch
from graphpool_sanity.training.runs import run_all as run_all
