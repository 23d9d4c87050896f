import re

import pytest
from redis import Redis

from core.store.api_keys import ApiKeys, could_be_a_key, matching


@pytest.fixture
def keys(redis: Redis) -> ApiKeys:
    return ApiKeys(redis)


def test_a_key_is_random_and_found_again(keys: ApiKeys) -> None:
    made, text = keys.create("lab")
    assert re.fullmatch(r"poselift_[0-9a-f]{12}_[0-9a-f]{64}", text)
    assert could_be_a_key(text)
    assert matching(keys.all(), text) == made
    assert keys.create("lab")[1] != text


def test_only_its_hash_is_kept(keys: ApiKeys, redis: Redis) -> None:
    _, text = keys.create("lab")
    secret = text.rpartition("_")[2]
    kept = str([redis.dump(name) for name in redis.keys("*")]) + str(
        redis.hgetall("poselift:api-keys")
    )
    assert secret not in kept
    assert secret not in repr(keys.all())


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "poselift_",
        "poselift_000000000000_" + "0" * 64,
        "ünïcödé",
        "poselift_{id}_" + "0" * 64,
        "{text}0",
        "{text}\n",
        " {text}",
        "{upper}",
    ],
)
def test_whatever_differs_is_no_key(keys: ApiKeys, wrong: str) -> None:
    made, text = keys.create("lab")
    tried = wrong.format(id=made.id, text=text, upper=text.upper())
    assert matching(keys.all(), tried) is None


def test_another_keys_secret_does_not_fit(keys: ApiKeys) -> None:
    one, _ = keys.create("one")
    _, other = keys.create("other")
    assert matching(keys.all(), f"poselift_{one.id}_{other.rpartition('_')[2]}") is None


def test_a_revoked_key_ends_but_is_not_forgotten(keys: ApiKeys) -> None:
    made, text = keys.create("lab")
    revoked = keys.revoke(made.id)
    assert revoked is not None
    assert revoked.revoked_at is not None
    assert matching(keys.all(), text) is None
    assert list(keys.all()) == [made.id]
    assert keys.forget(made.id)
    assert keys.all() == {}
    assert not keys.forget(made.id)


def test_a_replaced_key_keeps_its_owner(keys: ApiKeys) -> None:
    made, old = keys.create("lab")
    replaced = keys.replace(made.id)
    assert replaced is not None
    key, new = replaced
    assert key.id == made.id
    assert matching(keys.all(), old) is None
    assert matching(keys.all(), new) == key


def test_an_unknown_id(keys: ApiKeys) -> None:
    assert keys.revoke("feed") is None
    assert keys.replace("feed") is None
