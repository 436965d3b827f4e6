"""Near-duplicates among many texts: which say nearly the same, found exactly and without comparing all.

Two texts are alike where they share most of their pairs of neighbouring words and most of their numbers: the
Jaccard index (A. Broder 1997, On the resemblance and containment of documents) is at least `LEAST` of the
former and `NUMBERS` of the latter. So a problem with a few other words is one, sentences in another order
are, and a template filled with other numbers is not. What stands in a large part of all texts, such as an
instruction before each, tells none of them and is left out.

Instead of drawing hashes (MinHash), which misses some, all pairs are found by the rarest of their pairs of
words: two texts as alike as that have at least one in common among those (prefix filtering: Chaudhuri, Ganti
and Kaushik 2006; Bayardo, Ma and Srikant 2007). The texts are read two or three times and none is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias
from zlib import crc32

from domains.content import SPLIT, digest, words_of

__all__ = ["LEAST", "Alike", "Joined", "find_alike"]

LEAST = 0.6  # of the Jaccard index: a tenth of the words may be others
NUMBERS = 0.8  # the same of numbers: of four, none may be another
FEWEST = 8  # pairs of words that tell a text: of shorter ones only equal words are found
COMMON, COMMON_ROWS = 0.1, 10  # share of all texts, and texts, in which what stands tells none of them
TEXT_BITS = 11  # of a hash, that say which text of a chunk it is of
CHUNK = 1 << TEXT_BITS  # texts that are read together
LARGEST, LARGEST_SHARE = 12, 0.1  # texts, and share of all, that a group of near-duplicates may have
FEW_NUMBERS = 5  # of fewer, all have to be the same: `NUMBERS` of four are more than three
MOST_MET = 1 << 22  # pairs of texts, each perhaps several times, that are kept together
CROWD = 64  # texts with one rare pair of words, above which only those with the same numbers are compared
COUNTERS = 1 << 22  # of pairs of words; two that share one are taken to be more frequent than they are

Array: TypeAlias = "Any"  # of NumPy, which is imported when it is used


@dataclass(frozen=True, slots=True)
class Alike:
    """Which texts are alike.

    Attributes:
        group: For each text the place, from 0, of the first one of its group; its own where it has none.
        same: For each text the place of the first one of the same words.
        loose: Texts that are alike in groups too large to be duplicates: those of a template. Only those of
            the same words stay together.
    """

    group: Sequence[int]
    same: Sequence[int]
    loose: int = 0

    def groups(self) -> dict[int, list[int]]:
        """First place -> all places, of the groups of more than one."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, first in enumerate(self.group):
            found[first].append(place)
        return {first: places for first, places in found.items() if len(places) > 1}


def find_alike(texts: Iterable[str]) -> Alike:
    """Find the texts that are the same but for how they are written, or nearly the same.

    Deterministic. Memory grows by some 200 bytes a text; time is that of reading them two to three times.

    Args:
        texts: Can be iterated again.
    """
    near = _Near(texts)
    joined = Joined(len(near.same))
    for one, other in near.pairs():
        joined.join(one, other)
    return _without_crowds([joined.first(first) for first in near.same], near.same)


