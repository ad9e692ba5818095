# SPDX-License-Identifier: Apache-2.0
"""Writes json.json, yaml.json, toml.json and dotenv.json beside this file: texts, and what Python's
json, PyYAML, tomllib and python-dotenv make of them.

Each case has a "text" and either "dumps" (the bytes of json.dumps of the value) or "refused". Run it
with a Python that has PyYAML and python-dotenv (the environment of a Prefect server has both); the
seed is fixed, so the same versions write the same files.

Left out are texts where our reading differs by decision: lone surrogates (we put U+FFFD), times in
YAML and TOML in a spelling of their own (we keep the text), a byte order mark in TOML (we skip it),
an anchor that is defined twice (we take the later, as YAML says), keys that are equal only as text.
"""

import datetime
import io
import json
import math
import os
import random
import tomllib
from pathlib import Path
from unittest import mock

import dotenv.main
import dotenv.parser
import yaml

HERE = Path(__file__).parent
ENVIRONMENT = {"OUTER": "from outside", "SHADOWED": "outside", "EMPTY": ""}


class Skip(Exception):
    """Not a case for both."""


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with times, = and << as text."""


class CLoader(yaml.CSafeLoader):
    """The same over libyaml."""


for loader in (Loader, CLoader):
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    for name in ("timestamp", "value", "merge"):
        loader.add_constructor(f"tag:yaml.org,2002:{name}", yaml.SafeLoader.construct_yaml_str)


def dumps(value):
    return json.dumps(value, allow_nan=False)


def no_constant(name):
    raise ValueError(name)


def read_json(text):
    return dumps(json.loads(text, parse_constant=no_constant))


def read_yaml(text):
    readings = []
    for each in (Loader, CLoader):
        try:
            readings.append(dumps(yaml.load(text, each)))
        except (yaml.YAMLError, ValueError, TypeError, LookupError, OverflowError):
            readings.append(None)
    if readings[0] != readings[1]:
        raise Skip  # the two parsers of Python differ already
    if readings[0] is None:
        raise ValueError
    return readings[0]


def toml_value(value, text):
    if isinstance(value, dict):
        return {key: toml_value(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [toml_value(each, text) for each in value]
    if isinstance(value, (datetime.date, datetime.time)):
        if value.isoformat() not in text:
            raise Skip
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def read_toml(text):
    return dumps(toml_value(tomllib.loads(text), text))


def read_dotenv(text):
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as a file opened as text
    bindings = list(dotenv.parser.parse_stream(io.StringIO(text)))
    if any(binding.error for binding in bindings):
        raise ValueError(text)
    with mock.patch.dict(os.environ, ENVIRONMENT, clear=True):
        return dumps(dict(dotenv.main.DotEnv(None, stream=io.StringIO(text), verbose=False).dict()))


def case(read, text):
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return None
    try:
        want = read(text)
    except Skip:
        return None
    except (ValueError, yaml.YAMLError, RecursionError):
        return {"text": text, "refused": True}
    if "\\ud" in want and any(
        0xD800 <= ord(char) <= 0xDFFF for char in json.dumps(json.loads(want), ensure_ascii=False)
    ):
        return None
    return {"text": text, "dumps": want}


def mutate(rng, text, alphabet):
    """A text with one to three of its characters changed, removed or doubled."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + rng.choice(alphabet) + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(alphabet) + text[at + 1 :]
        else:
            end = min(len(text), at + rng.randint(1, 4))
            text = text[:end] + text[at:end] + text[end:]
    return text


WORDS = [
    "",
    "a",
    "b c",
    "yes",
    "No",
    "null",
    "~",
    "1",
    "1.0",
    "0x1f",
    "é",
    "😀",
    "x: y",
    "- z",
    "#",
    "a #b",
    " lead",
    "trail ",
    "two\nlines",
    "two\nlines\n",
    "tab\there",
    "'",
    '"',
    "\\",
    "{",
    "[",
    "%",
    "@",
    "&x",
    "*x",
    "!t",
    "|",
    ">",
    "=",
    "<<",
    "2024-01-02",
    "1e3",
    "\x7f",
    "end:",
    "---",
    "...",
    "\n",
    "\n\nx\n\n",
    "  deep\nx",
    "0",
    "-0",
    "017",
    "\u2028",
    "\x85",
]
NUMBERS = [
    0,
    1,
    -1,
    2**63 - 1,
    -(2**63),
    2**64,
    10**30,
    0.5,
    -0.0,
    1e16,
    1e-5,
    1.5e300,
    5e-324,
    123456.789,
    100.0,
]


