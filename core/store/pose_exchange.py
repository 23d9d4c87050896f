"""One picture to a worker and its poses back, while the client waits."""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter
from redis import Redis

from core.contracts import JobError, PersonPose
from core.errors import BlobMissing, LiftError, NoWorkerFree
from core.store.connection import store_errors

_IMAGE_TTL_S = 60
_ANSWER_TTL_S = 30


class _Answer(BaseModel):
    persons: list[PersonPose] | None = None
    error: JobError | None = None


class PoseExchange:
    """Pictures and answers in Redis, each for a minute at most.

    The server puts a picture, queues its id and waits; the worker takes the picture and answers. A
    picture whose server has stopped waiting is withdrawn, so the worker finds nothing to do.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in

    # --- for the server ---------------------------------------------------------------------

    def put(self, pose_id: str, image: bytes) -> None:
        """Leave the picture for a worker."""
        with store_errors():
            self._redis.set(_image(pose_id), image, ex=_IMAGE_TTL_S)

    def wait(self, pose_id: str, timeout_s: float) -> list[PersonPose]:
        """Block until the answer is there; the picture is withdrawn in any case.

        Raises:
            NoWorkerFree: no answer came in time.
            LiftError: what the worker answered, ``ImageInvalid`` for one.
        """
        try:
            with store_errors():
                reply = self._redis.blpop([_answer(pose_id)], timeout=timeout_s)
        finally:
            with store_errors():
                self._redis.delete(_image(pose_id), _answer(pose_id))
        if reply is None:
            raise NoWorkerFree(
                "No worker answered in time; all are busy. Try again in a few seconds."
            )
        answer = _Answer.model_validate_json(reply[1])
        if answer.error is not None:
            raise LiftError.from_code(answer.error.code, answer.error.detail)
        return answer.persons or []

    # --- for the worker ---------------------------------------------------------------------

    def image(self, pose_id: str) -> bytes:
        """The picture, as it was uploaded.

        Raises:
            BlobMissing: nobody waits for it any more.
        """
        with store_errors():
            image: bytes | None = self._redis.get(_image(pose_id))
        if image is None:
            raise BlobMissing("Nobody waits for this picture any more.")
        return image

    def answer(self, pose_id: str, persons: list[PersonPose]) -> None:
        """Everybody in the picture; an empty list if there is nobody."""
        content = TypeAdapter(list[PersonPose]).dump_python(persons, mode="json")
        self._push(pose_id, {"persons": content})

    def refuse(self, pose_id: str, error: LiftError) -> None:
        """Why there is no answer."""
        self._push(pose_id, {"error": JobError.of(error).model_dump(mode="json")})

    def _push(self, pose_id: str, answer: dict[str, Any]) -> None:
        with store_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.lpush(_answer(pose_id), json.dumps(answer))
            pipe.expire(_answer(pose_id), _ANSWER_TTL_S)
            pipe.execute()


def _image(pose_id: str) -> str:
    return f"poselift:pose:{pose_id}:image"


def _answer(pose_id: str) -> str:
    return f"poselift:pose:{pose_id}:answer"
