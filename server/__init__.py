"""The HTTP API: accepts uploads, enqueues, reports, serves results. Imports no torch."""
