"""Which rows go to which split: dealt anew, by the splits that a file names, or by parts of a source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domains.row_facts import Facts, in_words
from domains.rows import LEAST_ROWS, apportion
from domains.settings import DEFAULT_SIZES
from domains.stratify import REST, deal_units, interleaved
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Deal"]

Splits = tuple[dict[Split, Sequence[int]], list[str]]
"""Split -> places of its rows in the entries; lines for the user."""


@dataclass(frozen=True, slots=True)
class Deal:
    """Rows that are to be dealt.

    Attributes:
        label: The file, for errors.
        name: The same in short, for notes.
        entries: All rows.
        units: Places of the rows that stay, by group, in the order in which they are dealt.
        strata: Of each row, what it shares with those of which every split gets its share.
        last: How many of the units, at the end, are anchors.
    """

    label: object
    name: str
    entries: Sequence[Facts]
    units: Sequence[Sequence[int]]
    strata: Sequence[str]
    last: int

    def anew(self, wanted: Callable[[int], Mapping[Split, int]]) -> Splits:
        """Splits of a file that names none.

        Args:
            wanted: How many rows go to each split of so many.

        Raises:
            DomainError: Too few groups.
        """
        rows = sum(map(len, self.units))
        if len(self.units) < rows and len(self.units) < len(SPLITS) - 1:
            raise DomainError(
                f"{self.label}: its rows are {len(self.units)} groups: train, validation and test need one "
                "each"
            )
        counts = wanted(rows)
        dealt = deal_units(self.units, self.strata, _with_rest(counts, rows), self.last)
        return {split: dealt[split] for split in SPLITS}, self._short(dealt, counts)

    def by_file(self, sizes: Mapping[Split, int]) -> Splits:
        """Splits of a file that names some; those that it lacks are cut from its train rows.

        Args:
            sizes: Named sizes.

        Raises:
            DomainError: No train rows, or fewer rows than are wanted.
        """
        given = self._given()
        missing = [split for split in SPLITS if not given[split] and sizes.get(split) != 0]
        shared = [split for split in SPLITS if split in missing or split == "train"]
        if "train" in missing:
            raise DomainError(
                f"{self.label}: no row is in the split train alone; `domain.split=null` deals all rows anew"
            )
        dealt = {split: self._of_split(given[split], split, sizes) for split in SPLITS if split not in shared}
        rows = sum(map(len, given["train"]))
        named = {split: sizes[split] for split in shared if split in sizes}
        least = max(1, LEAST_ROWS - sum(map(len, dealt.values())))  # of the whole file
        cut = apportion(f"{self.label}, train", rows, named, shared, least, whole="train" in named)
        if "train" not in named:  # what rounding has left over
            cut["train"] = min(DEFAULT_SIZES["train"], rows - sum(cut.values()) + cut["train"])
        counts = {split: cut[split] for split in shared}
        anchors = sum(unit in given["train"] for unit in self._anchors)
        parts = deal_units(given["train"], self.strata, _with_rest(counts, rows), anchors)
        dealt |= {split: parts[split] for split in shared}
        told = ", ".join(f"{len(parts[split])} for {split}" for split in missing)
        lacks = [f"{self.name} lacks some splits: {told} were taken from its train rows"] * bool(told)
        return dealt, [*lacks, *self._short(parts, counts)]

    def by_part(self, sizes: Mapping[Split, int]) -> Splits:
        """Splits that share parts of a source: the rows of each part are dealt to those that share it.

        Args:
            sizes: Named sizes.

        Raises:
            DomainError: Fewer rows than are wanted.
        """
        given = self._given()
        there = {names: sum(map(len, given[names])) for names in sorted({e.split for e in self.entries})}
        each = _divided(self.label, there, sizes)
        dealt: dict[Split, Sequence[int]] = dict.fromkeys(SPLITS, ())
        notes: list[str] = []
        for names, rows in there.items():
            splits = [split for split in SPLITS if split in names.split("+")]
            named = {**{split: sizes[split] for split in splits if split in sizes}, **each[names]}
            if sum(named.values()) > rows:
                wanted = ", ".join(f"domain.sizes.{split}={size}" for split, size in named.items())
                raise DomainError(f"{wanted}: {self.label} has {rows} rows for {in_words(names)}")
            counts = apportion(self.label, rows, named, splits, least=1, whole=True)
            here = sum(unit in given[names] for unit in self._anchors)
            parts = deal_units(given[names], self.strata, _with_rest(counts, rows), here)
            dealt |= {split: [*dealt[split], *parts[split]] for split in splits}
            notes += self._short(parts, counts)
        for split in {split for counts in each.values() for split in counts}:  # parts were dealt one by one
            place = {row: n for n, row in enumerate(row for unit in self.units for row in unit)}
            dealt[split] = interleaved(sorted(dealt[split], key=place.__getitem__), self.strata)
        return dealt, notes

    @property
    def _anchors(self) -> Sequence[Sequence[int]]:
        return self.units[len(self.units) - self.last :]

    def _given(self) -> dict[str, list[Sequence[int]]]:
        """Split, or splits that share a part -> its units."""
        given: dict[str, list[Sequence[int]]] = defaultdict(list)
        for unit in self.units:
            given[self.entries[unit[0]].split].append(unit)
        return given

    def _of_split(
        self, units: Sequence[Sequence[int]], split: Split, sizes: Mapping[Split, int]
    ) -> Sequence[int]:
        """The rows of a split that the file has whole."""
        rows = sum(map(len, units))
        if rows < sizes.get(split, 0):
            raise DomainError(f"domain.sizes.{split}={sizes[split]}: {self.label} has {rows} rows there")
        most = min(rows, sizes.get(split, DEFAULT_SIZES[split]))
        return deal_units(units, self.strata, {split: most, REST: rows - most})[split]

    def _short(self, dealt: Mapping[str, Sequence[int]], counts: Mapping[Split, int]) -> list[str]:
        """A line on splits that got fewer rows, as groups are not torn apart.

        Raises:
            DomainError: A scored split got none.
        """
        less = {split: n - len(dealt[split]) for split, n in counts.items() if len(dealt[split]) < n}
        empty = [split for split in less if split != "examples" and not dealt[split]]
        if empty:
            raise DomainError(
                f"{self.label}: no row is left for {empty[0]}: groups stay in one split, and these are too "
                "large"
            )
        told = ", ".join(f"{split} has {len(dealt[split])} of {counts[split]}" for split in less)
        return [f"{self.name}: {told} rows, as groups of rows stay together"] * bool(told)


def _with_rest(counts: Mapping[Split, int], rows: int) -> dict[str, int]:
    """Rows of each split, and those that none has."""
    parts = {str(split): count for split, count in counts.items()}
    return {**parts, REST: rows - sum(parts.values())}


def _divided(
    label: object, there: Mapping[str, int], sizes: Mapping[Split, int]
) -> dict[str, dict[Split, int]]:
    """Of splits that several parts share, how many rows each part gives: in proportion to its rows.

    Args:
        label: The source, for errors.
        there: Names of the splits that share a part, as `train+test` -> its rows.
        sizes: Named sizes.
    """
    each: dict[str, dict[Split, int]] = {names: {} for names in there}
    for split in SPLITS:
        parts = [names for names in there if split in names.split("+")]
        if len(parts) < 2:
            continue
        rows = sum(there[names] for names in parts)
        others = [s for s in SPLITS if any(s in names.split("+") for names in parts)]
        named = {s: sizes[s] for s in others if s in sizes}
        wanted = apportion(label, rows, named, others, least=1, whole=True)[split]
        kept = {names: len({*names.split("+")} - {split, "examples"}) for names in parts}
        most = {names: max(0, there[names] - kept[names]) for names in parts}
        counts = {names: min(most[names], wanted * there[names] // rows) for names in parts}
        for names in sorted(parts, key=lambda names: -there[names]):  # what rounding has left over
            counts[names] += max(0, min(wanted - sum(counts.values()), most[names] - counts[names]))
        if sum(counts.values()) < wanted:
            raise DomainError(
                f"{label}: too few rows: {rows} for {in_words('+'.join(others))}, {wanted} of them for "
                f"{split}"
            )
        for names, count in counts.items():
            each[names][split] = count
    return each
