"""The cheapest way to pair two small sets: detections with the tracks they may belong to."""

import numpy as np
from jaxtyping import Float64


def cheapest_pairs(
    cost: Float64[np.ndarray, "rows columns"], unpaired_cost: float
) -> list[tuple[int, int]]:
    """Pair rows with columns at the least total cost, each at most once.

    A row may stay alone for ``unpaired_cost``, so no pair that costs more is ever made; infinite
    costs forbid a pair. The optimum is exact, in ``O(rows^2 (rows + columns))``.

    Source: Kuhn, "The Hungarian method for the assignment problem", 1955, in the
    shortest-augmenting-path form of Jonker and Volgenant, Computing 38, 1987.
    """
    rows, columns = cost.shape
    if rows == 1:  # as in most frames of most videos
        cheapest = min(range(columns), key=cost[0].__getitem__, default=None)
        return [] if cheapest is None or cost[0, cheapest] > unpaired_cost else [(0, cheapest)]
    # One private column per row is its choice to stay alone.
    alone = np.where(np.eye(rows, dtype=bool), unpaired_cost, np.inf)
    full = np.concatenate([cost, alone], axis=1)
    row_of = np.full(columns + rows, -1)
    row_price = np.zeros(rows)
    column_price = np.zeros(columns + rows)
    for row in range(rows):
        _augment(full, row, row_of, row_price, column_price)
    pairs = [(int(row_of[c]), c) for c in range(columns) if row_of[c] >= 0]
    return sorted(pairs)


def _augment(
    cost: Float64[np.ndarray, "rows columns"],
    row: int,
    row_of: np.ndarray,
    row_price: np.ndarray,
    column_price: np.ndarray,
) -> None:
    """Bring one more row in along the shortest alternating path of reduced costs."""
    columns = cost.shape[1]
    shortest = np.full(columns, np.inf)
    previous = np.full(columns, -1)
    done = np.zeros(columns, bool)
    current_row, last_column, reached = row, -1, 0.0
    tree = [(row, 0.0)]
    while True:
        reduced = reached + cost[current_row] - row_price[current_row] - column_price
        closer = ~done & (reduced < shortest)
        shortest[closer] = reduced[closer]
        previous[closer] = last_column
        last_column = int(np.argmin(np.where(done, np.inf, shortest)))
        reached = float(shortest[last_column])
        if row_of[last_column] < 0:
            break
        done[last_column] = True
        current_row = int(row_of[last_column])
        tree.append((current_row, reached))
    for tree_row, at in tree:
        row_price[tree_row] += reached - at
    column_price[done] -= reached - shortest[done]
    while last_column >= 0:
        before = int(previous[last_column])
        row_of[last_column] = row_of[before] if before >= 0 else row
        last_column = before
