import pytest

from edge.control_room.watch.feed import Listener


class Failing:
    """A subscriber that is connected, and fails when it is asked."""

    connected = True
    refusal = None

    def poll(self, patience_s):
        raise RuntimeError(f"not foreseen in {patience_s} s")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_listener_that_has_failed_is_not_connected():
    listener = Listener(Failing(), lambda: None)
    listener.start()
    listener.join(10)
    assert not listener.take().connected
