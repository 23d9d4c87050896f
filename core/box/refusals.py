"""Why a box refuses its file, as it says; who takes it over can say anything."""

from core.box.channel import Message, Nonsense
from core.box.limits import BoxLimits
from core.errors import DecoderLimits, LiftError

_LONGEST_TEXT = 500


def refusal(error: LiftError | MemoryError) -> Message:
    """What the box says of it."""
    if isinstance(error, MemoryError):
        return {"error": [DecoderLimits.code, "memory"]}
    return {"error": [error.code, error.detail]}


def read_error(message: Message, kind: type[LiftError], noun: str, limits: BoxLimits) -> LiftError:
    """What the box has against its file.

    Args:
        message: from the box.
        kind: of all reasons that such a file can give.
        noun: what the file is.
        limits: of the box.

    Raises:
        Nonsense: this is no reason that such a file can give.
    """
    told = message.get("error")
    if not (isinstance(told, list) and len(told) == 2 and all(isinstance(t, str) for t in told)):
        raise Nonsense("an error without words")
    code, detail = told
    if code == DecoderLimits.code:
        return DecoderLimits(
            f"Decoding this {noun} takes more than {limits.memory_bytes >> 20} MiB of memory. "
            f"Scale the {noun} down, or convert it to another format."
        )
    error = LiftError.from_code(code, "".join(filter(str.isprintable, detail))[:_LONGEST_TEXT])
    if not isinstance(error, kind):
        raise Nonsense(f"an error that is not the {noun}'s: {code[:40]!r}")
    return error
