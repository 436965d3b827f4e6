"""Words and signs around a number that say whether it is the one that is meant. Patterns, one for each."""

from __future__ import annotations

import re

BULLET = re.compile(r"^\s*(?:[-*•+]\s+|>\s+(?=\D)|#{1,6}\s+|\|\s*)+")
EMPHASIS = re.compile(r"(?<![\w)\]}*])\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?![\w({*])|__|`+|</?[A-Za-z][^<>]{0,40}>")
SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\b(?:No|Rs|ca|Mr|Ms|Dr|St|vs)\.)(?<!\bMrs\.)(?<!\bapprox\.)(?<!\bi\.e\.)(?<!\be\.g\.)\s+(?![Oo]r\b)|[;。！？]\s*"
)
BRACKETED = re.compile(r"[(\[{][^()\[\]{}]{0,400}[)\]}]")
ASIDE = re.compile(
    r"^\W*(?:note|nb|n\.b|hint|explanation|explained|where|rounded|check|verification|confidence|source)\b",
    re.IGNORECASE,
)
CORRECTED = re.compile(  # "41. No, 42."
    r"^\W*(?:no\s*[,:;—–-]+|(?:wait|actually|correction|sorry|oops)\b[\s,:;—–-]*)\s*"
    r"(?:(?:it is|it's|that is|that's|make that)\s+)?",
    re.IGNORECASE,
)
REASON = re.compile(
    r"\bi\.e\.|\b(?:because|since|given that|where|assuming|as there|rounded|with \d+ decimal)\b|"
    r"[,;]\s*(?:and\s)?(?:definitely\s|certainly\s)?not\s[^\s,;]*\d[^,;]{0,30}$",
    re.IGNORECASE,
)
EQUALS = re.compile(r"(?<![<>!≤≥])=+>?|≈|→|\b(?:equals|is equal to)\b", re.IGNORECASE)
CUE = re.compile(
    r"\b(?:so|thus|hence|therefore|gives?|giving|gets?|makes?|making|yields?|leaves?|leaving|totals?|"
    r"total of|comes to|results? in|adds? up to|means|is|are|was|were|be|has|have|had|costs?|needs?|earns?|"
    r"spends?|left with|concludes?)\b:?",
    re.IGNORECASE,
)
LEFT_SIDE = re.compile(r"[\s\d+\-*/×÷x·().,$€£%^a-zA-Z_{}\\]{1,200}")
SOLUTION = re.compile(r"\s*[-+$]?\d[^=]{0,30}?(?:\bor\b|\band\b|[,;])\s*[A-Za-z]\w{0,2}\s*", re.IGNORECASE)
FIRST = re.compile(r"\s*1[.)]\s")
NUMBERED = re.compile(r"^\s*\d{1,3}[.)]\s+(?=\S)")
AND_A_HALF = re.compile(r"(\d) and a half\b")
OR_MORE = re.compile(r"\s*(?:[A-Za-z]+\s)?or (?:more|less|fewer)\b", re.IGNORECASE)
PERCENT = re.compile(r"\s?(?:percent|per cent|%)", re.IGNORECASE)
WORKED = re.compile(r"^[\s(]*(?:[A-Za-z]\w{0,2}\s*)?$|[\d)]\s*[-+*/×÷x·^]|[-+*/×÷·]\s*[\d(]")
GOVERNED = re.compile(
    r"\b(?:per|every|each|out of|of every|of these|of the|for every|step|question|problem|page)\s*$",
    re.IGNORECASE,
)
OF = re.compile(r"^\s*(?:[A-Za-z]+\s*,?\s*)?(?:out\s)?of\s(?:the\s|these\s|all\s)?$", re.IGNORECASE)
WHILE = re.compile(
    r"^\s*(?:days?|weeks?|months?|years?|hours?|minutes?|seconds?|nights?|times)\b", re.IGNORECASE
)
FOR = re.compile(r"\b(?:for|in|after|within|over|during|on)\s*$", re.IGNORECASE)
YEAR = re.compile(r"\b(?:in|since|of|by|until|from)\s*$", re.IGNORECASE)
OR = re.compile(
    r"^[\w\s°%.'\"$€£^/()?!,-]{0,40}?(?:\b(?:or|and/or|versus|vs)\b|/|\|)[\w\s$€£=(]{0,30}$", re.IGNORECASE
)
RANGE = re.compile(r"^\s*(?:[A-Za-z°%]{0,8}\s*)(?:-{1,2}|to|through|~|\.\.+|…)\s*$", re.IGNORECASE)
AND = re.compile(
    r"^\s*(?:[A-Za-z°%^]+\s*){0,3}(?:,\s*(?:and\b)?|;|\band\b|&)\s*(?:[A-Za-z]\w{0,2}\s*[=:]\s*)?[(]?$|^\s*$",
    re.IGNORECASE,
)
OPERATOR = re.compile(r"^\s*[-+*/×÷x·^]\s*\(?$")
CENTS = re.compile(r"^\s*(?:dollars?|bucks|euros?|pounds?)?\s*(?:,|and)?\s*$", re.IGNORECASE)
CENT = re.compile(r"^\s*(?:cents?|¢|pence|p\b)", re.IGNORECASE)
NEGATED = re.compile(
    r"\b(?:not|isn't|never|cannot be|can't be|no longer|nicht|n'est pas|no (?:es|son)|não é|non è|не)"
    r"\s*(?:(?!but\b)\w+\s*){0,2}[:=]?\s*$|(?:不是|不等于|不等於|不为|不為|并非)\s*$",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\s*(?:[A-Za-z°%]+\s)?(?:(?:is|are|was|would be)\s(?:not|wrong|incorrect|false)\b|isn't\b|aren't\b)|"
    r"\s*\w{0,4}?(?:ではありません|ではない|じゃない|[이가] 아닙니다|[이가] 아니)",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"\b(?:(?:cannot|can't|can not|could not|couldn't|unable to|impossible to|hard to)\s(?:be\s)?"
    r"(?:determine|tell|say|answer|know|verify|conclude|confirm|decide)\w*|not sure|unsure|not certain|"
    r"(?:don't|do not) know)\b(?:(?!\b(?:so|but|thus|therefore|hence|then|still)\b)[^,;:])*$",
    re.IGNORECASE,
)
UNSURE = re.compile(r"\b(?:between|anywhere from|either)\b", re.IGNORECASE)
BEYOND = re.compile(
    r"(?:[<>≠]|\b(?:(?:more|less|fewer|greater|larger|smaller|higher|lower|other) than|above|below|under))"
    r"\s*$",
    re.IGNORECASE,
)
EITHER_SIGN = re.compile(r"(?:±|\+/-|\+-)\s*$")
MINUS = re.compile(r"\b(?:minus|negative)\s*$|(?:^|=)\s*-\s?\(\s*$", re.IGNORECASE)
UNIT = re.compile(r"[\s.,;:!?)\]}*$°'\"€£¥]*(?:[A-Za-zµμΩ°/^²³·%$€£\-]+\d?[\s.!?]*){0,4}[\s)\]}]*")
LEAD = re.compile(
    r"[\s(\[{*$≈~=:\"']*(?:(?:about|approx(?:imately)?\.?|around|roughly|exactly|only|just|ca\.?|circa|"
    r"total(?:ly)?|x|y|n|therefore|so|thus|hence)[\s:=,≈]*){0,3}[$€£\s(]*",
    re.IGNORECASE,
)
