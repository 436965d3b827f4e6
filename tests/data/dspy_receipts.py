"""Read the day and the total of an order from a customer's message. A trainset with a metric that gives
feedback, as DSPy and GEPA have them; all messages are made here."""

import random

import dspy

MONTHS = "January February March April May June July August September October November December".split()
FORMS = (
    "Hi, on {day} I ordered {count} {things} at {price} each. They never came.",
    "You charged me on {day} for {count} {things} ({price} each) and {price2} for delivery. What was that?",
    "Please refund my order of {day}: {count} {things}, {price} apiece.",
    "order {order}, {day}: {count} {things} at {price} each plus {price2} for wrapping. Any news?",
    "Hello! Your receipt from {day} lists {count} {things} for {price} each. Can I get a copy?",
)
THINGS = ("lamps", "chairs", "mugs", "bags", "clocks")


class Receipt(dspy.Signature):
    """Read the day and the total of the order from a customer's message."""

    message: str = dspy.InputField()
    date: str = dspy.OutputField(desc="the day as YYYY-MM-DD")
    total: float = dspy.OutputField(desc="all that was paid, without the currency")


program = dspy.Predict(Receipt)


def make(seed: int, count: int) -> list[dspy.Example]:
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        year, month, day = draw.randint(2021, 2025), draw.randint(1, 12), draw.randint(1, 28)
        count, cents, more = draw.randint(2, 9), draw.randint(199, 4_999), draw.randint(199, 999)
        name = MONTHS[month - 1]
        days = (f"{day} {name} {year}", f"{name} {day}, {year}", f"{year}-{month:02d}-{day:02d}")
        form = draw.choice(FORMS)
        text = form.format(
            day=draw.choice(days),
            count=count,
            things=draw.choice(THINGS),
            price=f"€{cents / 100:.2f}",
            price2=f"€{more / 100:.2f}",
            order=draw.randint(1000, 99_999),
        )
        total = (count * cents + more * ("{price2}" in form)) / 100
        date = f"{year}-{month:02d}-{day:02d}"
        found.append(dspy.Example(message=text, date=date, total=total).with_inputs("message"))
    return found


trainset, valset, testset = make(1, 60), make(2, 40), make(3, 60)


def metric(example, prediction, trace=None, pred_name=None, pred_trace=None):
    """Half for the day, half for the total; the feedback says what was wrong."""
    wrong = []
    if prediction.date.strip() != example.date:
        wrong.append(f"date: {prediction.date!r} given, {example.date!r} expected; use YYYY-MM-DD")
    if abs(prediction.total - example.total) >= 0.005:
        wrong.append(f"total: {prediction.total} given, {example.total} expected")
    return dspy.Prediction(score=1 - len(wrong) / 2, feedback="; ".join(wrong))
