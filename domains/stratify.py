"""Deals rows to parts so that every part holds every kind in proportion, and no group is torn apart."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence

__all__ = ["REST", "deal_units", "interleaved", "proportions"]

REST = ""  # the part of the rows that are not used


def proportions(
    rows: Sequence[int], columns: Sequence[int], shares: Sequence[Sequence[float]]
) -> list[list[int]]:
    """Whole numbers near the shares, with these sums: a controlled rounding (L. H. Cox 1987, JASA 82:520).

    Each number is its share rounded down or up as long as sums allow it, which they do where the shares have
    the same sums.

    Args:
        rows: Sum of each row, K of them.
        columns: Sum of each column, S of them; together as much as the rows.
        shares: K × S; what is below 0 counts as 0.
    """
    wanted = [[max(0.0, share) for share in row] for row in shares]
    cells = [[int(share + 1e-9) for share in row] for row in wanted]
    free, room = list(rows), list(columns)
    for k, row in enumerate(cells):
        for s, value in enumerate(row):
            row[s] = min(value, free[k], room[s])
            free[k] -= row[s]
            room[s] -= row[s]
    lifted: set[tuple[int, int]] = set()
    order = sorted(
        (
            (k, s)
            for k, row in enumerate(wanted)
            for s, share in enumerate(row)
            if share - int(share + 1e-9) > 1e-9
        ),
        key=lambda at: (int(wanted[at[0]][at[1]]) - wanted[at[0]][at[1]], at),
    )
    for k, s in order:
        if free[k] and room[s]:
            lifted.add((k, s))
            cells[k][s] += 1
            free[k] -= 1
            room[s] -= 1
    fractional = set(order)
    for k in range(len(cells)):
        while free[k] and _lift(k, cells, room, lifted, fractional):
            free[k] -= 1
    for k, row in enumerate(cells):  # what groups have taken may leave no such rounding
        for s in range(len(row)):
            more = min(free[k], room[s])
            row[s] += more
            free[k] -= more
            room[s] -= more
    return cells


def _lift(
    start: int,
    cells: list[list[int]],
    room: list[int],
    lifted: set[tuple[int, int]],
    fractional: set[tuple[int, int]],
) -> bool:
    """Round up one more cell of a row; others change their places for it (an augmenting path)."""
    by_column: dict[int, list[int]] = defaultdict(list)
    for k, s in lifted:
        by_column[s].append(k)
    came: dict[int, tuple[int, int]] = {}  # column -> row that takes it, and the column which that row leaves
    todo = deque([(start, -1)])
    seen = {start}
    while todo:
        k, left = todo.popleft()
        for s in range(len(room)):
            if s in came or (k, s) in lifted or (k, s) not in fractional:
                continue
            came[s] = (k, left)
            if room[s]:
                room[s] -= 1
                while s >= 0:
                    row, before = came[s]
                    lifted.add((row, s))
                    cells[row][s] += 1
                    if before >= 0:
                        lifted.discard((row, before))
                        cells[row][before] -= 1
                    s = before
                return True
            for other in sorted(by_column[s]):
                if other not in seen:
                    seen.add(other)
                    todo.append((other, s))
    return False


def deal_units(
    units: Sequence[Sequence[int]],
    strata: Sequence[str],
    sizes: Mapping[str, int],
    last: int = 0,
) -> dict[str, list[int]]:
    """Deal groups of rows to parts.

    Groups of several rows go first, each to the part that its kind lacks most in; single rows then make up
    for what is missing, so that of every kind a part holds its share but for one row, as far as groups allow.
    Rows of a group that its part has no room for are not used.

    Args:
        units: Groups of rows in the order in which they are dealt; most hold one.
        strata: Kind of each row.
        sizes: Rows of each part; `REST` takes what is left. Together as many as there are rows.
        last: How many of the last units go to the last part that has room for them.

    Returns:
        Part -> its rows, in an order in which every beginning holds all kinds in proportion.
    """
    parts = list(sizes)
    room = Counter(sizes)
    total = sum(sizes.values())
    whole = Counter(strata[row] for unit in units for row in unit)
    given: dict[str, Counter[str]] = {part: Counter() for part in parts}
    dealt: dict[str, list[int]] = {part: [] for part in parts}

    def give(rows: Sequence[int], part: str) -> None:
        dealt[part] += rows
        room[part] -= len(rows)
        given[part].update(strata[row] for row in rows)

    ends = len(units) - last
    for unit in units[ends:]:
        backwards = [part for part in (REST, *reversed(parts)) if room[part] >= len(unit)]
        part = backwards[0] if backwards else max(parts, key=lambda p: room[p])
        give(unit[: room[part]], part)
    torn = sorted((unit for unit in units[:ends] if len(unit) > 1), key=lambda unit: -len(unit))
    met: Counter[str] = Counter()  # rows in groups so far, by kind
    for unit in torn:
        kind = strata[unit[0]]
        met[kind] += len(unit)

        def lack(part: str, kind: str = kind) -> float:
            return sizes[part] / total * met[kind] - given[part][kind]

        fits = [part for part in parts if room[part] >= len(unit)]
        part = max(fits, key=lack) if fits else max(parts, key=lambda p: (p != REST, room[p]))
        give(unit[: room[part]], part)
    single = [unit[0] for unit in units[:ends] if len(unit) == 1]
    _deal_singles(single, strata, sizes, whole, given, room, dealt)
    place = {row: n for n, row in enumerate(row for unit in units for row in unit)}
    return {part: interleaved(sorted(rows, key=place.__getitem__), strata) for part, rows in dealt.items()}


def _deal_singles(
    single: Sequence[int],
    strata: Sequence[str],
    sizes: Mapping[str, int],
    whole: Mapping[str, int],
    given: Mapping[str, Mapping[str, int]],
    room: Mapping[str, int],
    dealt: Mapping[str, list[int]],
) -> None:
    """Deal single rows: what their kinds lack in each part; kinds of one row are one kind."""
    parts, total = list(sizes), max(1, sum(sizes.values()))
    by_kind: dict[str, list[int]] = defaultdict(list)
    lone: list[int] = []
    for row in single:
        (by_kind[strata[row]] if whole[strata[row]] > 1 else lone).append(row)
    kinds = sorted(by_kind)
    rows = [by_kind[kind] for kind in kinds] + ([lone] if lone else [])
    shares = [[sizes[p] * whole[kind] / total - given[p][kind] for p in parts] for kind in kinds]
    if lone:
        shares.append([sizes[part] * len(lone) / total for part in parts])
    # Groups that were cut short leave more room than rows: `REST`, or the last parts, stay short.
    spare = sum(room.values()) - len(single)
    columns = {part: room[part] for part in parts}
    for part in reversed(parts):
        less = min(spare, columns[part])
        columns[part] -= less
        spare -= less
    cells = proportions([len(of_kind) for of_kind in rows], list(columns.values()), shares)
    for of_kind, counts in zip(rows, cells, strict=True):
        start = 0
        for part, count in zip(parts, counts, strict=True):
            dealt[part].extend(of_kind[start : start + count])
            start += count


def interleaved(rows: Sequence[int], strata: Sequence[str]) -> list[int]:
    """Rows in an order of which every beginning holds all kinds in proportion; of a kind, as they come.

    Each kind is spread evenly; kinds of as many rows take turns, so that lone rows do not come all at once.
    """
    sizes = Counter(strata[row] for row in rows)
    alike: dict[int, list[str]] = defaultdict(list)
    for kind in sorted(sizes):
        alike[sizes[kind]].append(kind)
    begins = {kind: (n + 0.5) / len(kinds) for kinds in alike.values() for n, kind in enumerate(kinds)}
    met: Counter[str] = Counter()
    keyed = []
    for place, row in enumerate(rows):
        kind = strata[row]
        keyed.append(((met[kind] + begins[kind]) / sizes[kind], place, row))
        met[kind] += 1
    return [row for _, _, row in (sorted(keyed) if len(sizes) > 1 else keyed)]
