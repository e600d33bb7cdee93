"""What a check shows while it runs: how far each null is from its verdict, and for how long."""

import time
from collections.abc import Mapping
from itertools import islice
from math import inf, isfinite
from pathlib import Path
from statistics import fmean
from types import TracebackType

import torch
from joblib import effective_n_jobs
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from graphpool_sanity.check.collect import Judge
from graphpool_sanity.check.comparison import half_width
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.schedule import Schedule
from graphpool_sanity.check.sight import BLIND
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.training.batches import Batches
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.protocol import resolve_device, train_epoch
from graphpool_sanity.training.tasks import Unit
from graphpool_sanity.training.workers import Config

_STEPS = 5
"""Of training, by which the time of an epoch is told."""


class CheckWatch:
    """Tells the schedule what came out of each run, and shows where the check stands.

    On a terminal a line for each null, as ``"random: 14 pairs, -1.2 [-3.0, +0.6], about 20 more,
    6 min"``; elsewhere a line for each run.
    """

    def __init__(
        self, schedule: Schedule, judge: Judge, jobs: int, seed: int, verbose: bool = True
    ) -> None:
        self.schedule, self.judge, self.unit = schedule, judge, Unit(judge.benchmark.metric)
        self.jobs, self.seed = effective_n_jobs(jobs), seed
        self.console = Console(stderr=True, quiet=not verbose)
        self.seconds: list[float] = []
        columns = TextColumn("{task.description}", table_column=Column()), TimeElapsedColumn()
        live = self.console.is_terminal
        self.progress = Progress(*columns, console=self.console, disable=not live, transient=True)
        self.lines = {null: self.progress.add_task(null, total=None) for null in schedule.nulls}

    def announce(
        self, name: str, pairs: PairedRuns, bite: Mapping[str, float], kept: int = 0
    ) -> None:
        """Say what will be spent, what it can settle, what bites late, and what is kept."""
        if self.console.quiet:
            return
        benchmark, plan = pairs.benchmark(), self.judge.plan
        least, most = self.schedule.runs, self.schedule.max_runs
        number = " to ".join(map(str, dict.fromkeys([least, most])))
        nulls, variants = ", ".join(self.schedule.nulls), 1 + len(self.schedule.nulls)
        epoch, epochs = seconds_of_epoch(pairs, self.seed), pairs.protocol.epochs
        pair = variants * epochs * epoch / self.jobs
        times = " to ".join(dict.fromkeys(duration(n * pair) for n in (least, most)))
        limit = self.schedule.deadline - time.monotonic()
        until = f"None is added to {least} after {duration(limit)}. " if isfinite(limit) else ""
        spread = self.judge.margin / half_width(most, 1.0, 1 - self.judge.level, 0, plan.is_kept)
        self._say(
            f"{name} on {benchmark.name}: {number} pairs with each of {nulls}. An epoch takes "
            f"about {duration(epoch)}, a run at most {epochs} of them: {times} in all, "
            f"{self.jobs} at once, if no run stops early. {until}{most} pairs can find a null as "
            f"good if the differences have a standard deviation below "
            f"{self.unit.difference(spread).lstrip('+')}."
        )
        for null, size in bite.items():
            if size < BLIND:
                self._say(
                    f"Before training {null} changes the outputs by {size:.0e} of what tells "
                    "graphs apart; the report has how far it does after."
                )
        if kept:
            runs = " to ".join(str(variants * number) for number in dict.fromkeys([least, most]))
            self._say(f"{kept} of {runs} runs are kept from before.")

    def interrupted(self, kept: Path | None) -> None:
        """Say what is kept."""
        self.console.quiet = False
        if kept is None:
            self._say("interrupted: nothing is kept, as no folder (out) was given")
        else:
            self._say(f"interrupted: finished runs are kept in {kept}; the same call goes on there")

    def _say(self, text: str) -> None:
        """Wrapped at words on a terminal; elsewhere on one line, and paths as well."""
        soft_wrap = not self.console.is_terminal or "/" in text
        self.console.print(text, highlight=False, soft_wrap=soft_wrap, markup=False)

    def __enter__(self) -> "CheckWatch":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def ran(self, config: Config, outcome: Record | Exception, is_new: bool) -> None:
        """A run is done, was there already, or has failed."""
        variant, pair = config["variant"], config["seed"] - self.seed
        if isinstance(outcome, Exception):
            self.schedule.is_broken = True
        else:
            self.schedule.tell((variant, pair), outcome["test"])
        if is_new and not isinstance(outcome, Exception):
            self.seconds.append(outcome["seconds"])
        if self.console.is_terminal:
            for null, line in self.lines.items():
                self.progress.update(line, description=self.status(null))
        elif is_new:
            said = "failed" if isinstance(outcome, Exception) else self._score(outcome["test"])
            nulls = self.schedule.nulls if variant == LAYER else [variant]
            stands = "; ".join(self.status(null) for null in nulls)
            self._say(f"pair {pair + 1}, {variant}: {said}. {stands}")

    def epoch(self, epoch: int, validation: float) -> None:
        """An epoch of the present run is done."""
        for null, line in self.lines.items():
            note = f", epoch {epoch}, validation {self._score(validation)}"
            self.progress.update(line, description=self.status(null) + note)

    def status(self, null: str) -> str:
        """Where the comparison with a null stands."""
        pairs, schedule = self.schedule.pairs(null), self.schedule
        if pairs < 2:
            return f"{null}: {pairs} of {schedule.runs} pairs"
        found = self.judge.compare(*schedule.of_pairs(null, pairs))
        where = self.unit.signed(found.difference)
        if isfinite(found.interval[0]):
            where += f" {self.unit.interval(found.interval)}"
        if null not in schedule.open or pairs == schedule.max_runs:
            return f"{null}: {pairs} pairs, {where}, {found.verdict}"
        more = max(schedule.runs - pairs, min(found.more_runs or 0, schedule.max_runs - pairs))
        return f"{null}: {pairs} pairs, {where}, about {more} more{self._time(more)}"

    def _time(self, pairs: int) -> str:
        """How long so many pairs of all that are open take."""
        if not self.seconds or not pairs:
            return ""
        runs = pairs * (1 + len(self.schedule.open))
        return f", {duration(runs * fmean(self.seconds) / self.jobs)}"

    def _score(self, score: float) -> str:
        return f"{self.unit.scale * score:.{self.unit.digits}f}"


def seconds_of_epoch(pairs: PairedRuns, seed: int) -> float:
    """How long an epoch of the layer's model takes, by its fastest of a few training steps."""
    benchmark, device = pairs.benchmark(), resolve_device(pairs.device)
    model = pairs.build_seeded(LAYER, seed).to(device)
    train, size = benchmark.split(seed)[0], pairs.protocol.batch_size
    batches = Batches(benchmark.graphs, train, size, device, lone=False)
    optimizer = torch.optim.Adam(model.parameters())
    seconds = []
    with fork_rng(seed):
        for batch in islice(batches, _STEPS):
            start = time.perf_counter()
            train_epoch(model, benchmark, [batch], optimizer, None, device)
            seconds.append(time.perf_counter() - start)
    return len(batches) * min(seconds)


def duration(seconds: float) -> str:
    """Seconds in the largest unit that fits.

    >>> duration(0.345), duration(42), duration(400), duration(9000)
    ('0.34 s', '42 s', '7 min', '2.5 h')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def deadline_in(minutes: float | None) -> float:
    """The time in so many minutes, in the seconds of ``time.monotonic``; never if ``None``."""
    return inf if minutes is None else time.monotonic() + 60 * minutes
