"""Everything that can go wrong, as one tree of errors with stable machine-readable codes.

A code is part of the API: clients match on it, so it never changes once released. ``detail`` is a
sentence that a user can act on. ``retriable`` says whether the same request may succeed later.
"""

from typing import ClassVar


class LiftError(Exception):
    """The root of the tree: a failure that is explained to the user by code and sentence."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    retriable: ClassVar[bool] = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    @staticmethod
    def from_code(code: str, detail: str) -> "LiftError":
        """Rebuild an error that crossed a process boundary; an unknown code stays internal."""
        kinds = {kind.code: kind for kind in _all_kinds(LiftError)}
        return kinds.get(code, LiftError)(detail)


def _all_kinds(root: type[LiftError]) -> list[type[LiftError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _all_kinds(child))]


# --- The video itself ---------------------------------------------------------------------------


class VideoError(LiftError):
    """The input video cannot be used."""

    code = "video_unusable"
    title = "The video cannot be used"


class NotAVideo(VideoError):
    code = "not_a_video"
    title = "The file is not a video"


class VideoTruncated(VideoError):
    code = "video_truncated"
    title = "The video is cut off or damaged"


class VideoHasNoFrames(VideoError):
    code = "video_has_no_frames"
    title = "The video holds no frames"


class VideoHasNoPictures(VideoError):
    code = "video_audio_only"
    title = "The file has sound but no picture"


class VideoTooSmall(VideoError):
    code = "video_too_small"
    title = "The picture is too small"


class VideoTooLarge(VideoError):
    code = "video_too_large"
    title = "The picture is too large"


class VideoTooLong(VideoError):
    code = "video_too_long"
    title = "The video is too long"


class CodecUnsupported(VideoError):
    code = "codec_unsupported"
    title = "The video's codec or container is not supported"


class RangeOutsideVideo(VideoError):
    code = "range_outside_video"
    title = "The requested time range holds no frames"


class VideoMismatch(VideoError):
    code = "video_mismatch"
    title = "The video is not the one the result was made from"


class DecoderCrashed(VideoError):
    """The same file would do the same again."""

    code = "decoder_crashed"
    title = "The file crashes the decoder"


class DecoderLimits(VideoError):
    """Memory, processor time or patience; trying again would end in the same way."""

    code = "decoder_limits"
    title = "The file takes more to decode than it may"


# --- What the user asked for --------------------------------------------------------------------


class OptionError(LiftError):
    """An option does not exist, or its value is out of range."""

    code = "option_invalid"
    title = "An option is not valid"


class OptionUnknown(OptionError):
    code = "option_unknown"
    title = "There is no such option"


class OptionOutOfRange(OptionError):
    code = "option_out_of_range"
    title = "An option's value is out of range"


class WebhookUrlInvalid(OptionError):
    code = "webhook_url_invalid"
    title = "The webhook's URL cannot be used"


class WebhooksDisabled(OptionError):
    """The operator has set no secret to sign with."""

    code = "webhooks_disabled"
    title = "This server sends no webhooks"


class KeypointsInvalid(LiftError):
    """2D keypoints brought by the user have wrong shapes, names or values."""

    code = "keypoints_invalid"
    title = "The 2D keypoints cannot be used"


class ImageInvalid(LiftError):
    """A still picture cannot be decoded."""

    code = "image_invalid"
    title = "The picture cannot be used"


class DatasetInvalid(LiftError):
    """A file of a dataset has wrong fields, shapes or values; names clip and frame."""

    code = "dataset_invalid"
    title = "The dataset cannot be used"


class ResultInvalid(LiftError):
    """A file is not one of our results, or is of another schema version."""

    code = "result_invalid"
    title = "The file is not a PoseLift result"


# --- Uploads and jobs ---------------------------------------------------------------------------


class UploadEmpty(LiftError):
    code = "upload_empty"
    title = "The upload is empty"


class UploadTooLarge(LiftError):
    code = "upload_too_large"
    title = "The upload is over the size limit"


class UploadIncomplete(LiftError):
    code = "upload_incomplete"
    title = "The upload stopped before its end"


class UploadTooSlow(LiftError):
    code = "upload_too_slow"
    title = "The upload came too slowly"
    retriable = True


class UploadMissing(LiftError):
    code = "upload_missing"
    title = "The request holds no file"


class RequestInvalid(LiftError):
    code = "request_invalid"
    title = "The request cannot be understood"


class RangeNotSatisfiable(LiftError):
    code = "range_not_satisfiable"
    title = "The requested range lies outside the file"


class JobNotFound(LiftError):
    code = "job_not_found"
    title = "There is no such job"


class JobConflict(LiftError):
    """The job is in a state in which this cannot be done."""

    code = "job_conflict"
    title = "The job's state does not allow this"


class ResultNotReady(JobConflict):
    code = "result_not_ready"
    title = "The result is not ready yet"
    retriable = True


class JobHasNoResult(JobConflict):
    code = "job_has_no_result"
    title = "The job ended without a result"


class ResultExpired(LiftError):
    code = "result_expired"
    title = "The result has expired"


class IdempotencyConflict(LiftError):
    code = "idempotency_conflict"
    title = "The same Idempotency-Key came with a different request"


class IdempotencyInFlight(LiftError):
    code = "idempotency_in_flight"
    title = "A request with this Idempotency-Key is still under way"
    retriable = True


# --- Who may do what ----------------------------------------------------------------------------


class ApiKeyRequired(LiftError):
    code = "api_key_required"
    title = "This needs an API key"


class ApiKeyInvalid(LiftError):
    code = "api_key_invalid"
    title = "The API key is not valid"


class HostNotAllowed(LiftError):
    """A web page may have given our address a name of its own (DNS rebinding)."""

    code = "host_not_allowed"
    title = "The server does not go by this name"


class OriginNotAllowed(LiftError):
    """A foreign web page asks its visitor's browser to change something here."""

    code = "origin_not_allowed"
    title = "Web pages from elsewhere may not do this"


