"""Agents for DROP, GPQA and MMLU in the form of ADAS's archives, written for the tests."""

from __future__ import annotations

DROP_QUESTION = """You will be asked to read a passage and answer a question.

Passage: In the first quarter the home side scored a 23-yard field goal and a 7-yard touchdown. In the second
quarter the visitors answered with field goals of 41 and 37 yards.
Question: How many yards were the visitors' field goals in all?"""

CHOICES = """Answer the following multiple choice question.

Which gas makes up most of the air we breathe?
(A) Oxygen
(B) Nitrogen
(C) Argon
(D) Carbon dioxide"""

DROP = {
    "Spans, then arithmetic": '''
def forward(self, taskInfo):
    """Find the spans that matter, then compute with them."""
    finder = LLMAgentBase(['thinking', 'spans'], 'Span Finder', temperature=0.2)
    solver = LLMAgentBase(['thinking', 'answer'], 'Solver', temperature=0.2)
    thinking, spans = finder([taskInfo], 'List the spans of the passage that the question needs.')
    numbers = re.findall(r'\\d+', spans.content)
    note = Info('numbers', 'Finder', ', '.join(numbers) or 'none', -1)
    thinking, answer = solver([taskInfo, spans, note], 'Use the spans and the numbers to answer briefly.', 0)
    return answer
''',
    "Answers compared as text": """
import string

def clean(text):
    text = text.lower().strip()
    text = ''.join(c for c in text if c not in string.punctuation)
    return ' '.join(w for w in text.split() if w not in ('a', 'an', 'the'))

def forward(self, taskInfo):
    readers = [LLMAgentBase(['thinking', 'answer'], 'Reader', temperature=t) for t in (0.2, 0.6, 1.0)]
    answers = [reader([taskInfo], 'Read the passage twice, then answer in as few words as possible.')[1]
               for reader in readers]
    counts = Counter(clean(a.content) for a in answers)
    best = counts.most_common(1)[0][0]
    for a in answers:
        if clean(a.content) == best:
            return a
    return answers[0]
""",
    "Question in parts": """
def forward(self, taskInfo):
    splitter = LLMAgentBase(['thinking', 'sub_questions'], 'Splitter')
    reader = LLMAgentBase(['answer'], 'Reader')
    writer = LLMAgentBase(['thinking', 'answer'], 'Writer', temperature=0.1)
    _, parts = splitter([taskInfo], 'Split the question into simpler ones, one a line.')
    lines = [line.strip('- ').strip() for line in parts.content.split('\\n') if line.strip()]
    found = []
    for line in lines[:4]:
        part = Info('question', 'Splitter', line, 0)
        found.append(reader([taskInfo, part], f'Answer only this: {line}')[0])
    told = '\\n'.join(f'{line}: {info.content}' for line, info in zip(lines, found))
    return writer([taskInfo], 'The parts have been answered:\\n' + told + '\\nAnswer the whole question.')[1]
""",
    "Critic with a score": """
def forward(self, taskInfo):
    writer = LLMAgentBase(['thinking', 'answer'], 'Writer')
    critic = LLMAgentBase(['feedback', 'score'], 'Critic', role='strict reader')
    best, best_score = None, -1.0
    infos = [taskInfo]
    for i in range(3):
        thinking, answer = writer(infos, 'Answer the question about the passage.', i)
        feedback, score = critic([taskInfo, thinking, answer], 'Rate the answer from 0 to 10.', i)
        try:
            value = float(score.content)
        except ValueError:
            value = 0.0
        if value > best_score:
            best, best_score = answer, value
        if value >= 9:
            break
        infos = infos + [thinking, answer, feedback]
    return best
""",
}

