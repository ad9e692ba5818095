# SPDX-License-Identifier: Apache-2.0
"""Random texts and values for the cases: ordinary ones mostly, with what is known to be tricky."""

import json

WORDS = (
    "alpha beta gamma run flow etl nightly report GPU team-a prod My_Flow v2 data.load x y z1 "
    "A-b café naïve Łódź straße Ærø"
).split()
TRICKY = [
    "",
    " ",
    "-",
    "---",
    "_x_",
    ".hidden.",
    "a--b",
    "a__b..c",
    "it's",
    "x'y''z",
    'say "hi"',
    "1,000 runs",
    "1,2,3",
    "a,b",
    "R&amp;D",
    "&#65;&#x42;c",
    "&lt;tag&gt;",
    "caf&eacute;s",
    "&#99999999;x&#65;",
    "&unknown;",
    "&amp;#65;",
    "user@example.com",
    "foo/bar/baz",
    "/lead",
    "trail/",
    "a:b=c",
    "2024-05-06T07:08:09+00:00",
    "tab\there",
    "line\nbreak",
    "“quoted”",
    "Ünïcödé",
    "½ price",
    "e\u0301clair",
    "\u200bzero",
    "x" * 70,
    "a-" * 40,
    "A" * 44 + "-bb",
    "{{ not closed }",
    "{ x }",
    "\\back\\slash",
    "\x07bell",
]
# Scripts whose spelling differs from table to table; asked for by --scripts.
SCRIPTS = [
    "日本語",
    "Привет мир",
    "Ελλάδα",
    "שלום",
    "مرحبا",
    "한국어",
    "ｆｕｌｌ ｗｉｄｔｈ",
    "ひらがな",
]
COMMANDS = [
    "prefect flow-run execute",
    "echo 'a b' \"c d\" e\\ f",
    "sh -c 'echo $X && ls'",
    "python -m my.module --x=1  --y",
    "",
    "   ",
    'a\\\nb "a\\"b\\$c\\d"',
    "a#b # c",
    "''",
    'echo "it\'s"',
    "x='1 2'3",
]
BAD_COMMANDS = ["echo 'x", 'echo "x', "trailing\\"]
NUMBERS = [0, 1, 2, 5, -1, 60, 3600, 0.0, 1.0, 1.5, -0.0, 1e16, 1e-7, 123456789.123, 10**20, 1e300]


class Random:
    """A seeded random.Random with the choices that the generator makes all the time."""

    def __init__(self, random, scripts):
        self.random = random
        self.scripts = scripts

    def chance(self, probability):
        return self.random.random() < probability

    def one(self, *choices):
        return self.random.choice(choices[0] if len(choices) == 1 else choices)

    def some(self, choices, most):
        choices = list(choices)
        return self.random.sample(choices, self.random.randint(0, min(most, len(choices))))

    def text(self):
        if self.scripts and self.chance(0.15):
            return self.one(SCRIPTS)
        if self.chance(0.25):
            return self.one(TRICKY)
        return self.one(" ", "-", "_", "").join(
            self.one(WORDS) for _ in range(self.one(1, 1, 2, 3))
        )

    def tricky(self):
        """Text that label rules have something to do with."""
        return self.one(TRICKY) if self.chance(0.5) else self.text()

    def name(self):
        """A name that Prefect takes for a flow, deployment, pool or worker."""
        text = "".join(c for c in self.text() if c not in "/%&<>\n\t\x07").strip()
        return text or "name"

    def scalar(self):
        return self.one(self.text(), self.one(NUMBERS), True, False, None, self.text())

    def value(self, depth=2):
        """Any JSON value."""
        if depth == 0 or self.chance(0.6):
            return self.scalar()
        if self.chance(0.5):
            return [self.value(depth - 1) for _ in range(self.one(0, 1, 2, 3))]
        return {self.key(): self.value(depth - 1) for _ in range(self.one(0, 1, 2, 3))}

    def key(self):
        return self.one("a", "b", "c", "value", "0", "x-y", "k 1", "é", "nested", "url")

    def label_key(self):
        return self.one(
            "team",
            "my key",
            "example.com/part-of",
            "kueue.x-k8s.io/queue-name",
            "a/b/c",
            "/x",
            "UPPER_case.1",
            "prefect.io/flow-run-id",
            "app.kubernetes.io/name",
            self.tricky(),
            self.tricky(),
        )

    def env_name(self):
        return self.one(
            "A",
            "B",
            "FOO",
            "BAR",
            "PREFECT_API_URL",
            "PREFECT_LOGGING_LEVEL",
            "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR",
            "PREFECT__FLOW_NAME",
            "PREFECT_API_KEY",
        )

    def env_list(self):
        """Entries as Kubernetes has them, some of them odd, as users' are."""
        entries = []
        for _ in range(self.one(0, 1, 2, 3)):
            name = self.env_name()
            reference = {"secretKeyRef": {"name": "s", "key": "k"}}
            entries.append(
                self.one(
                    {"name": name, "value": self.text()},
                    {"name": name, "value": self.text()},
                    {"name": name, "valueFrom": reference},
                    {"name": name, "value": self.scalar()},
                    {"name": name},
                    {"value": "nameless"},
                    {"name": name, "value": "x", "valueFrom": reference},
                    {"valueFrom": reference} if self.chance(0.2) else {"name": name, "value": "v"},
                    {"name": self.one(1, 1.0, True, None, "1"), "value": "odd"},
                )
            )
        return entries

    def env_object(self):
        return {
            self.env_name(): self.one(self.text(), self.text(), self.value(1), None, "{{ x }}")
            for _ in range(self.one(0, 1, 2, 3))
        }


def compact(value):
    return json.dumps(value, ensure_ascii=False)
