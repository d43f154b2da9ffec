"""How far a pull is: a bar on a terminal, plain lines in the log, nothing on a pipe."""

import fcntl
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import progressbar

logger = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two lines in the log."""

REDRAW = 0.2
"""Seconds between two looks of the bar, or between two tries to be the one that is drawn."""


@contextmanager
def shown(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function to call with every number of bytes that came, of `total` in all."""
    bar = _Bar(title, total)
    done, last = 0, time.monotonic()

    def tell(count: int) -> None:
        nonlocal done, last
        done += count
        bar.show(done)
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            share = 100 * done // max(total, 1)
            logger.info("%d of %d MB (%d %%)", done // 10**6, total // 10**6, share)

    try:
        yield tell
    finally:
        bar.close()


class _Bar:
    """The bar of one pull. A terminal has room for one: whoever holds its lock draws."""

    def __init__(self, title: str, total: int):
        self._title, self._total = title, total
        self._bar: progressbar.ProgressBar | None = None
        self._terminal: int | None = None
        self._next = 0.0
        with suppress(OSError, ValueError):  # no terminal, or no stream at all
            if sys.stderr.isatty():
                name = os.ttyname(sys.stderr.fileno())
                self._terminal = os.open(name, os.O_WRONLY | os.O_NOCTTY)

    def show(self, done: int) -> None:
        """Draw, if it is time to and no other pull draws on this terminal."""
        now = time.monotonic()
        if self._terminal is None or now < self._next:
            return
        self._next = now + REDRAW
        if self._bar is None:
            try:
                fcntl.flock(self._terminal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            self._bar = self._begin()
        self._bar.update(max(0, min(done, self._total)))

    def _begin(self) -> progressbar.ProgressBar:
        widgets = [
            f"{self._title} ",
            progressbar.Percentage(),
            " ",
            progressbar.Bar(),
            " ",
            progressbar.DataSize(),
            " ",
            progressbar.AdaptiveTransferSpeed(),
            " ",
            progressbar.AdaptiveETA(),
        ]
        bar = progressbar.ProgressBar(max_value=self._total, widgets=widgets, fd=sys.stderr)
        return bar.start()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.finish(end="\r\x1b[K")  # leave no trace among the other lines
        if self._terminal is not None:
            os.close(self._terminal)
