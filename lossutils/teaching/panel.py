"""A training that the reader starts and stops, with a progress bar and a live picture."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from threading import RLock

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from lossutils.teaching.plots import encode_to_store
from lossutils.teaching.svg import encode_svg
from lossutils.teaching.widgets import bundle, error_line, image_for, spoken

Record = dict[str, float]

_SECONDS_BETWEEN_PICTURES = 0.1
# A message from the browser passes through several queues of the kernel, one turn of its event
# loop each. With fewer turns Stop would arrive some epochs late.
_TURNS_BETWEEN_EPOCHS = 20


class TrainingPanel:
    """Start, Stop and Reset buttons, a progress bar and a picture that grows with the training.

    `steps()` is a generator function that trains from the beginning and yields a record, a dict
    of floats, after each epoch. `figure(records)` draws the list of records so far, which is
    empty at first. `total` is the number of epochs; a generator that yields more is cut off.

    `display()` shows the panel. Its Start button trains on the kernel's event loop, an epoch at a
    time, so that Stop is heard after the epoch in progress. `run()` trains at once and waits.
    Start always begins anew. An exception in `steps()` is shown in the panel.

    Raises ValueError for a total below 1.
    """

    def __init__(
        self,
        steps: Callable[[], Iterator[Record]],
        figure: Callable[[list[Record]], Figure],
        total: int,
        *,
        alt: str,
    ) -> None:
        if total < 1:
            raise ValueError(f"`total` must be at least 1 epoch, but is {total}.")
        self.records: list[Record] = []
        self.running = False
        self.alt = alt
        self.steps, self.figure_function, self.total = steps, figure, total
        self._task: asyncio.Task | None = None
        self._loop = _current_loop()
        self._lock = RLock()
        self._last_drawing = 0.0
        self._make_widgets(figure([]))
        self.redraw()

    def run(self) -> list[Record]:
        """Train from the beginning, wait until it is finished, and return the records.

        An interrupt of the kernel stops it like the Stop button. An exception in `steps()` is
        shown in the panel and raised.
        """
        self.stop()
        self._begin()
        try:
            for record in islice(self.steps(), self.total):
                self._add(record)
        except KeyboardInterrupt:
            self._end("Stopped")
        except Exception as error:
            self._fail(error)
            raise
        else:
            self._end("Finished")
        return self.records

    def start(self) -> None:
        """Train from the beginning on the event loop, and return at once."""
        if self.running:
            return
        loop = _current_loop() or self._loop
        if loop is None:
            raise RuntimeError("start() needs a running event loop; call run() instead")
        self._begin()
        # A kernel may handle clicks in another thread than the one that runs its loop.
        loop.call_soon_threadsafe(self._launch, loop, self.records)

    def stop(self) -> None:
        """End the training after the epoch in progress, and keep what was recorded."""
        if self.running:
            self._end("Stopped")

    def reset(self) -> None:
        """Stop, and forget what was recorded."""
        self.stop()
        with self._lock:
            self.records = []
            self._say("Ready")
            self.redraw()

    def redraw(self) -> None:
        """Draw the picture of what was recorded so far."""
        with self._lock:
            self.image.value = encode_svg(self.figure_function(self.records))
            self._last_drawing = time.monotonic()

    def display(self) -> None:
        """Show the panel; where a notebook is only read, the picture as it is now."""
        note = "Run the notebook to start, stop and reset this training."
        still = encode_to_store(self.figure_function(self.records))
        display(bundle(self.widget, still, self.alt, note), raw=True)

    async def wait(self) -> None:
        """Wait until a training that was started has ended."""
        while self.running or (self._task is not None and not self._task.done()):
            await asyncio.sleep(0.01)

    def _make_widgets(self, empty: Figure) -> None:
        self.start_button = _button("Start", "play", self.start)
        self.stop_button = _button("Stop", "stop", self.stop)
        self.reset_button = _button("Reset", "undo", self.reset)
        self.stop_button.disabled = True
        self.progress = ipywidgets.IntProgress(
            min=0, max=self.total, layout=ipywidgets.Layout(width="260px")
        )
        self.status = ipywidgets.Label(layout=ipywidgets.Layout(width="220px"))
        self.image = image_for(empty)
        self.message = ipywidgets.HTML(spoken(self.alt))
        buttons = ipywidgets.HBox([self.start_button, self.stop_button, self.reset_button])
        bar = ipywidgets.HBox([self.progress, self.status])
        self.widget = ipywidgets.VBox([buttons, bar, self.image, self.message])
        self._say("Ready")

    def _launch(self, loop: asyncio.AbstractEventLoop, records: list[Record]) -> None:
        # Stop may have been pressed before the loop came round to this.
        if self._is_current(records):
            self._task = loop.create_task(self._train(records))

    async def _train(self, records: list[Record]) -> None:
        try:
            for record in islice(self.steps(), self.total):
                if not self._is_current(records):
                    return
                self._add(record)
                for _ in range(_TURNS_BETWEEN_EPOCHS):
                    await asyncio.sleep(0)
                if not self._is_current(records):
                    return
            self._end("Finished")
        except Exception as error:  # shown in the panel: nobody else waits for this task
            self._fail(error)

    def _is_current(self, records: list[Record]) -> bool:
        # Every Start makes a new list, so a training that was stopped has the wrong one.
        return self.running and records is self.records

    def _begin(self) -> None:
        with self._lock:
            self.records = []
            self.running = True
            self.start_button.disabled, self.stop_button.disabled = True, False
            self.message.value = spoken(self.alt)
            self._say("Training")
            self.redraw()

    def _add(self, record: Record) -> None:
        with self._lock:
            self.records.append(record)
            if time.monotonic() - self._last_drawing >= _SECONDS_BETWEEN_PICTURES:
                self._say("Training")
                self.redraw()

    def _end(self, word: str) -> None:
        with self._lock:
            self.running = False
            self.start_button.disabled, self.stop_button.disabled = False, True
            self._say(word)
            self.redraw()

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self.running = False
            self.start_button.disabled, self.stop_button.disabled = False, True
            self._say("Failed")
            self.message.value = spoken(self.alt) + error_line(error)

    def _say(self, word: str) -> None:
        done = len(self.records)
        self.progress.value = done
        self.status.value = f"{word}: epoch {done} of {self.total}"


def _button(text: str, icon: str, action: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=text, icon=icon, layout=ipywidgets.Layout(width="100px"))
    button.on_click(lambda _: action())
    return button


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
