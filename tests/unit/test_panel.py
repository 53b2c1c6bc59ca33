"""The training panel: on an event loop as in a kernel, and blocking as in a test."""

import asyncio

import pytest

from lossutils.teaching import panel as panel_module
from lossutils.teaching.panel import TrainingPanel
from lossutils.teaching.plots import plot_curves

ALT = "Line chart: the loss falls."


class Training:
    """A generator function that counts how it is used."""

    def __init__(self, epochs=5, fails_at=None, before_epoch=lambda epoch: None):
        self.epochs, self.fails_at, self.before_epoch = epochs, fails_at, before_epoch
        self.started = self.done = self.closed = 0

    def __call__(self):
        self.started += 1
        try:
            for epoch in range(self.epochs):
                self.before_epoch(epoch)
                if epoch == self.fails_at:
                    raise ValueError("the rate must be < 1")
                self.done += 1
                yield {"loss": 1.0 / (epoch + 1)}
        finally:
            self.closed += 1


def draw(records):
    return plot_curves({"loss": [record["loss"] for record in records]}, xlim=(0, 10))


def panel_for(training, total=5, figure=draw):
    return TrainingPanel(training, figure, total, alt=ALT)


def buttons(panel):
    """Return which of Start and Stop can be pressed."""
    return not panel.start_button.disabled, not panel.stop_button.disabled


IDLE, BUSY = (True, False), (False, True)


def test_it_starts_idle_with_an_empty_picture():
    panel = panel_for(Training())
    assert buttons(panel) == IDLE and panel.records == []
    assert panel.status.value == "Ready: epoch 0 of 5"
    assert panel.image.format == "svg+xml"
    assert bytes(panel.image.value).startswith(b"<?xml")


def test_run_trains_to_the_end():
    panel = panel_for(Training())
    empty = panel.image.value
    records = panel.run()
    assert records == panel.records == [{"loss": 1 / n} for n in range(1, 6)]
    assert panel.progress.value == panel.progress.max == 5
    assert panel.status.value == "Finished: epoch 5 of 5"
    assert buttons(panel) == IDLE and panel.image.value != empty
    assert not panel.running


def test_run_again_begins_anew():
    training = Training()
    panel = panel_for(training)
    first = panel.run()
    second = panel.run()
    assert training.started == 2 and first == second and len(second) == 5


def test_a_generator_without_end_is_cut_off_at_the_total():
    training = Training(epochs=10**9)
    assert len(panel_for(training, total=7).run()) == 7
    assert training.done == 7


def test_an_error_in_run_is_shown_and_raised():
    panel = panel_for(Training(fails_at=2))
    with pytest.raises(ValueError, match="rate"):
        panel.run()
    assert "ValueError: the rate must be &lt; 1" in panel.message.value
    assert panel.status.value == "Failed: epoch 2 of 5"
    assert buttons(panel) == IDLE and len(panel.records) == 2


