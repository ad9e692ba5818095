# SPDX-License-Identifier: Apache-2.0
"""Renders random cases with the Python worker and with ours, and says where they differ.

    run.py --driver PROGRAM --python PYTHON [--count N] [--seed SEED] [--results FILE]

--python is the interpreter of a virtual environment with prefect and prefect-kubernetes.
"""

import argparse
import collections
import json
import os
import pathlib
import sys
import tempfile

import compare
import generate
import peers
import rules
import settings
import shrink

import command

SHOWN = 5
SAMPLE = 25  # every that many cases go through the command line too
HITS_WANTED = 20


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True, type=pathlib.Path)
    parser.add_argument("--python", required=True, type=pathlib.Path)
    parser.add_argument("--cli", type=pathlib.Path, help="the program, for a sample of the cases")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--scripts", action="store_true", help="texts of many scripts")
    parser.add_argument("--hits", type=int, default=0, help="least hits of every rule")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--classes", action="store_true", help="show differing exception classes")
    parser.add_argument("--keep-going", type=int, default=SHOWN, help="differences shown")
    return parser.parse_args()


class Run:
    def __init__(self, options):
        self.options = options
        self.template = None
        self.hits = collections.Counter()
        self.classes = collections.Counter()
        self.failed = []
        self.errors = 0
        self.sampled = 0

    def case(self, number, environment):
        seed = f"{self.options.seed}-{number}"
        case = generate.Generator(self.template, seed, self.options.scripts).case()
        case["environment"] = environment
        return case

    def one(self, number, case, ours, theirs):
        own, their = ours.render(case), theirs.render(case)
        self.hits.update(rules.hits(case, their))
        self.errors += "error" in their
        wrong = compare.difference(own, their)
        other = compare.class_difference(own, their)
        if other:
            self.classes[other if self.options.classes else "differs"] += 1
        self.through_command_line(number, case, own)
        if wrong:
            self.failed.append(number)
            if len(self.failed) <= self.options.keep_going:
                self.show(number, case, wrong, ours, theirs)

    def through_command_line(self, number, case, own):
        """The driver and `render` must agree: they differ in how the input gets in."""
        if not self.options.cli or number % SAMPLE or case["worker_id"]:
            return
        wrong = command.difference(self.options.cli, case, own)
        self.sampled += 1
        if wrong:
            self.failed.append(number)
            print(f"case {number} through the command line: {wrong}", flush=True)

    def show(self, number, case, wrong, ours, theirs):
        def fails(smaller):
            found = compare.difference(ours.render(smaller), theirs.render(smaller))
            return found is not None and found.split()[:4] == wrong.split()[:4]

        small = shrink.shrink(case, fails)
        small_wrong = compare.difference(ours.render(small), theirs.render(small))
        small.pop("environment", None)
        print(
            f"\ncase {number}: {wrong}\n  smallest: {small_wrong}\n  {json.dumps(small)}",
            flush=True,
        )

    def batch(self, index, numbers, folder):
        environment = settings.environment(index, folder)
        ours = peers.ours(self.options.driver)
        theirs = peers.theirs(self.options.python, environment, folder)
        if not self.template:
            self.template = theirs.render({})
            own = compare.without_descriptions(ours.render({}))
            if json.dumps(own) != json.dumps(compare.without_descriptions(self.template)):
                print("the default base job templates differ")
                self.failed.append("template")
        for number in numbers:
            self.one(number, self.case(number, environment), ours, theirs)
        ours.close()
        theirs.close()

    def all(self):
        first, count = self.options.first, self.options.count
        kinds = len(settings.ENVIRONMENTS)
        with tempfile.TemporaryDirectory() as folder:
            for index in range(kinds):
                numbers = [n for n in range(first, first + count) if n % kinds == index]
                if numbers:
                    self.batch(index, numbers, folder)

    def report(self):
        print("\nhits  rule")
        for name in rules.RULES:
            print(f"{self.hits[name]:5} {name}")
        rare = [name for name in rules.RULES if self.hits[name] < self.options.hits]
        for text, count in self.classes.most_common():
            print(f"{count:5} exception class: {text}")
        total = self.options.count
        equal = total - len(self.failed)
        print(f"\n{equal} of {total} equal ({self.errors} of them refused by both)")
        if self.options.cli:
            print(f"{self.sampled} of them through the command line as well")
        if rare:
            print(f"hit less than {self.options.hits} times: " + "; ".join(rare))
        if self.failed:
            print("differing: " + " ".join(map(str, self.failed[:50])))
        if self.options.results:
            os.makedirs(self.options.results.parent, exist_ok=True)
            self.options.results.write_text(f"{equal} {len(self.failed) + len(rare)}\n")
        return 1 if self.failed or rare else 0


def main():
    run = Run(arguments())
    run.all()
    return run.report()


if __name__ == "__main__":
    sys.exit(main())
