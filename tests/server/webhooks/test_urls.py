import pytest

from core.errors import WebhooksDisabled, WebhookUrlInvalid
from server.webhooks.urls import WebhookRules

STRICT = WebhookRules(is_on=True, allow_private=False)
LENIENT = WebhookRules(is_on=True, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com:8443/hook?token=a%20b@c",
        "https://93.184.215.14/",
        "https://[2606:4700:4700::1111]/x",
        "https://bücher.example/hook",
    ],
)
def test_accepted_as_it_is(url: str) -> None:
    assert STRICT.check(url) == url


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "characters"),
        ("https://example.com/" + "x" * 2000, "characters"),
        ("http://example.com/hook", "https://"),
        ("example.com/hook", "https://"),
        ("https:///hook", "host"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https://user:secret@example.com/", "password"),
        ("https://example.com@127.0.0.1/", "password"),
        ("https://example.com/#top", "fragment"),
        ("https://exa mple.com/", ""),
        ("https://example.com/a b", "white space"),
        ("https://example.com/\r\nX: y", ""),
        ("https://example.com:99999/", "port"),
        ("https://127.0.0.1/", "address"),
        ("https://[::1]/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://169.254.169.254/latest/meta-data", "address"),
    ],
)
def test_refused(url: str, word: str) -> None:
    with pytest.raises(WebhookUrlInvalid) as caught:
        STRICT.check(url)
    assert word in caught.value.detail
    assert "secret" not in caught.value.detail


def test_an_operator_may_allow_the_own_network() -> None:
    assert LENIENT.check("http://10.0.0.5:9000/hook")
    with pytest.raises(WebhookUrlInvalid):
        LENIENT.check("http://169.254.169.254/")


def test_without_a_secret_there_are_none() -> None:
    with pytest.raises(WebhooksDisabled, match="POSELIFT_WEBHOOK_SECRET"):
        WebhookRules(is_on=False, allow_private=False).check("https://example.com/")
