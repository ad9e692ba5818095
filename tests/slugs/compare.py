# SPDX-License-Identifier: Apache-2.0
"""Slugs beside those of the Python worker's slugify: every code point, then random texts.

    compare.py DRIVER RESULTS [--seed N] [--texts N]

Equal is asked for the scripts in EXACT and for everything beyond U+FFFF, whatever it decomposes
to; Han characters have a reading of their own, and letters of other scripts are u and four digits.
"""

import argparse
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

from slugify import slugify

# Latin, Greek, Cyrillic, Hebrew, Arabic, kana, Hangul, full width, punctuation, symbols to U+27BF.
EXACT = [
    (0x0000, 0x052F), (0x0590, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0x1100, 0x11FF),
    (0x1C80, 0x1C8F), (0x1D00, 0x27BF), (0x2C60, 0x2C7F), (0x2DE0, 0x2DFF), (0x3000, 0x33FF),
    (0xA640, 0xA69F), (0xA720, 0xA7FF), (0xA960, 0xA97F), (0xAB30, 0xAB6F), (0xAC00, 0xD7FF),
    (0xFB00, 0xFDFF), (0xFE10, 0xFFFF),
]  # fmt: skip
HAN = [(0x2F00, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)]
KNOWN_HAN = (0x4E00, 0x9FA5)  # the Han characters that the reference knows
HAN_AGREE = 0.85  # of its readings: Unihan has changed its mind since
KINDS = ("name", "plain", "key", "value")


def within(point, ranges):
    return any(first <= point <= last for first, last in ranges)


def label_part(text, most, allowed):
    slug = slugify(text, lowercase=False, max_length=most, regex_pattern=f"[^{allowed}]+")
    return slug.strip("_-.") or text


def reference(kind, text):
    if kind == "name":
        return slugify(text, max_length=45, regex_pattern=r"[^a-zA-Z0-9-]+")
    if kind == "plain":
        return slugify(text)
    if kind == "value" or "/" not in text:
        return label_part(text, 63, r"a-zA-Z0-9-_.")
    prefix, name = text.split("/", 1)
    name = label_part(name, 63, r"a-zA-Z0-9-_.")
    return f"{label_part(prefix, 253, r'a-zA-Z0-9-.')}/{name}" if prefix else name


def ours(driver, cases):
    lines = "".join(f"{kind} {text.encode().hex()}\n" for kind, text in cases)
    done = subprocess.run(
        [driver], input=lines, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        sys.exit(f"slugs: the driver ended with {done.returncode}:\n{done.stderr}")
    slugs = [bytes.fromhex(line).decode() for line in done.stdout.splitlines()]
    assert len(slugs) == len(cases)
    return slugs


class Tally:
    """Counts what was compared; shows the first differences."""

    SHOWN = 12

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, right, text, own, wanted):
        self.passed += bool(right)
        self.failed += not right
        if not right and self.failed <= self.SHOWN:
            print(f"slugs: {ascii(text)}: {own!r}, wanted {wanted!r}")


# -- every code point


def parts_of(point):
    return [ord(part) for part in unicodedata.normalize("NFKD", chr(point))]


def is_exact(point):
    """The reference's own spelling is wanted for this one and for all it decomposes to."""
    return all(within(part, EXACT) or part > 0xFFFF for part in [point, *parts_of(point)])


def points_of(driver, tally):
    points = [p for p in range(1, 0x10000) if not 0xD800 <= p < 0xE000]
    # beyond: all that decompose, and some of those that do not and so vanish
    points += [p for p in range(0x10000, 0x110000) if parts_of(p) != [p] or p % 61 == 0]
    exact = [p for p in points if is_exact(p)]
    # in words, in numbers (commas vanish there), alone, and as part of an entity
    for form in ("a{}b", "1{}2", "{}", "x{}", "&{}amp;&#{}65;"):
        for kind in ("value", "name"):
            cases = [(kind, form.replace("{}", chr(p))) for p in exact]
            for (_, text), own in zip(cases, ours(driver, cases), strict=True):
                wanted = reference(kind, text)
                tally.check(own == wanted, text, own, wanted)
    print(f"slugs: {len(exact)} code points as the reference has them")
    others(driver, tally, [p for p in points if not is_exact(p) and p <= 0xFFFF])