def value(rng, depth=0):
    kind = rng.randrange(10 if depth < 4 else 7)
    if kind < 3:
        return rng.choice(WORDS)
    if kind < 5:
        return rng.choice(NUMBERS)
    if kind < 7:
        return rng.choice([True, False, None])
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(WORDS): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def json_texts(rng):
    yield from [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "[1,]",
        "[,1]",
        "{,}",
        "[1 2]",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e5",
        "1E+2",
        "1e-2",
        "-0",
        "-0.0",
        "1e400",
        "0e0",
        "1.10",
        "0.1e1",
        '"\\u00e9\\ud83d\\ude00"',
        '"\\x"',
        '"\\u12"',
        '"a\tb"',
        '{"a":1,"b":2,"a":{"c":[]}}',
        "\ufeff[]",
        "[1]x",
        "[1] [2]",
        '{"a" 1}',
        "{a:1}",
        "'a'",
        '"abc',
        "[[[[]]]",
        "\u00a0[]",
        "\x0b1",
        "tru",
        "trueish",
        '{"":{"":[]}}',
        "123456789012345678901234567890",
        "\t[\r\n] ",
        '{"a":1,}',
        "/**/1",
        "1_0",
        "0x1",
        '"\x7f"',
        '"\\/"',
        "[0.1, 1.0, 1e22, 1e21, 1.5e-7]",
    ]
    alphabet = '[]{},:"\\0123456789eE+-.tfnaul \n\x01é'
    for _ in range(500):
        text = json.dumps(
            value(rng), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1])
        )
        yield text
        yield mutate(rng, text, alphabet)


def yaml_texts(rng):
    yield from [
        "",
        "# nothing",
        "---",
        "--- \n...\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\n",
        "%YAML 1.1\n---\na: 1",
        "a: &x {b: 1}\nc: *x\n",
        "a: *none",
        "&x a: *x",
        "a: &a [*a]",
        "base: &b {x: 1, y: 2}\nd: {<<: *b, y: 3, z: 4}",
        "d: {y: 3, <<: {x: 1, y: 2}}",
        "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 0}",
        "a: {<<: 1}",
        "a: {<<: [1]}",
        "a: {'<<': {x: 1}}",
        "a: {<<: {x: 1}, <<: {x: 2, y: 3}}",
        "a: {!!merge m: {x: 1}}",
        "a: &a {<<: {q: 1}, r: 2}\nb: {<<: *a}",
        "a: 1\na: 2\nb: 3\na: 4",
        "1: a\n'2': b",
        "true: a\nyes: b\nnull: c\n~: d\n1.5: e\n0x10: f\n1e3: g",
        "{[1]: 2}",
        "? {a: 1}\n: 2",
        "? a\n: 1\n? b\n",
        "a: !!str 12",
        "a: !!int '12'",
        "a: !!int x",
        "a: !!float 1",
        "a: !!float 1e3",
        "a: !!bool 'yEs'",
        "a: !!bool maybe",
        "a: !!null x",
        "a: !!map {b: 1}",
        "a: !!seq [1]",
        "a: !!seq {b: 1}",
        "a: !custom 1",
        "a: ! 12",
        "a: ! '12'",
        "a: !!python/name:os.system x",
        "a: |\n  x\n  y\n",
        "a: |-\n  x\n",
        "a: |+\n  x\n\n",
        "a: >\n  x\n  y\n\n  z\n",
        "a: |2\n   x\n",
        "a: 'it''s'",
        'a: "\\x41\\u00e9\\U0001F600\\n\\0\\e"',
        'a: "\\q"',
        "a: 'two\n  lines'",
        "a: 'open",
        "a:\tb",
        "\ta: b",
        "a: b: c",
        "a: [1, 2",
        "a: }",
        "- a\n-b",
        "- - 1\n  - 2\n- {a: [b]}",
        "a:b",
        "a",
        "[]",
        "{}",
        "{a, b: 1}",
        "[a: 1]",
        "a: # c\n  b: 1",
        "a: b # c",
        "a: b#c",
        "- \n- ~\n-",
        "=: =",
        "a: <<",
        "a: @x",
        "a: `x",
        "a: %x",
        "key with spaces: 1",
        "'quoted key': 1",
        "? |\n  long\n: 1",
        "\ufeffa: 1",
        "a: 2024-01-02",
        "a: 2024-01-02T03:04:05Z",
        "x: -.5",
        "x: +.5",
        "x: .5",
        "x: 1.",
        "x: 1.e+3",
        "x: 1e+3",
        "x: 1.0e+3",
        "x: 1.0e3",
        "x: 0o17",
        "x: 08",
        "x: 0_7",
        "x: 0_",
        "x: 0b_",
        "x: 0x_",
        "x: -0b11",
        "x: 1:30",
        "x: 1:60",
        "x: 190:20:30",
        "x: 190:20:30.15",
        "x: -1:30",
        "x: 1:30.",
        "x: +12",
        "x: -0",
        "x: 1__0",
        "x: 0x" + "f" * 31,
        "x: .inf",
        "x: -.INF",
        "x: .NaN",
        "x: 12345678901234567890123",
        "x: y",
        "x: N",
        "x: oN",
        "x: On",
        "x: FALSE",
        "x: 1.0e+999",
        "x: 685.230_15e+03",
        "x: 0.1",
        "x: 100.0",
        "x: 1_000.5",
        "? - a\n: b",
        "!!str : a",
        "a: &x\nb: *x",
    ]
    for _ in range(700):
        text = "".join(rng.choice("0123456789_.:+-eExXbona ~") for _ in range(rng.randint(1, 6)))
        yield f"x: {text}"
    alphabet = "abc: -#\n\t'\"[]{},&*!|>%@01.~"
    for _ in range(400):
        text = yaml.safe_dump(
            value(rng),
            default_flow_style=rng.choice([None, True, False]),
            default_style=rng.choice([None, None, None, '"', "'", "|", ">"]),
            allow_unicode=rng.random() < 0.5,
            width=rng.choice([20, 80]),
        )
        yield text
        yield mutate(rng, text, alphabet)


