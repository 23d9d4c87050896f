"""What pages of other sites may do, where ``POSELIFT_CORS_ORIGINS`` lets them do anything."""

from typing import Any

SHARED: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-None-Match",
        "If-Range",
        "Range",
    ],
    "expose_headers": [
        "Accept-Ranges",
        "Content-Digest",
        "Content-Disposition",
        "Content-Range",
        "ETag",
        "Idempotency-Replayed",
        "Link",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "Repr-Digest",
        "Retry-After",
    ],
    # Keys come in a header that pages set themselves, never by cookie.
    "allow_credentials": False,
    "max_age": 600,
}
"""Arguments of Starlette's ``CORSMiddleware``, but for the origins. Source: the Fetch standard."""