def test_an_interrupt_stops_run():
    def interrupt(epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    panel = panel_for(Training(before_epoch=interrupt))
    assert len(panel.run()) == 3
    assert panel.status.value == "Stopped: epoch 3 of 5" and buttons(panel) == IDLE


def test_start_trains_on_the_loop_to_the_end():
    async def scenario():
        training = Training()
        panel = panel_for(training)
        panel.start_button.click()
        assert panel.running and buttons(panel) == BUSY
        assert training.done == 0  # the click returns before the first epoch
        await panel.wait()
        assert panel.records == panel_for(Training()).run()
        assert panel.status.value == "Finished: epoch 5 of 5"
        assert buttons(panel) == IDLE and training.closed == 1

    asyncio.run(scenario())


def test_on_the_loop_too_the_total_is_the_end():
    async def scenario():
        training = Training(epochs=30)
        panel = panel_for(training, total=7)
        panel.start_button.click()
        await panel.wait()
        assert len(panel.records) == training.done == 7 and training.closed == 1

    asyncio.run(scenario())


def test_stop_is_heard_within_one_epoch():
    async def scenario():
        loop = asyncio.get_running_loop()
        training = Training(epochs=1000)
        panel = panel_for(training, total=1000)

        def press(epoch):
            if epoch == 3:  # as if the message arrived during this epoch
                loop.call_soon(panel.stop_button.click)

        training.before_epoch = press
        panel.start_button.click()
        await panel.wait()
        assert len(panel.records) == training.done == 4
        assert panel.status.value == "Stopped: epoch 4 of 1000"
        assert buttons(panel) == IDLE and training.closed == 1

    asyncio.run(scenario())


def test_stop_is_heard_when_its_message_passes_several_queues():
    async def scenario():
        loop = asyncio.get_running_loop()
        training = Training(epochs=1000)
        panel = panel_for(training, total=1000)

        def queue(turns):
            loop.call_soon(queue, turns - 1) if turns else panel.stop_button.click()

        training.before_epoch = lambda epoch: queue(10) if epoch == 3 else None
        panel.start_button.click()
        await panel.wait()
        assert len(panel.records) == 4

    asyncio.run(scenario())


def test_start_after_stop_begins_anew():
    async def scenario():
        training = Training(epochs=1000)
        panel = panel_for(training, total=1000)
        panel.start_button.click()
        while len(panel.records) < 3:
            await asyncio.sleep(0)
        panel.stop_button.click()
        training.epochs = 4
        panel.start_button.click()  # before the first training has noticed
        await panel.wait()
        await asyncio.sleep(0.05)
        assert training.started == 2 and training.closed == 2
        assert [record["loss"] for record in panel.records] == [1, 1 / 2, 1 / 3, 1 / 4]
        assert panel.status.value == "Finished: epoch 4 of 1000"

    asyncio.run(scenario())


def test_start_and_stop_before_the_loop_comes_round_trains_nothing():
    async def scenario():
        training = Training()
        panel = panel_for(training)
        panel.start_button.click()
        panel.stop_button.click()
        await asyncio.sleep(0.05)
        assert training.started == 0 and buttons(panel) == IDLE

    asyncio.run(scenario())


def test_start_stop_start_at_once_trains_once():
    async def scenario():
        training = Training()
        panel = panel_for(training)
        for button in (panel.start_button, panel.stop_button, panel.start_button):
            button.click()
        await panel.wait()
        await asyncio.sleep(0.05)
        assert training.started == 1 and len(panel.records) == 5

    asyncio.run(scenario())


def test_a_second_start_while_running_does_nothing():
    async def scenario():
        training = Training()
        panel = panel_for(training)
        panel.start()
        panel.start()
        await panel.wait()
        assert training.started == 1

    asyncio.run(scenario())


def test_an_error_on_the_loop_is_shown_and_the_panel_recovers():
    async def scenario():
        training = Training(fails_at=1)
        panel = panel_for(training)
        panel.start_button.click()
        await panel.wait()
        assert "ValueError: the rate must be &lt; 1" in panel.message.value
        assert "color: var(--jp-error-color1" in panel.message.value
        assert buttons(panel) == IDLE
        training.fails_at = None
        panel.start_button.click()
        await panel.wait()
        assert "ValueError" not in panel.message.value
        assert panel.status.value == "Finished: epoch 5 of 5"

    asyncio.run(scenario())


def test_an_error_in_the_figure_is_shown():
    def picky(records):
        if records:
            raise KeyError("loss")
        return draw(records)

    async def scenario():
        panel = panel_for(Training(), figure=picky)
        panel.start_button.click()
        await panel.wait()
        assert "KeyError" in panel.message.value and buttons(panel) == IDLE

    asyncio.run(scenario())


def test_reset_forgets_everything():
    async def scenario():
        panel = panel_for(Training(epochs=1000), total=1000)
        empty = panel.image.value
        panel.start_button.click()
        while len(panel.records) < 3:
            await asyncio.sleep(0)
        panel.reset_button.click()
        await panel.wait()
        assert panel.records == [] and panel.progress.value == 0
        assert panel.status.value == "Ready: epoch 0 of 1000"
        assert panel.image.value == empty and buttons(panel) == IDLE

    asyncio.run(scenario())


def test_a_click_from_another_thread_trains_on_the_loop():
    async def scenario():
        panel = panel_for(Training())  # remembers the loop of this thread
        await asyncio.to_thread(panel.start_button.click)
        await panel.wait()
        assert len(panel.records) == 5

    asyncio.run(scenario())


def test_without_a_loop_start_says_what_to_call():
    with pytest.raises(RuntimeError, match=r"call run\(\)"):
        panel_for(Training()).start()


def test_pictures_are_drawn_at_most_ten_times_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(panel_module.time, "monotonic", lambda: now[0])
    drawn = []

    def counted(records):
        drawn.append(len(records))
        return draw(records)

    def clock(epoch):
        now[0] += 0.03

    panel = panel_for(Training(epochs=10, before_epoch=clock), total=10, figure=counted)
    del drawn[:]
    panel.run()
    # At the start, every fourth epoch (.12 s), and at the end.
    assert drawn == [0, 4, 8, 10]


def test_display_gives_one_bundle_with_the_picture_as_it_is(monkeypatch):
    shown = []
    monkeypatch.setattr(panel_module, "display", lambda *what, **how: shown.append((what, how)))
    panel = panel_for(Training())
    panel.run()
    assert panel.display() is None
    ((bundle,), how) = shown[0]
    assert how == {"raw": True} and "application/vnd.jupyter.widget-view+json" in bundle
    assert f'alt="{ALT}"' in bundle["text/html"] and 'width="800"' in bundle["text/html"]
    assert bundle["text/plain"].startswith(ALT)


def test_a_total_below_one_is_refused():
    with pytest.raises(ValueError, match="`total` must be at least 1"):
        panel_for(Training(), total=0)
