"""What ``/metrics`` says, as Prometheus reads it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def numbers(api: httpx.Client) -> Numbers:
    """Every sample by its name and sorted labels."""
    families = list(text_string_to_metric_families(api.get("/metrics").text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Numbers, name: str, **labels: str) -> float:
    """One sample of ours; 0 if it is not there."""
    return found.get((f"poselift_{name}", tuple(sorted(labels.items()))), 0.0)
