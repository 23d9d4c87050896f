"""The server keeps to its own OpenAPI document, whatever clients make of it.

Requests are made up from the document, both as it says and against what it says. No answer is a
server error, and each has a status, a type and a form that the document names. The short form sends
few and always the same ones; ``make fuzz`` sends thousands at random.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from schemathesis import APIOperation, Case
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from core.contracts import LIFT_QUEUE, POSE_QUEUE, JobOptions
from core.errors import VideoTruncated
from core.results.manifest import Manifest, Source
from core.results.reader import ResultWriter
from core.store.disk_blobs import DiskBlobs
from core.store.heartbeats import Heartbeats, WorkerBeat
from core.store.keys import new_id, upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from tests.core.chunk_makers import make_poses
from tests.faults.fuzzing import examples
from tests.integration.stack import Stack, answers
from tests.server.clips import MP4
from tests.server.fake_worker import FakeWorker

SAYS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What is held against the document; server errors are looked at by ``refuses_in_words``."""


@dataclass(frozen=True)
class Service:
    """A running server, and ended jobs in it to be asked for."""

    schema: BaseSchema
    url: str
    redis: Redis
    worker: FakeWorker
    result: bytes

    def ended_jobs(self) -> list[str]:
        """One that succeeded and one that failed; none is live, or a poll would wait for it."""
        Heartbeats(self.redis).announce(WorkerBeat(name="w", queue=LIFT_QUEUE, device="cpu"))
        ids = [self._job() for _ in range(2)]
        self.worker.succeed(ids[0], self.result)
        self.worker.fail(ids[1], VideoTruncated("The file is cut off."))
        return ids

    def _job(self) -> str:
        job_id = new_id()
        upload = self.worker.blobs.put_bytes(upload_key(job_id), MP4)
        options = JobOptions()
        self.worker.ledger.create(
            job_id=job_id, filename="clip.mp4", options=options, upload=upload
        )
        return job_id


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """In a process of its own: a server in ours would disturb the dice that requests come from."""
    folder: Path = tmp_path_factory.mktemp("conformance")
    settings = {
        "POSELIFT_UPLOAD_LIMIT_BYTES": 1 << 20,
        "POSELIFT_IMAGE_LIMIT_BYTES": 1 << 20,
        "POSELIFT_MAX_QUEUE": 100_000,
    }
    with Stack(folder, settings) as stack:
        stack.api.wait_until(lambda: answers(stack.url))
        document = httpx.get(f"{stack.url}/openapi.json", timeout=60).json()
        blobs = DiskBlobs(stack.data_dir / "blobs")
        ledger = JobLedger(stack.redis, retention_s=600.0)
        worker = FakeWorker(ledger, blobs, LiveFrames(stack.redis, blobs, ttl_s=60.0))
        schema = schemathesis.openapi.from_dict(document)
        yield Service(schema, stack.url, stack.redis, worker, small_result(folder))


def small_result(folder: Path) -> bytes:
    """Four frames of one person."""
    with ResultWriter(folder / "pose.npz") as writer:
        writer.append(make_poses(np.zeros((1, 4, 28, 3), np.float32)))
        path = writer.finish(Manifest(source=Source(width_px=640, height_px=480)))
    return path.read_bytes()


def operations(schema: BaseSchema) -> list[APIOperation]:
    return [found.ok() for found in schema.get_all_operations()]


def aimed(case: Case, job_id: str | None, content: bytes | None) -> Case:
    """The case with a job that exists and a file that is taken, so that it gets past the door."""
    if job_id is not None and "job_id" in (case.path_parameters or {}):
        case.path_parameters["job_id"] = job_id
    if content is not None and isinstance(case.body, dict) and "file" in case.body:
        case.body["file"] = content
    elif content is not None and isinstance(case.body, bytes):
        case.body = content
    return case


def refuses_in_words(reply: Any) -> None:
    """A server error is one only if it is not a coded refusal that may be tried again."""
    if reply.status_code >= 500:
        problem = reply.json()
        assert reply.status_code in (503, 507), reply.text
        assert problem["code"] != "internal_error", reply.text
        assert problem["retriable"] is True, reply.text


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_every_answer_is_one_that_the_document_names(
    service: Service, mode: GenerationMode
) -> None:
    checks, session = CHECKS.get_by_names(SAYS), requests.Session()
    for operation in operations(service.schema):
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # there is nothing that a request could get wrong
        job_ids = [None, *service.ended_jobs()]

        @examples(8, share=0.05)
        @given(
            case=operation.as_strategy(generation_mode=mode),
            job_id=st.sampled_from(job_ids),
            content=st.sampled_from((None, MP4)),
        )
        def is_answered(case: Case, job_id: str | None, content: bytes | None) -> None:
            reply = aimed(case, job_id, content).call(
                base_url=service.url, session=session, timeout=60
            )
            refuses_in_words(reply)
            case.validate_response(reply, checks=checks)

        is_answered()


def test_everything_is_tried(service: Service) -> None:
    """Else a route could be left out of the document and of this test."""
    labels = {operation.label for operation in operations(service.schema)}
    assert {"POST /jobs", "GET /jobs/{job_id}", "DELETE /jobs/{job_id}", "POST /poses"} <= labels
    assert len(labels) >= 13
    beats = Heartbeats(service.redis)
    assert POSE_QUEUE not in {beat.queue for beat in beats.alive()}  # /poses refuses at once