class HeadersTooLarge(LiftError):
    code = "headers_too_large"
    title = "The request's address and headers are too long"


class ServerUnprotected(LiftError):
    """Raised at a server's start: strangers could reach it, and no key would be asked for."""

    code = "server_unprotected"
    title = "The server would be open to everybody"


class SecretInArguments(LiftError):
    """Everybody on a machine can read the arguments of its processes."""

    code = "secret_in_arguments"
    title = "A secret does not belong on the command line"


class Canceled(LiftError):
    """Raised inside the pipeline when the user canceled the job."""

    code = "canceled"
    title = "The job was canceled"


class AttemptSuperseded(LiftError):
    """A newer attempt owns the job: this one must stop without writing anything."""

    code = "attempt_superseded"
    title = "A newer attempt has taken over the job"


# --- The machine --------------------------------------------------------------------------------


class ResourceError(LiftError):
    """The machine, not the request, stood in the way: trying again later may succeed."""

    code = "resource_unavailable"
    title = "A resource is not available"
    retriable = True


class OutOfMemory(ResourceError):
    code = "out_of_memory"
    title = "The memory budget is too small for even one window"


class StorageFull(ResourceError):
    code = "storage_full"
    title = "There is no room to store this"


class StorageUnavailable(ResourceError):
    code = "storage_unavailable"
    title = "The storage cannot be used"


class BlobMissing(LiftError):
    code = "file_missing"
    title = "A stored file is gone"


class QueueFull(ResourceError):
    code = "queue_full"
    title = "Too many jobs are waiting"


class QuotaExceeded(QueueFull):
    """One client's share is used up; others are still served."""

    code = "quota_exceeded"
    title = "Your quota is used up for now"


class ServerBusy(ResourceError):
    code = "server_busy"
    title = "The server has too much to do"


class StoreUnavailable(ResourceError):
    code = "store_unavailable"
    title = "The job store cannot be reached"


class ServerUnreachable(ResourceError):
    """Raised by the command-line client, not by the server."""

    code = "server_unreachable"
    title = "The server cannot be reached"


class NoWorkerFree(ResourceError):
    code = "no_worker_free"
    title = "No worker is free to answer at once"


class WorkerLost(ResourceError):
    code = "worker_lost"
    title = "The worker died while it ran the job"


class DecoderLost(ResourceError):
    """The process that decodes was ended from outside, or could not be started."""

    code = "decoder_lost"
    title = "The decoder was lost"


class JobTimeout(LiftError):
    code = "job_timeout"
    title = "The job took longer than it may"


class AssetUnavailable(ResourceError):
    code = "asset_unavailable"
    title = "A model file could not be fetched"


class AssetCorrupt(LiftError):
    code = "asset_corrupt"
    title = "A model file is not the one we expect"


class CheckpointInvalid(LiftError):
    code = "checkpoint_invalid"
    title = "The lifter's checkpoint cannot be used"


class ConfigInvalid(LiftError):
    """A configuration file or process setting is wrong; names the field."""

    code = "config_invalid"
    title = "The configuration is not valid"


class ExtraMissing(LiftError):
    """A package that only some uses need is not installed."""

    code = "extra_missing"
    title = "An optional package is not installed"


class OutputExists(LiftError):
    """Nothing is written over unless the user says so."""

    code = "output_exists"
    title = "The output file exists already"


class ExportInexact(LiftError):
    """An exported network does not compute what the original does."""

    code = "export_inexact"
    title = "The exported lifter differs from the original"


class TrainingDiverged(LiftError):
    """Updates have no finite gradient any more: the run would never recover."""

    code = "training_diverged"
    title = "Training has lost its way"
