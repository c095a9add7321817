import pytest
from link_rig import Rig


@pytest.fixture
def rig(request, tmp_path):
    made = []

    def make(port, **settings):
        made.append(Rig(request.node.name, tmp_path, port, **settings))
        return made[-1]

    yield make
    for box in made:
        box.link.stop()
        box.outbox.close()
