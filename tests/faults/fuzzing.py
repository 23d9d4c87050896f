"""How many examples fuzz tests try: few and always the same ones, or very many at random."""

from hypothesis import HealthCheck, Phase, settings

PROFILE = "fuzz"
"""``pytest --hypothesis-profile=fuzz``, which ``make fuzz`` runs."""

_CALM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def register() -> None:
    """Make the profile known; to be called before it is asked for."""
    settings.register_profile(PROFILE, max_examples=5000, deadline=None, derandomize=False)


def examples(count: int, share: float = 1.0) -> settings:
    """Settings of one fuzz test.

    Args:
        count: of the short form.
        share: of the long form's examples, for tests whose examples take longer.
    """
    if settings.get_current_profile_name() == PROFILE:
        many = max(count, round(share * settings.default.max_examples))
        return settings(max_examples=many, suppress_health_check=_CALM)
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # the smallest failure is for the long form
        suppress_health_check=_CALM,
    )
