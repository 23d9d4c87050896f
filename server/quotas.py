"""A client's share: uploads a minute, and jobs that wait. Refused before the upload, and told how.

Source: RFC 9110 (Retry-After); the IETF draft "RateLimit header fields for HTTP", version 10.
"""

from fastapi import Request

from core.errors import QuotaExceeded
from core.store.quotas import Allowance
from server.answer_headers import add_to_answer
from server.auth import Asks, UseOwn
from server.services import Services

_UPLOADS, _WAITING = '"uploads"', '"waiting-jobs"'
_WAIT_FOR_WORKERS_S = 30


async def count_upload(request: Request, services: UseOwn, caller: Asks) -> None:
    """One more upload of this caller's, whatever will become of it; every answer says what is left.

    Raises:
        QuotaExceeded: too many came within a minute.
    """
    if services.upload_quota is None:
        return
    allowance = await services.claims.run(services.upload_quota.take, caller.name)
    _announce_uploads(request, allowance)
    if not allowance.granted:
        add_to_answer(request, {"Retry-After": str(max(1, allowance.next_in_s))})
        raise QuotaExceeded(
            f"More than {allowance.size} uploads came within a minute. "
            f"Try again in {max(1, allowance.next_in_s)} s."
        )


async def count_waiting(request: Request, services: UseOwn, caller: Asks) -> None:
    """See whether another job of this key's may wait, to spare the upload; create() makes sure.

    Raises:
        QuotaExceeded: as many wait as may.
    """
    if caller.key_id is None:
        return
    most, waiting = await services.claims.run(_waiting, services)
    _announce_waiting(request, most, waiting)
    if waiting >= most:
        add_to_answer(request, {"Retry-After": str(_WAIT_FOR_WORKERS_S)})
        raise QuotaExceeded(
            f"{most} of your jobs are waiting already. Try again once some have begun."
        )


def _waiting(services: Services) -> tuple[int, int]:
    return services.settings.max_queue_per_key, services.ledger.own_waiting()


def _announce_uploads(request: Request, allowance: Allowance) -> None:
    policy = f"{_UPLOADS};q={allowance.size};w={allowance.window_s}"
    state = f"{_UPLOADS};r={allowance.left};t={allowance.full_in_s}"
    add_to_answer(request, {"RateLimit-Policy": policy, "RateLimit": state})


def _announce_waiting(request: Request, most: int, waiting: int) -> None:
    policy, state = f"{_WAITING};q={most}", f"{_WAITING};r={max(0, most - waiting)}"
    add_to_answer(request, {"RateLimit-Policy": policy, "RateLimit": state})
