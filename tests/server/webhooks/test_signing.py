import base64
import hashlib
import hmac

import pytest

from core.errors import ConfigInvalid
from server.settings import ServerSettings
from server.webhooks.signing import SigningKeys
from tests.server.webhooks.receiver import SECRET

OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_example_of_the_reference_implementations() -> None:
    """Source: the test of signing in the Standard Webhooks and Svix libraries."""
    signature = SigningKeys.parse(SECRET).signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_sign_side_by_side() -> None:
    headers = SigningKeys.parse(f" {SECRET} \n{OTHER}\n").headers("msg_1", 5, b"body")
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "5")
    signatures = headers["webhook-signature"].split(" ")
    digest = hmac.new(bytes(range(32)), b"msg_1.5.body", hashlib.sha256).digest()
    assert signatures[1] == "v1," + base64.b64encode(digest).decode()
    assert [signatures[0]] == [SigningKeys.parse(SECRET).signature("msg_1", 5, b"body")]


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_short",
        "whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        f"{SECRET} and_more",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        SigningKeys.parse(text)
    assert "MfKQ9r8GKYq" not in str(caught.value)


class TestSettings:
    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POSELIFT_WEBHOOK_SECRET", SECRET)
        settings = ServerSettings.read()
        assert settings.webhook_keys == SigningKeys.parse(SECRET)
        assert "MfKQ9r8GKYq" not in repr(settings)
        assert not settings.webhook_allow_private

    def test_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
        (tmp_path / "secret").write_text(f"{SECRET}\n")
        monkeypatch.setenv("POSELIFT_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
        settings = ServerSettings.read()
        assert settings.webhook_keys == SigningKeys.parse(SECRET)
        assert "MfKQ9r8GKYq" not in repr(settings)

    @pytest.mark.parametrize("variable", ["WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE"])
    def test_empty_is_none(self, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"POSELIFT_{variable}", "")
        assert ServerSettings.read().webhook_keys is None

    def test_a_wrong_one_is_named_and_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POSELIFT_WEBHOOK_SECRET", "hunter2")
        with pytest.raises(ConfigInvalid, match="POSELIFT_WEBHOOK_SECRET: ") as caught:
            ServerSettings.read()
        assert "hunter2" not in caught.value.detail

    def test_a_file_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
        monkeypatch.setenv("POSELIFT_WEBHOOK_SECRET_FILE", str(tmp_path / "none"))
        with pytest.raises(ConfigInvalid, match=r"POSELIFT_WEBHOOK_SECRET_FILE: .*cannot be read"):
            ServerSettings.read()