TOML_PIECES = [
    "a = 1",
    "b = 'x'",
    'c = "y\\n"',
    "d.e = 1",
    "d.f = 2",
    "d = 3",
    "[t]",
    "[t.u]",
    "[t.u.v]",
    "[[arr]]",
    "[[t.arr]]",
    "[arr.sub]",
    "k = [1, 2,\n 3, # c\n]",
    "i = {a = 1, b.c = 2}",
    "i.z = 1",
    "[i]",
    "u.v = 1",
    "u.w.x = 2",
    "# comment",
    "",
    "t.u.q = 1",
    "arr = 1",
    "'quoted key' = 1",
    '"" = 2',
    "f = 1.5e3",
    "g = 0x_f",
    "h = 0xFF",
    "m = inf",
    "n = true",
    "o = 1979-05-27",
    's = """a\n  b \\\n   c"""',
    "r = '''x\n'y'''",
    "[ t . w ]",
    "v = []",
    "w = {}",
    "x = [[1], {y = 2}]",
]


def toml_texts(rng):
    yield from [
        "",
        "\n\n",
        "a = 1",
        "a = 1\r\nb = 2\r\n",
        "a = 1\rb = 2",
        "a=1 b=2",
        "a",
        "a =",
        "= 1",
        "a = 1 # c\n#d",
        "a.b.c = 1\na.b.d = 2",
        "a = 1\na = 2",
        "a.b = 1\na = 2",
        "a = 1\na.b = 2",
        "[a]\n[a]",
        "[a.b]\n[a]\nc=1",
        "[a]\n[a.b]\n[a]",
        "[[a]]\nx=1\n[[a]]\nx=2\n[a.b]\ny=3",
        "a = []\n[[a]]",
        "[[a.b]]\n[a]\nc=1",
        "[a]\n[[a]]",
        "[[a]]\n[a]",
        "[[a]]\n[a.b]\n[[a.b]]",
        "a = {b = 1}\n[a.c]",
        "a = {b = 1}\na.c = 1",
        "[a]\nb.c = 1\n[a.b]",
        "[a]\nb.c = 1\n[a.b.d]\nx=1",
        "[a.b.c]\nz=9\n[a]\nb.c.t = 1",
        "[a.b.c]\nz=9\n[a]\nb.t = 1\n[a.b]",
        "[a.b]\n[a]\nb.x = 1",
        "a = {b = {c = 1}, b.d = 2}",
        "a = {b.c = 1, b.d = 2}",
        "a = {b = 1, b = 2}",
        "a = {b = 1,}",
        "a = {b = 1\n}",
        "a = {,}",
        "a = [1, 2,]",
        "a = [1,, 2]",
        "a = [,]",
        "a = [\n1\n,\n# c\n2 ]",
        "a = [1, 'x', [2.0, {b = 1}]]",
        "a = [1 2]",
        "a = [1",
        "a = 'x'",
        "a = 'x",
        'a = "x\ny"',
        "a = 'x\\n'",
        'a = "\\u00e9\\U0001F600\\b\\t\\n\\f\\r\\"\\\\"',
        'a = "\\ud800"',
        'a = "\\x41"',
        'a = "\\U00110000"',
        'a = "\\u12"',
        'a = """"""',
        'a = """\nx\n"""',
        'a = """x\\\n\n   y"""',
        'a = """x\\  \n y"""',
        'a = """x\\ y"""',
        'a = """a""b"""',
        'a = """a"""""',
        'a = """a""""""',
        "a = '''\na'b''c'''",
        "a = ''''x''''",
        "a = '''a'''''",
        'a = """\\""""',
        'a = """x\r\ny"""',
        'a = "a\tb"',
        'a = "a\x01b"',
        "a = 1 # c\x01",
        'a = "\x7f"',
        "a = 'é😀'",
        "é = 1",
        '"é" = 1',
        "'a.b' = 1",
        "a . b = 1",
        "1 = 2",
        "1.2 = 3",
        "-_ = 1",
        "a b = 1",
        "'' = 1",
        '"""a""" = 1',
        "a = 0",
        "a = -0",
        "a = +0",
        "a = +1",
        "a = 01",
        "a = 1_000",
        "a = 1__0",
        "a = _1",
        "a = 1_",
        "a = 0x1F",
        "a = 0xf_f",
        "a = 0x_f",
        "a = 0X1",
        "a = +0x1",
        "a = 0o17",
        "a = 0o8",
        "a = 0b101",
        "a = 0b2",
        "a = 1.0",
        "a = 1.",
        "a = .5",
        "a = -1.5e+3",
        "a = 1e3",
        "a = 1E03",
        "a = 1_0.0_1e1_0",
        "a = 1._0",
        "a = 1e",
        "a = inf",
        "a = -inf",
        "a = +inf",
        "a = nan",
        "a = -nan",
        "a = 1e400",
        "a = -1e400",
        "a = true",
        "a = True",
        "a = false",
        "a = truex",
        "a = 99999999999999999999",
        "a = 1.10",
        "a = 0e0",
        "a = -0.0",
        "a = 1979-05-27",
        "a = 1979-05-27T07:32:00",
        "a = 1979-05-27T07:32:00.999999",
        "a = 07:32:00",
        "a = 07:32:00.5",
        "a = 1979-05-27 07:32:00",
        "a = 1979-02-30",
        "a = 1980-02-29",
        "a = 1979-13-01",
        "a = 25:00:00",
        "a = 07:32",
        "a = 1979-05-27T07:32:00+01:00",
        "a = 1979-05-27T07:32:00Z",
        "a = 1979-05-27T07:32:00+24:00",
        "a = 1979-05-27T",
        "a = 1979-05-27 # c",
        "a = 0000-01-01",
        "[a]x",
        "[a",
        "[]",
        "[a.]",
        "[.a]",
        "[a]]",
        "[[a]",
        "[ a . 'b' ]\nc=1",
        "[a] # c",
        "[\na]",
        "a = 'x' 'y'",
        "a = x",
        "a.'b'.\"c\" = 1",
        "a. b .c=1",
        "a = [[[[]]]]",
        "a = [{}, {}]",
        "a={}",
        "[tool.black]\nexclude = '''\n(\n  /x | y\n)'''\n[[tool.mypy.overrides]]\nmodule = [\"a\", \"b\"]\n",
        'active = "x"\n\n[profiles.x]\nPREFECT_API_URL = "http://h:4200/api"\nPREFECT_WORKER_QUERY_SECONDS = 4.5\nPREFECT_X = true\n',
        "[build-system]\nrequires = [\"setuptools >= 61\",  # why\n  'wheel',\n]\n[project]\nname = 'n'\noptional-dependencies.dev = ['x']\n",
    ]
    alphabet = "ab=.[]{}'\"#\n ,01_-\\\r"
    for _ in range(900):
        text = "\n".join(rng.choice(TOML_PIECES) for _ in range(rng.randint(1, 6)))
        yield text
        yield mutate(rng, text, alphabet)


