"""Blocks of the stage *check*: what is wrong with an answer, and what follows.

A check takes what is known (the task first), an answer, and `other`, which starts the item in its second way;
it returns a complaint, `""` where the answer holds. What follows a complaint takes `ask`, which starts the
item anew, and returns another answer.
"""

__all__ = [
    "CRITICS",
    "ask_again",
    "check_critics",
    "check_execution",
    "check_form",
    "check_letter",
    "check_second",
    "checked",
    "complaint_in",
    "is_usable",
    "mend",
    "pass_on",
    "same_answer",
]

CRITICS = [
    ("Critic of facts", "examiner who compares every fact and number with the task"),
    ("Critic of steps", "examiner who works the task anew and looks for the first wrong step"),
    ("Critic of form", "examiner who asks whether exactly what was asked is given, in the right form"),
    ("Sceptic", "sceptic who looks for the mistake that everybody else makes"),
]


def checked(self, infos, ask, other, check, react):
    """Start an answer. It is checked when it has come; a complaint is answered so many times."""
    rounds = self.tune.int("check_rounds", 1, 3, 1)
    finish = ask()

    def finish_checked():
        answer = finish()
        for _ in range(rounds):
            usable = is_usable(answer)
            complaint = check(self, infos, answer, other) if usable else answer or "There is no answer."
            if not complaint:
                break
            another = react(ask, other, answer, complaint)
            answer = another if is_usable(another) or not usable else answer
        return answer

    return finish_checked


def check_letter(self, infos, answer, other):
    """Does the answer meet every demand of the task, to the letter (Madaan et al. 2023, arXiv 2303.17651)?"""
    checker = LLMAgentBase(["verdict"], "Checker", role="strict examiner", temperature=0.1)
    [verdict] = checker(
        [*infos, Info("answer", "Solver", answer)],
        "Does the answer meet every demand of the task to the letter, and in the form that is asked for? "
        "Reply with OK if it does, else with one sentence that says what is wrong.",
    )
    return complaint_in(verdict.content)


def check_second(self, infos, answer, other):
    """Does a second way come to the same answer (Yue et al. 2023, arXiv 2310.03094)?"""
    second = other()()
    if not is_usable(second) or same_answer(answer, second):
        return ""
    return f"Worked in another way, the answer is {second}."


def check_execution(self, infos, answer, other):
    """Does a program find the answer right (Zhou et al. 2023, arXiv 2308.07921)? If it fails, so it does."""
    tester = LLMAgentBase(["code"], "Tester", role="programmer who tests answers", temperature=0.1)
    [code] = tester(
        [*infos, Info("answer", "Solver", answer)],
        "Write a short Python program that works out whether the answer is right. "
        "It prints only OK if it is, else what the answer should be.",
    )
    printed = self.run_python(code.content)
    if not is_usable(printed) or same_answer(answer, printed):
        return ""
    found = complaint_in(printed)
    return f"A program that tests the answer printed: {found}" if found else ""


def check_critics(self, infos, answer, other):
    """Does half of several critics find fault, each in its own way (Lan et al. 2024, arXiv 2410.15287)?"""
    critics = CRITICS[: self.tune.int("critics", 2, len(CRITICS), 2)]
    verdicts = []
    for name, role in critics:
        critic = LLMAgentBase(["critique"], name, role=role, temperature=0.1)
        verdicts += critic(
            [*infos, Info("answer", "Solver", answer)],
            "Is the answer right? Reply with OK if it is, else with one sentence that says what is wrong.",
        )
    complaints = [found for verdict in verdicts if (found := complaint_in(verdict.content))]
    return " ".join(complaints) if 2 * len(complaints) >= len(critics) else ""


def check_form(self, infos, answer, other):
    """Has the answer the form that all answers of the domain's worked items have? Asks nobody."""
    known = [str(pair[1]).strip() for pair in self.examples if isinstance(pair, tuple)]
    number = re.compile(r"[-+]?\d[\d,]*(\.\d+)?%?")
    if not known:
        return ""
    if all(number.fullmatch(text) for text in known):
        fault = "" if number.fullmatch(answer.strip()) else "a number and nothing else"
    elif all(len(text.split()) == 1 for text in known):
        fault = "" if len(answer.split()) == 1 else "one word and nothing else"
    else:
        one_line = all("\n" not in text for text in known)
        fault = "one line and nothing else" if one_line and "\n" in answer.strip() else ""
    return f"The answer must be {fault}, such as: {known[0]}" if fault else ""


def mend(ask, other, answer, complaint):
    """Show the answer and the complaint, and ask for a better one."""
    more = [Info("answer", "Solver", answer), Info("complaint", "Checker", complaint)]
    return ask(more, " Mind the complaint about the earlier answer.")()


def ask_again(ask, other, answer, complaint):
    """Ask anew, livelier and without a word of the first answer."""
    return ask(temperature=0.5)()


def pass_on(ask, other, answer, complaint):
    """Hand the item on to the second way."""
    return other()()


def complaint_in(verdict):
    """What a verdict complains of; `""` where it consents."""
    text = verdict.strip()
    consents = re.match(r"\W*(ok|okay|yes|correct|right|true|fine|none|nothing)\b", text.lower())
    says_so = re.search(r"\b(is|are) (correct|right|ok)\b", text.lower())
    return "" if consents or says_so or not text else text


def same_answer(first, second):
    """Whether two answers are the same, but for case, blanks and how a number is written."""
    a, b = (" ".join(text.lower().replace(",", "").split()).strip(" .") for text in (first, second))
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b


def is_usable(answer):
    """Whether there is an answer that is no error."""
    return bool(answer.strip()) and not answer.startswith("Error:")
