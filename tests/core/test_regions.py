import pytest

from core.regions import NOMINAL, SigmaRegions

RADII = (1.4, 2.2, 2.8, 3.3)


def test_a_radius_is_found_by_its_coverage():
    regions = SigmaRegions(RADII)
    assert [regions.radius(nominal) for nominal in NOMINAL] == list(RADII)
    with pytest.raises(ValueError):
        regions.radius(0.7)


def test_they_survive_a_round_trip():
    regions = SigmaRegions(RADII, "four people")
    assert SigmaRegions.from_dict(regions.to_dict()) == regions
    assert SigmaRegions.from_dict(SigmaRegions(RADII).to_dict()).measured_on is None


@pytest.mark.parametrize(
    "radii", [(1, 2, 3), (1, 2, 2, 3), (0, 1, 2, 3), (3, 2, 1, 0.5), (1, 2, 3, float("nan"))]
)
def test_what_is_no_table_is_refused(radii):
    with pytest.raises(ValueError):
        SigmaRegions(tuple(map(float, radii)))


@pytest.mark.parametrize("values", [{}, {"radius_sigmas": 5}, {"radius_sigmas": {"0.5": 1.0}}, 5])
def test_damaged_tables_are_refused_by_errors_that_a_reader_expects(values):
    with pytest.raises((ValueError, TypeError, KeyError)):
        SigmaRegions.from_dict(values)