GPQA = {
    "Panel of experts": """
def forward(self, taskInfo):
    experts = {'Physics': 'theoretical physicist', 'Chemistry': 'organic chemist', 'Biology': 'geneticist'}
    router = LLMAgentBase(['field'], 'Router', temperature=0.0)
    field = router([taskInfo], 'Which field is it? Answer with one of: ' + ', '.join(experts))[0]
    chosen = [role for name, role in experts.items() if name.lower() in field.content.lower()]
    panel = [LLMAgentBase(['thinking', 'answer'], role.title(), role=role, temperature=0.6)
             for role in (chosen or list(experts.values()))]
    opinions = []
    for member in panel:
        opinions.extend(member([taskInfo], 'Think step by step, then choose A, B, C or D.'))
    chair = LLMAgentBase(['thinking', 'answer'], 'Chair', temperature=0.1)
    return chair([taskInfo] + opinions, 'Weigh the opinions and choose A, B, C or D.')[1]
""",
    "Debate with pasted arguments": """
def forward(self, taskInfo):
    roles = ['Sceptic', 'Optimist', 'Pedant']
    debaters = [LLMAgentBase(['thinking', 'answer'], role, role=role, temperature=0.8) for role in roles]
    said = [d([taskInfo], 'Argue for the choice you think right.') for d in debaters]
    for r in range(1, 3):
        text = '\\n\\n'.join(f'{t.author} says {a.content}: {t.content}' for t, a in said)
        said = [d([taskInfo, Info('debate', 'Moderator', text, r)], f'Round {r}. Answer the others.', r)
                for d in debaters]
    votes = Counter(answer.content.strip()[:1].upper() for _, answer in said)
    return votes.most_common(1)[0][0]
""",
    "Elimination": """
def forward(self, taskInfo):
    left = ['A', 'B', 'C', 'D']
    refuter = LLMAgentBase(['thinking', 'wrong_choice'], 'Refuter', temperature=0.4)
    while len(left) > 1:
        thinking, wrong = refuter([taskInfo], 'Which choice is surely wrong: ' + ', '.join(left) + '?')
        letter = wrong.content.strip().upper()[:1]
        left.remove(letter if letter in left else left[-1])
    return Info('answer', 'Elimination', left[0], -1)
""",
    "Principles by JSON": """
def forward(self, taskInfo):
    lister = LLMAgentBase(['principles'], 'Lister')
    [principles] = lister([taskInfo], 'List the principles as a JSON list of short texts.')
    try:
        items = json.loads(principles.content)
        items = items if isinstance(items, list) else [items]
    except json.JSONDecodeError:
        items = principles.content.split('\\n')
    solver = LLMAgentBase(['thinking', 'answer'], 'Solver')
    drafts = []
    for n, item in enumerate(items[:3]):
        thinking, answer = solver([taskInfo], f'Use this principle: {item}', n)
        drafts += [thinking, answer]
    final = LLMAgentBase(['thinking', 'answer'], 'Final', temperature=0.0)
    name, author, content, iteration_idx = final([taskInfo, *drafts], 'Choose A, B, C or D.')[1]
    return content
""",
}

MMLU = {
    "Confidence-weighted vote": """
def forward(self, taskInfo):
    from collections import defaultdict
    weights = defaultdict(float)
    for i in range(4):
        agent = LLMAgentBase(['thinking', 'answer', 'confidence'], 'Voter', temperature=0.3 * (i + 1))
        thinking, answer, confidence = agent([taskInfo], 'Answer with a letter and a confidence from 0 to 1.')
        match = re.search(r'[ABCD]', answer.content.upper())
        found = re.search(r'\\d*\\.?\\d+', confidence.content)
        weights[match.group(0) if match else 'A'] += float(found.group(0)) if found else 0.5
    letters, values = list(weights), np.array(list(weights.values()))
    return letters[int(np.argmax(values / values.sum() if values.sum() else values))]
""",
    "Advocates of each choice": """
def forward(self, taskInfo):
    judge = LLMAgentBase(['thinking', 'answer'], 'Judge', role='impartial judge', temperature=0.1)
    pleas = []
    for letter in 'ABCD':
        advocate = LLMAgentBase(['argument'], f'Advocate {letter}', role=f'advocate of choice {letter}')
        pleas.append(advocate([taskInfo], f'Give the best argument for {letter} in two sentences.')[0])
    return judge([taskInfo] + pleas, 'Hear the advocates and give the letter of the right choice.')[1]
""",
    "Program of thought": """
def forward(self, taskInfo):
    coder = LLMAgentBase(['thinking', 'code'], 'Coder')
    thinking, code = coder([taskInfo], 'Write solve() that returns the letter of the right choice.')
    source = code.content.replace('```python', '').replace('```', '')
    printed = self.run_python(source + "\\nprint(solve() if 'solve' in globals() else '')")
    reader = LLMAgentBase(['answer'], 'Reader')
    result = Info('result', 'Python', printed.strip(), 0)
    return reader([taskInfo, thinking, result], 'Give the letter that the result points to.', 1)[0]
""",
    "Shuffled choices": """
def forward(self, taskInfo):
    import random
    lines = taskInfo.content.split('\\n')
    stem = [line for line in lines if not re.match(r'\\([A-D]\\)', line)]
    choices = [line for line in lines if re.match(r'\\([A-D]\\)', line)]
    answers = []
    for i in range(3):
        order = random.sample(choices, len(choices))
        text = '\\n'.join(stem + [f'({"ABCD"[k]}) {c[4:]}' for k, c in enumerate(order)])
        solver = LLMAgentBase(['answer'], 'Solver', temperature=0.7)
        answer = solver([Info('task', 'User', text, -1)], 'Answer with the text of the right choice.')[0]
        answers.append(answer.content.strip().lower())
    top, n = Counter(answers).most_common(1)[0]
    for choice in choices:
        if choice[4:].lower() in top:
            return choice[1]
    return Info('answer', 'Solver', top, 0)
""",
}
