"""Questions, and the same ones as people make duplicates of them: other words, numbers, order or form."""

from __future__ import annotations

import random
from collections.abc import Callable

NAMES = "Ada Bo Cleo Dirk Ena Finn Gwen Hugo Iris Jan Kaya Leo Mina Nils Olga Piet".split()
THINGS = "apples boats candles drums eggs flutes grapes hats irons jars kites lamps maps nets".split()
DEEDS = "buys sells finds loses paints counts carries borrows repairs hides".split()
PLACES = "market harbour library garden station museum bakery forest castle bridge".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
OTHERS = "quietly almost seldom perhaps gently rather surely barely twice mostly".split()


def problem(draw: random.Random) -> str:
    """A word problem of four sentences and some forty words, none of them fixed for long."""
    one, two = draw.sample(NAMES, 2)
    what, other = draw.sample(THINGS, 2)
    deeds, places, days = ([draw.choice(words) for _ in range(4)] for words in (DEEDS, PLACES, DAYS))
    a, b, c = (draw.randint(2, 99) for _ in range(3))
    openings = (
        f"On {days[0]} {one} {deeds[0]} {a} {what} at the {places[0]}.",
        f"At the old {places[0]}, {one} {deeds[0]} {a} of the {what}.",
        f"{one} walks to the {places[0]} and {deeds[0]} {a} new {what} there.",
    )
    middles = (
        f"Later {two} {deeds[1]} {b} {other} for a friend from the {places[1]}.",
        f"A cousin of {two} {deeds[1]} {b} {other} every {days[1]}.",
        f"By {days[1]}, {two} {deeds[1]} {b} {what} and no {other} at all.",
    )
    third = f"The {places[2]} keeps {c} {draw.choice(THINGS)} near the {places[3]}."
    asked = f"How many {draw.choice((what, other))} does {draw.choice((one, two))} have on {days[2]}?"
    return " ".join((draw.choice(openings), draw.choice(middles), third, asked))


def edited(share: float) -> Callable[[str, random.Random], str]:
    """Puts other words in the place of so many of a text's; its numbers stay."""

    def edit(text: str, draw: random.Random) -> str:
        words = text.split()
        able = [n for n, word in enumerate(words) if word.isalpha()]
        for n in draw.sample(able, max(1, round(share * len(words)))):
            words[n] = draw.choice(OTHERS)
        return " ".join(words)

    return edit


def reordered(text: str, draw: random.Random) -> str:
    """The sentences but for the last in another order."""
    *told, asked = text.replace("? ", "?. ").split(". ")
    return ". ".join([*told[1:], told[0], asked])


def renumbered(text: str, draw: random.Random) -> str:
    """The same template with other numbers: a question of its own."""
    return " ".join(str(int(word) + draw.randint(1, 9)) if word.isdigit() else word for word in text.split())


def one_number_changed(text: str, draw: random.Random) -> str:
    """One number is another: a question of its own."""
    words = text.split()
    n = draw.choice([n for n, word in enumerate(words) if word.isdigit()])
    words[n] = str(int(words[n]) + draw.randint(1, 9))
    return " ".join(words)


def rewritten(text: str, draw: random.Random) -> str:
    """The same words in other characters: case, space, width, invisible ones, quotes."""
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in text)
    return wide.upper().replace(" ", "\u00a0 ").replace(".", "\u200b.") + " …"
