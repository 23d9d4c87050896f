import pytest

from server.addresses import client_name, comes_over_network, is_loopback
from server.exposure import Exposure, check_exposure


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.0.2.7", False),
        ("fe80::1%eth0", False),
        ("no such name.invalid", False),
        ("", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (("127.0.0.1", 8000), False),
        (("::ffff:127.0.0.1", 8000), False),
        (("192.0.2.7", 8000), True),
        (("2001:db8::1", 8000), True),
        (("/run/poselift.sock", None), False),
        (None, False),
    ],
)
def test_where_a_request_came_in(server: tuple[str, int | None] | None, expected: bool) -> None:
    assert comes_over_network({"type": "http", "server": server}) is expected


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 1), "2001:db8:1:2::/64"),
        (None, "local"),
        (("a name", 1), "local"),
    ],
)
def test_who_counts_as_one_client(client: tuple[str, int] | None, name: str) -> None:
    assert client_name({"type": "http", "client": client}) == name


def test_while_redis_is_away_nobody_gets_in_and_the_server_may_start() -> None:
    found = check_exposure("redis://127.0.0.1:1", host="192.0.2.7", insecure=False)
    assert found is Exposure.UNKNOWN
