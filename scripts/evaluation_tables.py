"""What `poselift evaluate` and `poselift calibrate` print: rich tables of scores."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from core.evaluation.peers import DIFFERENCE, PeerScores
from core.evaluation.protocols import Outcome
from core.evaluation.recalibration import Coverage, CrossChecked, mean_coverage
from core.evaluation.reliability import SigmaBin
from core.evaluation.scoring import UNITS, Score


def show_outcome(
    console: Console, outcome: Outcome, *, per_joint: bool, per_action: bool, by_sigma: bool
) -> None:
    """A table of each case, and the notes."""
    for name, case in outcome.cases.items():
        console.print(
            f"\n[bold]{name}[/bold]: clips: {case.clips}; {case.scored_poses} of {case.poses} "
            f"poses predicted ({case.coverage:.1%})"
        )
        _table(console, case.overall, UNITS)
        regions = {f"within the {nominal:.0%} region": s for nominal, s in case.within.items()}
        if regions:
            _table(console, regions, dict.fromkeys(regions, "%"))
        if by_sigma and case.bins:
            _bins_table(console, case.bins)
        if per_joint:
            _wide_table(console, "joint", case.per_joint, ("mpjpe", "pa_mpjpe"))
        if per_action:
            _wide_table(console, "action", case.per_action, ("mpjpe", "n_mpjpe", "pa_mpjpe"))
    for note in outcome.notes:
        console.print(f"note: {note}")


def show_peers(console: Console, scores: PeerScores, *, per_joint: bool) -> None:
    """Both methods and their difference."""
    console.print(
        f"{scores.compared} of {scores.frames} frames compared, on twelve limb joints; intervals "
        "by blocks of frames"
    )
    metrics = list(next(iter(scores.overall.values())))
    _wide_table(console, "", scores.overall, metrics)
    if len(scores.per_clip) > 1:
        methods = list(scores.overall)
        _wide_table(console, "PA-MPJPE of", scores.per_clip, methods)
    if per_joint:
        joints = next(iter(scores.per_joint.values()))
        by_joint = {
            joint: {method: rows[joint] for method, rows in scores.per_joint.items()}
            for joint in joints
        }
        _wide_table(console, "joint, aligned", by_joint, list(scores.per_joint))
    difference = scores.overall[DIFFERENCE]["pa_mpjpe"]
    if difference.high < 0:
        console.print("PoseLift is nearer to the reference, beyond chance on this footage.")
    elif difference.low > 0:
        console.print("PoseLift is farther from the reference, beyond chance on this footage.")
    else:
        console.print("This footage does not decide between the two.")


def show_check(console: Console, check: CrossChecked) -> None:
    """Coverage of one half of the subjects, before and after what was fitted on the other."""
    fitted, tested = ", ".join(check.fitted_on), ", ".join(check.tested_on)
    console.print(f"\nfitted on subjects {fitted}, measured on {tested}:")
    _coverage_table(console, check.before, check.after)


def show_mean_check(console: Console, checks: Sequence[CrossChecked]) -> None:
    """The mean of all checks."""
    console.print("\nmean of both:")
    before = mean_coverage([check.before for check in checks])
    _coverage_table(console, before, mean_coverage([check.after for check in checks]))


def _coverage_table(console: Console, before: Coverage, after: Coverage) -> None:
    nominal = list(next(iter(before.values())))
    table = Table("2D", *(f"{p:.0%} region: before, after" for p in nominal))
    for condition, was in before.items():
        now = after[condition]
        table.add_row(condition, *(f"{was[p]:.1f}, {now[p]:.1f}" for p in nominal))
    console.print(table)


def _table(console: Console, scores: Mapping[str, Score], units: Mapping[str, str]) -> None:
    table = Table("", "mean", "95 % interval by clip", "unit", "values")
    for name, score in scores.items():
        interval = f"{_figure(score.low)} .. {_figure(score.high)}"
        table.add_row(name, _figure(score.value), interval, units[name], str(score.count))
    console.print(table)


def _bins_table(console: Console, bins: Sequence[SigmaBin]) -> None:
    nominal = list(bins[0].within)
    columns = ("sigma, cm", "joints", "mean error, cm", *(f"within {p:.0%}, %" for p in nominal))
    table = Table(*columns)
    for each in bins:
        table.add_row(
            f"{100 * each.least_m:g} to {100 * each.most_m:g}",
            str(each.joints),
            _figure(100 * each.mean_error_m),
            *(_figure(each.within[p]) for p in nominal),
        )
    console.print(table)


def _wide_table(
    console: Console, kind: str, rows: Mapping[str, Mapping[str, Score]], columns: Sequence[str]
) -> None:
    table = Table(kind, *(f"{column}, mm" for column in columns))
    for name, scores in rows.items():
        table.add_row(name, *(_with_interval(scores[column]) for column in columns))
    console.print(table)


def _with_interval(score: Score) -> str:
    return f"{_figure(score.value)} ({_figure(score.low)} .. {_figure(score.high)})"


def _figure(value: float) -> str:
    return "none" if value != value else f"{value:.1f}"