def other(point):
    """Beside a and b: what has no readings here."""
    character = chr(point)
    if unicodedata.decimal(character, None) is not None:
        return f"a{unicodedata.decimal(character)}b"
    if character.isalnum():
        return f"au{point:04x}b"
    return "ab" if unicodedata.combining(character) else "a-b"


def others(driver, tally, points):
    agreed = read = 0
    slugs = ours(driver, [("value", f"a{chr(p)}b") for p in points])
    for point, own in zip(points, slugs, strict=True):
        text = f"a{chr(point)}b"
        parts = parts_of(point)
        if len(parts) > 1:
            continue  # as its parts, which are tested
        if (within(parts[0], HAN) or parts[0] > 0xFFFF) and unicodedata.name(chr(point), ""):
            reading = own[1:-2]
            wanted = reference("value", text)
            right = own == f"a{reading}-b" and reading.istitle() and reading.isascii()
            right = right or own == (f"au{parts[0]:04x}b" if parts[0] <= 0xFFFF else "ab")
            if within(point, [KNOWN_HAN]):
                read += 1
                agreed += own == wanted
        else:
            wanted = other(parts[0])
            right = own == wanted
        tally.check(right, text, own, wanted)
    share = agreed / read
    tally.check(share >= HAN_AGREE, "Han", f"{share:.1%}", f"{HAN_AGREE:.0%} agree")
    print(f"slugs: {read} Han readings, {share:.1%} as the reference's")


# -- random texts


class Texts:
    ENTITIES = [
        "&amp;", "&lt;", "&eacute;", "&Eacute;", "&thetasym;", "&nosuch;", "&#65;", "&#x41;",
        "&#xE9;", "&#233;", "&#39;", "&#44;", "&#x1D400;", "&#1488;", "&#xFB1D;", "&#38;#65;",
        "&amp;#66;", "&#0;", "&#x;", "&#;", "&;", "&amp", "&#120120;", "&#x3131;", "&#8217;",
    ]  # fmt: skip

    def __init__(self, seed, exact):
        self.random = random.Random(seed)
        self.exact = exact
        self.marks = [p for p in exact if unicodedata.combining(chr(p))]
        self.letters = [p for p in exact if chr(p).isalnum()]
        self.long = [p for p in exact if len(parts_of(p)) > 2]

    def piece(self):
        pick = self.random.choice
        match self.random.randrange(12):
            case 0 | 1:
                return "".join(pick("abcXYZ0189") for _ in range(pick((1, 2, 5))))
            case 2:
                return pick(",.'_-/&;# \t\n~") * pick((1, 1, 2, 3))
            case 3:
                return f"{pick('0159')},{pick(('', chr(39)))}{pick('0159')}"
            case 4:
                return pick(self.ENTITIES)
            case 5 | 6:
                return "".join(chr(pick(self.letters)) for _ in range(pick((1, 3, 8))))
            case 7 | 8:
                return chr(pick(self.letters)) + "".join(
                    chr(pick(self.marks)) for _ in range(pick((1, 2, 3, 6)))
                )
            case 9:
                return chr(pick(self.long)) + chr(pick(self.marks))
            case 10:
                return chr(self.random.randrange(0x20, 0x7F))
            case _:
                return chr(pick(self.exact))

    def text(self):
        return "".join(self.piece() for _ in range(self.random.choice((1, 2, 4, 8, 16, 40))))


def texts_of(driver, tally, seed, count):
    exact = [p for p in range(1, 0x20000) if not 0xD800 <= p < 0xE000 and is_exact(p)]
    texts = Texts(seed, exact)
    cases = [(texts.random.choice(KINDS), texts.text()) for _ in range(count)]
    for (kind, text), own in zip(cases, ours(driver, cases), strict=True):
        wanted = reference(kind, text)
        tally.check(own == wanted, f"{kind} {text}", own, wanted)
    print(f"slugs: {count} random texts, seed {seed}")


def main():
    parser = argparse.ArgumentParser(description="compares slugs with the Python worker's")
    parser.add_argument("driver")
    parser.add_argument("results", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=20000)
    options = parser.parse_args()
    tally = Tally()
    points_of(options.driver, tally)
    texts_of(options.driver, tally, options.seed, options.texts)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(f"{tally.passed} {tally.failed}\n")
    print(f"slugs: {tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
