import os
from pathlib import Path

from core.store.disk_blobs import DiskBlobs
from core.store.keys import frames_key, result_key, upload_key
from core.store.ledger import JobLedger
from core.store.orphans import remove_orphans
from tests.core.store.accepting import Accept


def test_only_old_files_of_unknown_jobs_go(
    tmp_path: Path, ledger: JobLedger, accept: Accept
) -> None:
    blobs, known = DiskBlobs(tmp_path), accept()
    keys = [
        key
        for job_id in (known, "feed")
        for key in (upload_key(job_id), result_key(job_id, 1), frames_key(job_id, 1, 0))
    ]
    for key in keys:
        blobs.put_bytes(key, b"x")
        os.utime(tmp_path / key, (0, 0))
    blobs.put_bytes(upload_key("young"), b"x")
    assert remove_orphans(ledger, blobs) == 3
    assert [blobs.exists(key) for key in keys] == [True] * 3 + [False] * 3
    assert blobs.exists(upload_key("young"))
    assert list(tmp_path.glob("**/feed*")) == []