DOTENV_PIECES = [
    "A=1",
    "export B=two words",
    "C='single # quoted'",
    'D="double\\n${A}"',
    "E=${A}-${OUTER}",
    "F=",
    "G",
    "# comment",
    "H=x # comment",
    "I=x#no",
    "J= # only",
    "K=#x",
    "L=${NONE:-default}",
    "M=${NONE}",
    "  N = spaced  ",
    "'O P'=q",
    "Q='it\\'s'",
    'R="a\\tb\\q\\\\"',
    "S=${SHADOWED}",
    "SHADOWED=inside",
    "T='${A}'",
    'U="two\nlines"',
    "V=${G:-x}",
    "W=a=b",
    "export",
    "",
    "X=${A:B}",
    "Y=$A ${",
    "Z=${EMPTY:-filled}",
    "A=${A}${A}",
    "_=\u00a0x\u00a0",
]


def dotenv_texts(rng):
    yield from [
        "",
        "\n",
        "=x",
        "A B",
        "A='x' y",
        "A='x'#c",
        'A="x" # c',
        "A='x",
        'A="x\ny"\nB=1',
        'A="x\\"y"',
        "A=x\r\nB=y\r\n",
        "A=x\rB=y",
        "A='x\r\ny'",
        "''=x",
        "'A'=x",
        "'A",
        "export A",
        "export\tA=1",
        "exportA=1",
        "export =1",
        "export export A=1",
        "A=1\nA=2\nB=${A}",
        "A",
        "A\n=x",
        "A=\nB=1",
        "A=\t\v\fx \x1c",
        "A=x \u3000# c",
        "A\u00a0=1",
        "A= 'x'",
        "A='a\\\\'",
        "A='\\n'",
        'A="\\n\\r\\t\\a\\b\\f\\v\\x"',
        'A="\'"',
        "A='\"'",
        "A=\\n",
        "A=${}",
        "A=${:-x}",
        "A=${B:-}",
        "A=${B:-${C}}",
        "A=${OUTER}${EMPTY}|",
        "\ufeffA=1",
        "A==",
        "A=x #",
        "A=x  # y # z",
        "A #c",
        "A =1",
        "#A=1\n #B=2",
        "A.b-c=1",
        "é=ü",
        "1=2",
        'A="unterminated\nB=2\n',
        "A='a'b'",
        "A=a'b",
        'A=""',
        "A=''",
        "A=$",
        "A=${",
        "A=$${A}",
    ]
    alphabet = "AB=#'\"\\ \n${}:-\r\t"
    for _ in range(600):
        text = "\n".join(rng.choice(DOTENV_PIECES) for _ in range(rng.randint(1, 5)))
        yield text
        yield mutate(rng, text, alphabet)


def main():
    for name, read, texts in [
        ("json", read_json, json_texts),
        ("yaml", read_yaml, yaml_texts),
        ("toml", read_toml, toml_texts),
        ("dotenv", read_dotenv, dotenv_texts),
    ]:
        seen = set()
        cases = []
        for text in texts(random.Random(name)):
            if text not in seen:
                seen.add(text)
                cases.append(case(read, text))
        cases = [each for each in cases if each]
        lines = ",\n".join(json.dumps(each) for each in cases)
        (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        refused = sum("refused" in each for each in cases)
        print(f"{name}: {len(cases)} cases, {refused} of them refused")


if __name__ == "__main__":
    main()