def _without_crowds(group: list[int], same: Sequence[int]) -> Alike:
    """Large groups are taken apart: where everything is alike, it is a template, and tells no duplicates."""
    sizes: dict[int, set[int]] = defaultdict(set)
    for place, first in enumerate(group):
        sizes[first].add(same[place])
    most = max(LARGEST, int(LARGEST_SHARE * len(set(same))))
    large = {first for first, members in sizes.items() if len(members) > most}
    loose = sum(first in large for first in group)
    return Alike([same[n] if g in large else g for n, g in enumerate(group)], same, loose)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts by the thousand, and of long texts fewer."""
    reading, chunk, size = iter(texts), [], 0
    for text in reading:
        chunk.append(text)
        size += len(text)
        if len(chunk) == CHUNK or size > 1 << 20:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class Joined:
    """Places that belong together, each known by the first of them (union-find)."""

    def __init__(self, places: int) -> None:
        self._to = list(range(places))

    def first(self, place: int) -> int:
        while self._to[place] != place:
            self._to[place] = place = self._to[self._to[place]]
        return place

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.first(one), self.first(other)))
        self._to[high] = low


class _Near:
    """The search for texts that are nearly the same.

    Args:
        texts: All of them; may be iterated again.

    Attributes:
        same: For each text the place of the first one of the same words. The others are not looked at.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        import numpy

        self._np, self._texts = numpy, texts
        self.same: list[int] = []
        self._seen = numpy.zeros(COUNTERS, numpy.uint32)  # texts with a pair of words, by the hash's low bits
        self._count = self._read()
        self._common = max(COMMON_ROWS, COMMON * self._count)
        self._firsts = numpy.array([n == first for n, first in enumerate(self.same)], bool)
        # Of each text: its telling pairs of words, its numbers, and the sum of the numbers' hashes.
        self._pairs = numpy.zeros(len(self.same), numpy.int32)
        self._numbers = numpy.zeros(len(self.same), numpy.int32)
        self._figures = numpy.zeros(len(self.same), numpy.uint64)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Places of texts that are alike, as far as they are not joined by others that came before."""
        candidates = self._candidates()
        wanted = set(self._np.unique(candidates).tolist())
        told = dict(self._by_place(wanted)) if wanted else {}
        joined = Joined(len(self.same))
        for one, other in candidates.tolist():
            if joined.first(one) != joined.first(other) and self._alike(told[one], told[other]):
                joined.join(one, other)
                yield one, other

    def _read(self) -> int:
        """Find texts of the same words, and count in how many others each pair of words stands.

        Returns:
            Texts of different words.
        """
        first: dict[int, int] = {}
        for chunk in _chunks(self._texts):
            words, start, new = words_of(chunk), 0, []
            for text in chunk:
                end = words.index(SPLIT, start)
                own = words[start:end] or [text.encode("utf-8", "surrogatepass")]
                place = len(self.same)
                self.same.append(first.setdefault(digest(own), place))
                new.append(self.same[-1] == place)
                start = end + 1
            hashes = self._told(words, self._np.array(new, bool))[0]
            self._np.add.at(self._seen, hashes & self._np.uint64(COUNTERS - 1), 1)
        return len(first)

    def _told(self, words: Sequence[bytes], looked_at: Array) -> tuple[Array, Array, Array, Array]:
        """What there is to compare of some texts.

        Args:
            words: As `words_of` has them.
            looked_at: Which of the texts count.

        Returns:
            Hashes of the distinct pairs of words of each text, and the ordinals of their texts, in order of
            text and hash; hashes of numbers, and the ordinals of theirs.
        """
        np = self._np
        code = np.fromiter(map(crc32, words), np.uint64, len(words))
        ends = code == np.uint64(crc32(SPLIT))
        text = np.cumsum(ends) - ends
        counts = ~ends & looked_at[text]
        pair = counts[:-1] & counts[1:] & ~ends[:-1]
        hashes = _mixed(np, code[:-1][pair] << np.uint64(32) | code[1:][pair]) >> np.uint64(TEXT_BITS)
        keys = np.sort(text[:-1][pair].astype(np.uint64) << np.uint64(64 - TEXT_BITS) | hashes)
        keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
        mask = np.uint64((1 << (64 - TEXT_BITS)) - 1)
        starts = np.fromiter(map(itemgetter(0), words), np.uint8, len(words))
        number = counts & (starts >= 48) & (starts <= 57)
        texts = (keys >> np.uint64(64 - TEXT_BITS)).astype(np.int64)
        return keys & mask, texts, _mixed(np, code[number]), text[number]

    def _telling(self, hashes: Array) -> tuple[Array, Array]:
        """Which pairs of words are not common, and in how many texts each stands."""
        seen = self._seen[hashes & self._np.uint64(COUNTERS - 1)]
        return seen <= self._common, seen

    def _candidates(self) -> Array:
        """Pairs of places, each once, that have one of their rarest pairs of words in common."""
        np, start = self._np, 0
        found: list[tuple[Array, Array]] = [(np.zeros(0, np.uint64), np.zeros(0, np.int64))]
        for chunk in _chunks(self._texts):
            part = slice(start, start + len(chunk))
            hashes, texts, numbers, owners = self._told(words_of(chunk), self._firsts[part])
            np.add.at(self._figures[part], owners, numbers)
            self._numbers[part] = np.bincount(owners, minlength=len(chunk))
            rare, seen = self._telling(hashes)
            hashes, texts, seen = hashes[rare], texts[rare], seen[rare]
            sizes = np.bincount(texts, minlength=len(chunk))
            self._pairs[part] = sizes
            order = np.lexsort((hashes, seen, texts))
            each = sizes[texts]
            rank = np.arange(len(texts)) - (np.cumsum(sizes) - sizes)[texts]
            kept = (rank < each - np.ceil(LEAST * each) + 1) & (seen[order] > 1) & (each >= FEWEST)
            found.append((hashes[order][kept], texts[kept] + start))
            start += len(chunk)
        return self._met(np.concatenate([h for h, _ in found]), np.concatenate([p for _, p in found]))

    def _met(self, hashes: Array, places: Array) -> Array:
        """Pairs of places with a hash in common that sizes and numbers do not tell apart.

        In a crowd, which has the hash in common, only neighbours of the same numbers are met.
        """
        np = self._np
        order = np.lexsort((places, self._pairs[places], self._figures[places], hashes))
        hashes, places = hashes[order], places[order]
        begins = (
            np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])) if len(hashes) else np.zeros(0, int)
        )
        lengths = np.diff(np.append(begins, len(hashes)))
        crowded = np.repeat(lengths > CROWD, lengths)
        found = [np.zeros(0, np.int64)]
        for gap in range(1, min(CROWD, len(hashes))):
            together = hashes[gap:] == hashes[:-gap]
            if not together.any():
                break
            at = np.flatnonzero(together)
            one, other = places[at], places[at + gap]
            equal = self._figures[one] == self._figures[other]
            several = np.maximum(self._numbers[one], self._numbers[other]) >= FEW_NUMBERS
            few, many = np.sort((self._pairs[one], self._pairs[other]), axis=0)
            met = (equal | (several & ~crowded[at])) & (few >= LEAST * many)
            one, other = one[met], other[met]
            found.append(np.minimum(one, other) * len(self.same) + np.maximum(one, other))
            if sum(map(len, found)) > MOST_MET:
                found = [np.unique(np.concatenate(found))]
        found = np.unique(np.concatenate(found))
        return np.stack((found // max(1, len(self.same)), found % max(1, len(self.same))), 1)

    def _by_place(self, wanted: set[int]) -> Iterator[tuple[int, tuple[Array, Array]]]:
        """Pairs of words and numbers of the texts at some places."""
        np, start = self._np, 0
        for chunk in _chunks(self._texts):
            chosen = [n for n in range(len(chunk)) if start + n in wanted]
            if chosen:
                words = words_of(chunk[n] for n in chosen)
                hashes, texts, numbers, owners = self._told(words, np.ones(len(chosen), bool))
                rare, _ = self._telling(hashes)
                hashes, texts = hashes[rare], texts[rare]
                cut, cut_numbers = (np.searchsorted(t, np.arange(len(chosen) + 1)) for t in (texts, owners))
                for n, ordinal in enumerate(chosen):
                    own = hashes[cut[n] : cut[n + 1]].copy()
                    yield start + ordinal, (own, numbers[cut_numbers[n] : cut_numbers[n + 1]].copy())
            start += len(chunk)

    def _alike(self, one: tuple[Array, Array], other: tuple[Array, Array]) -> bool:
        common = len(self._np.intersect1d(one[0], other[0], assume_unique=True))
        if common < LEAST * (len(one[0]) + len(other[0]) - common):
            return False
        ours, theirs = Counter(one[1].tolist()), Counter(other[1].tolist())
        both = (ours & theirs).total()
        return both >= NUMBERS * (len(one[1]) + len(other[1]) - both)


def _mixed(np: Any, hashes: Array) -> Array:
    """Hashes whose bits all depend on all bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
