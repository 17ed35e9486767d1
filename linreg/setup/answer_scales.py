"""Answers that have an order, such as disagree < agree, recognized by their words."""

import re
from collections.abc import Collection, Sequence

_SCALES: tuple[str, ...] = (
    "completely disagree = totally disagree = very strongly disagree"
    " < strongly disagree = disagree strongly = fully disagree"
    " < disagree = mostly disagree = tend to disagree"
    " < somewhat disagree = slightly disagree = rather disagree = disagree somewhat"
    " < neutral = neither agree nor disagree = neither = undecided = neither disagree nor agree"
    " = unsure = neither nor"
    " < somewhat agree = slightly agree = rather agree = agree somewhat"
    " < agree = mostly agree = tend to agree"
    " < strongly agree = agree strongly = fully agree"
    " < completely agree = totally agree = very strongly agree",
    "extremely dissatisfied = completely dissatisfied < very dissatisfied < dissatisfied"
    " < somewhat dissatisfied = slightly dissatisfied = rather dissatisfied"
    " < neutral = neither satisfied nor dissatisfied = neither"
    " = neither dissatisfied nor satisfied"
    " < somewhat satisfied = slightly satisfied = rather satisfied < satisfied < very satisfied"
    " < extremely satisfied = completely satisfied",
    "terrible = awful < very poor = very bad < poor = bad < below average"
    " < fair = average = ok = okay = acceptable = regular = typical = normal = satisfactory"
    " < above average < good < very good < excellent = great < outstanding = exceptional",
    "none = no < trace = minimal < very low < low < lower < medium = moderate = mid = middle"
    " = average = normal < higher < high < very high < extreme = extremely high",
    "very short < short < medium = average < long = tall < very long = very tall",
    "xxs < xs = extra small = very small < s = small < m = medium < l = large"
    " < xl = extra large = very large < xxl < xxxl",
    "tiny < small < medium < big = large < huge",
    "none = no < minimal < mild = slight = light < moderate < severe = heavy"
    " < very severe = very heavy = critical",
    "never < almost never = hardly ever = very rarely < rarely = seldom < occasionally < sometimes"
    " < frequently = often < usually = very often = most of the time < almost always < always",
    "never < yearly = annually < quarterly < monthly < weekly < daily < hourly",
    "extremely unlikely < very unlikely < unlikely < somewhat unlikely = slightly unlikely"
    " < neutral = neither likely nor unlikely < somewhat likely = slightly likely < likely"
    " < very likely < extremely likely",
    "not at all = not at all important = not important = unimportant"
    " < slightly = slightly important = a little = a little important"
    " < somewhat = somewhat important < moderately = moderately important = important"
    " < very = very important = quite a bit < extremely = extremely important",
    "beginner = novice < elementary < intermediate < advanced < expert = proficient",
    "junior < intermediate = mid = mid level < senior < lead < principal",
    "first = 1st < second = 2nd < third = 3rd < fourth = 4th < fifth = 5th",
    "bronze < silver < gold < platinum < diamond",
    "primary < secondary < tertiary",
    "cold < cool < mild < warm < hot",
    "monday = mon < tuesday = tue = tues < wednesday = wed < thursday = thu = thur = thurs"
    " < friday = fri < saturday = sat < sunday = sun",
    "january = jan < february = feb < march = mar < april = apr < may < june = jun < july = jul"
    " < august = aug < september = sep = sept < october = oct < november = nov < december = dec",
    "dawn < morning < noon = midday < afternoon < evening < night",
)
"""Each from its lowest answer to its highest; `=` stands between words for the same place."""
_NO_ANSWER = {
    "don't know",
    "dont know",
    "do not know",
    "not applicable",
    "not sure",
    "no answer",
    "no opinion",
    "prefer not to say",
    "prefer not to answer",
    "refused",
    "unknown",
    "missing",
    "other",
}
_RANGE = re.compile(
    r"^(?P<low>(?:under|below|less than|up to|<=?|≤)\s*)?[€$£]?\s*(?P<number>\d[\d,]*\.?\d*)\s*"
    r"(?P<thousand>k\b)?[^\d]*(?:(?:-|–|—|\bto\b)\s*[€$£]?\s*\d[\d,]*\.?\d*\s*\D*"
    r"|\+|\band over\b\D*|\bor more\b\D*)?$"
)


def level_order(levels: Collection[str]) -> list[str] | None:
    """Return levels from the lowest to the highest; None unless their words have an order.

    All of them must belong to one scale, each in another place of it; levels that are no answer,
    such as `prefer not to say`, come last. Ranges such as 5-9, 18-24 and 65+ go by their numbers.
    """
    words = {level: _plain(level) for level in levels}
    answers = [level for level in levels if words[level] not in _NO_ANSWER]
    others = sorted(level for level in levels if words[level] in _NO_ANSWER)
    # M and S may be married and single; S, M and L are sizes.
    if len(answers) < 2 or (len(answers) == 2 and max(map(len, answers)) == 1):
        return None
    for scale in _PLACES:
        places = {level: scale.get(words[level]) for level in answers}
        if None not in places.values() and len(set(places.values())) == len(answers):
            return sorted(answers, key=lambda level: places[level] or 0) + others
    ranges = {level: _start_of_range(words[level]) for level in answers}
    if None not in ranges.values() and len(set(ranges.values())) == len(answers) > 2:
        return sorted(answers, key=lambda level: ranges[level] or (0.0, 0)) + others
    return None


def is_answer(level: str) -> bool:
    """Whether a level is an answer, unlike `prefer not to say`."""
    return _plain(level) not in _NO_ANSWER


def _places(scale: str) -> dict[str, int]:
    steps = [step.split("=") for step in scale.split(" < ")]
    return {word.strip(): place for place, step in enumerate(steps) for word in step}


_PLACES: Sequence[dict[str, int]] = [_places(scale) for scale in _SCALES]


def _plain(level: str) -> str:
    """Return a level in lower case, without underscores, hyphens, dots and a number before it."""
    text = " ".join(re.sub(r"[_/.]|(?<=[a-z])-(?=[a-z])", " ", level.lower()).split())
    return re.sub(r"^\(?\d+\)?\s*[-:.)]*\s+(?=[a-z])", "", text)


def _start_of_range(text: str) -> tuple[float, int] | None:
    """Return what a range such as `18-24`, `<18` or `65+` begins with; None for other text."""
    found = _RANGE.match(text)
    if not found or not re.search(r"[-–—+<≤]|to|under|below|less|over|more", text):
        return None
    number = float(found["number"].replace(",", "")) * (1000 if found["thousand"] else 1)
    return number, -1 if found["low"] else 0
