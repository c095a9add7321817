"""The outbox against a model of it: any order of puts, confirmations and restarts."""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.telemetry.outbox import Outbox
from edge.telemetry.outgoing import Outgoing


class OutboxMachine(RuleBasedStateMachine):
    """The outbox against a list: bounded, ordered, alarms last to go, over restarts."""

    folder = None
    limit = 6

    def __init__(self):
        super().__init__()
        self.path = self.folder / f"{next(self.numbers)}.sqlite"
        self.outbox = Outbox(self.path, self.limit)
        self.model = []
        self.serial = count()

    numbers = count()

    @rule(keep=st.sampled_from(["latest", "until_full", "always"]), topic=st.sampled_from(["a", "b"]))
    def put(self, keep, topic):
        payload = str(next(self.serial)).encode()
        new = Outgoing(topic, payload, retain=False, keep=keep, boot_id="b", expiry_s=60)
        self.outbox.put(new)
        self.outbox.commit()
        if keep == "latest":
            self.model = [each for each in self.model if (each.keep, each.topic) != ("latest", topic)]
        self.model.append(new)
        while len(self.model) > self.limit:
            order = {"until_full": 0, "always": 1, "latest": 2}
            self.model.remove(min(self.model, key=lambda each: order[each.keep]))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def confirm(self, data):
        waiting = data.draw(st.sampled_from(self.outbox.next(100)))
        self.outbox.confirm([waiting.id])
        self.model.remove(waiting.message)

    @rule()
    def restart(self):
        self.outbox.close()
        self.outbox = Outbox(self.path, self.limit)

    @invariant()
    def holds_what_the_model_holds(self):
        expected = sorted(self.model, key=lambda each: each.keep != "always")
        assert [each.message for each in self.outbox.next(100)] == expected
        assert self.outbox.depth == len(self.model)
        assert self.outbox.faults == {}

    def teardown(self):
        self.outbox.close()


def test_outbox_behaves_like_its_model(tmp_path):
    OutboxMachine.folder = tmp_path
    case = OutboxMachine.TestCase
    case.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
    case("runTest").runTest()
