"""What the common tests share: starting a server takes seconds, in every image."""

import pytest
from tests_common.servers import notebook_server


@pytest.fixture(scope="session")
def server():
    """One server for all tests that only ask it."""
    with notebook_server() as running:
        yield running
