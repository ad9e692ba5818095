# SPDX-License-Identifier: Apache-2.0
"""Writes cases of settings and what the Python client passes down to its runs for each.

    generate.py [--out FILE] [--seed N] [--count N] [--random-only]

Run it with a Python that has prefect 3.8.8. A case is an environment, files in the working folder,
perhaps a --profile; "want" is the list of names and values in order, "refused" says that the client
does not start. "@" stands for the working folder. Without --out the file beside this script is
written: the cases that are listed here, and `--count` random ones. The seed is fixed, so the same
version writes the same file.

Left out, because ours differs by decision: lone surrogates, NaN in JSON, homes of other users, JSON
in the variable of a whole group of settings (PREFECT_WORKER='{...}'), the client's test mode, and
~ or $PREFECT_HOME in the path of the profiles file.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import tomllib
import typing
import warnings

warnings.simplefilter("ignore")
os.environ.clear()
os.environ["HOME"] = "/house/u"

import prefect.settings.sources as sources  # noqa: E402
from prefect.settings.base import PrefectBaseSettings  # noqa: E402
from prefect.settings.models.root import Settings  # noqa: E402
from pydantic import AliasChoices  # noqa: E402

HERE = pathlib.Path(__file__).parent
BUILT_IN = {"ephemeral", "local", "test", "cloud"}


# -- the reference


def check_profile(case):
    """What the client's start-up does beside reading the settings."""
    path = sources._get_profiles_path()
    names = set(BUILT_IN)
    if path.exists():
        names |= set(tomllib.loads(path.read_text()).get("profiles", {}))
    if case.get("profile") and case["profile"] not in names:
        raise LookupError("unknown profile")


def run(case):
    """Adds "want" or "refused" to the case."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in case.get("files", {}).items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@", folder))
        os.chdir(folder)
        environment = {"HOME": "/house/u"} | case["environment"]
        os.environ.clear()
        os.environ.update({k: v.replace("@", folder) for k, v in environment.items()})
        sources.DEFAULT_PREFECT_HOME = pathlib.Path.home() / ".prefect"
        sys.argv = ["/bin/prefect"]
        if case.get("profile"):
            sys.argv += ["--profile", case["profile"]]
        try:
            check_profile(case)
            pairs = Settings().to_environment_variables(exclude_unset=True).items()
            case["want"] = [[name, value.replace(folder, "@")] for name, value in pairs]
        except Exception as e:
            case["refused"] = type(e).__name__
        os.chdir("/")
    return case


# -- listed cases


def in_environment(**values):
    return {"environment": values}


TEXTS = {
    "PREFECT_DEBUG_MODE": "true TRUE t yes on 1 y On 0 f off n no False".split()
    + [" true", "true ", "", "2", "enable", "1.0"],
    "PREFECT_WORKER_WEBSERVER_PORT": "5 1_000 +5 -5 2.0 2.00 2.5 1e3 0x10 007 1_000.0 abc 1__0 _1 5."
    " 5.0_0 -0 --5 +-5 0_0 true 1_0.0 00 -1_0 .0 9223372036854775807 99999999999999999999".split()
    + [" 5 ", "", "\t5\n", "+ 5", "1_.0", "0_1", "-007"],
    "PREFECT_WORKER_QUERY_SECONDS": "2 2.5 1e3 1_000 1e400 inf nan Infinity -inf 1e16 1e15 1e22"
    " 123456789012345678 1e-5 0.0001 .5 5. abc 1_000.5_0 +5 -0 0x10 1.0e-7 5e-324 0.1 1__0 _1 1_ 1e5_0"
    " 1E3 9007199254740993 3.0000000000000001 1_e5 1_.5 1._5 --1".split()
    + [" 2 ", ""],
    "PREFECT_RUNNER_SERVER_HOST": ["", "a b", " x ", "é", "a\nb", "null"],
    "PREFECT_LOGGING_CONFIG_PATH": "~/x a//b a/./b ./a a/b/ / //a ///a .. a/../b . /a/. ~".split()
    + [""],
    "PREFECT_HOME": ["~", "~/x/", "a//b", "", "~/./x"],
    "PREFECT_LOGGING_LEVEL": ["debug", "Info", " info", "10", "", "warn", "TRACE", "CRITICAL"],
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": ["warn", "WARN", "", " warn", "ignore"],
    "PREFECT_SERVER_DATABASE_DRIVER": ["sqlite+aiosqlite", "x", "", "postgresql+asyncpg"],
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "429 429,502 99 600 abc [429,502] 429, 1_00 [] null true 100.0"
    ' "429" 429.0 {} [429,"502"] [429.0] 1e2 [1e2] 429,429 599,100,0500 [true] 0 false'.split()
    + ["", " ", " 503 , 429 "],
    "PREFECT_CLIENT_CUSTOM_HEADERS": [
        "{}",
        '{"a":"b"}',
        '{"b":"1","a":"é"}',
        '{"a":1}',
        "",
        "[]",
        "null",
        '"x"',
        '{"a":"b","a":"c"}',
        '{"a":null}',
        ' {"a" : "b"} ',
        '{"a":"\\u00e9\\n\\"/"}',
        '"{\\"a\\":\\"b\\"}"',
        '{"a":"\\ud83d\\ude00"}',
    ],
    "PREFECT_PLUGINS_ALLOW": [
        "a,b",
        "b,a,a",
        " a , b ",
        "",
        "5",
        "true",
        "null",
        '["a","b"]',
        '"x"',
    ]
    + ["a,,b", ",", "é,z,A,a", "[1]", "{}", " ", "0", "false", '{"a":1}'],
    "PREFECT_LOGGING_EXTRA_LOGGERS": [
        "a,b",
        "",
        "5",
        "null",
        '["b","a"]',
        '"x,y"',
        "a,a",
        "5,6",
        "[]",
    ],
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "true TRUE 1 0 false events flow_runs,events bogus 2"
    ' ["events"] null True, 1.0 yes 0.0 [1] "true" on {"a":1} 1.5'.split()
    + ["", " true ", " , "],
    "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": [
        "{}",
        '{"a":3600}',
        '{"a":0}',
        "x",
    ]
    + ['{"b":"P1D","a":5.5}', '{"a":"3600"}', '{"a":"1:00:00"}', '{"é":1}', '{"a":null}', ""],
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": ["3600", "3601", "P1D", "PT1H", "1e4"],
    "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "5 5.0 [1,2] abc 1_000 1,2 null true Infinity 1e3"
    ' [] "5" "5.5" "5.0" 5.5 [true] 1e400 9999999999999999999999 1_000.5 [10,9] [1,1] -0'.split()
    + [" 5 ", "", '[1.5,"2"]'],
    "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS": '5 5.5 1,2 abc 1,,2 , [1,2] null true "5" inf 1e3 []'
    ' ["a"] 1_0 1,a [1,"2"] 10,9 2,2'.split()
    + ["", " ", "10, 20.5"],
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": ["30", "29", "", "null", "45.0"],
    "PREFECT_TESTING_TEST_SETTING": ["x", "5", "", "null", '{"a":1}'],
    "PREFECT_SERVER_API_CSRF_TOKEN_EXPIRATION": "3600 1 0 90061 1.5 P1D PT1H P1DT2H3M4.5S 01:00:00 -5"
    " -P1D P1W 3d PT1.5H P1Y P1M abc 00:00:01.5 60s 1:00 +P1D P1.5D 1_000 nan PT36H PT90M P400D PT0S"
    " 1:00:00 25:00:00 01:00 01:60 01:00:60 1d P PT P1 P1DT PT1S1M P1D1D 1day 1days 1dayz -01:00:00"
    " P1.5DT1H PT1,5S 00:00:00.0000005 00:00:00.1234569 00:00:00.1 100:00:00 PT0.0000005S PT0.1234567S 01:00:00Z PT0.0000001S 1da".split()
    + [
        "1 day",
        "1 days 01:02:03",
        "3 01:02:03",
        "",
        " 60 ",
        "3d, 01:02:03",
        "3d 1:02",
        "1 d 01:02:03",
    ],
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "3600 1.5 P1D 1e3 1_000 -5 0 -0 inf 1e-7".split()
    + [" 60 ", "abc", ""],
    "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": ["29", "30", "3600", "3600.1"],
    "PREFECT_API_KEY": ["x", "", " a "],
    "PREFECT_CLI_PROMPT": ["true", "null", ""],
    "PREFECT_SERVER_DATABASE_PORT": ["5432", "", "null", "70000", "-1"],
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": ["x", "", "a${PREFECT_API_DATABASE_PASSWORD}"],
    "PREFECT_UI_URL": ["x", ""],
    "PREFECT_API_URL": [
        "http://x/api",
        "",
        "https://api.prefect.cloud/api/accounts/a/workspaces/b",
    ],
    "PREFECT_TASKS_RUNNER_THREAD_POOL_MAX_WORKERS": ["1", "0", "-1", ""],
    "PREFECT_PROFILES_PATH": ["@/none.toml", "@//x/./none.toml"],
}

CLOUD = "https://api.prefect.cloud/api/accounts/a/workspaces/b"
PROFILES = """
active = "one"
[profiles.one]
PREFECT_API_URL = "http://one/api"
PREFECT_CLIENT_ENABLE_METRICS = "yes"
[profiles.two]
PREFECT_API_URL = "http://two/api"
PREFECT_WORKER_QUERY_SECONDS = 4
prefect_worker_heartbeat_seconds = "9"
[profiles.empty]
"""
TOML = """
home = "/h"
debug_mode = true
[api]
url = "http://toml/api"
[client]
max_retries = 7
custom_headers = {a = "b"}
retry_extra_codes = [503, 429]
[client.metrics]
enabled = true
[worker]
query_seconds = 4
[server]
api = {host = "h", port = 1.0}
[server.services.db_vacuum]
enabled = ["events"]
event_retention_overrides = {x = 60}
[experiments.plugins]
strict = true
[unknown]
x = 1
"""

LISTED = [
    in_environment(),
    in_environment(prefect_api_url="http://low", Prefect_Api_Key="k"),
    in_environment(PREFECT_UNKNOWN="x", PREFECT__FLOW_RUN_ID="y", PREFECT_PROFILE="local"),
    in_environment(PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ENABLED="false"),
    in_environment(PREFECT_API_URL=CLOUD, PREFECT_LOGGING_TO_API_MAX_LOG_SIZE="100"),
    in_environment(PREFECT_API_URL=CLOUD, PREFECT_LOGGING_TO_API_MAX_LOG_SIZE="50000"),
    in_environment(PREFECT_API_URL=CLOUD, PREFECT_CLOUD_MAX_LOG_SIZE="7"),
    in_environment(PREFECT_API_URL="http://x/api", PREFECT_CLOUD_API_URL="http://x"),
    in_environment(PREFECT_API_URL=CLOUD, PREFECT_CLOUD_API_URL=""),
    in_environment(PREFECT_DEBUG_MODE="1", PREFECT_LOGGING_LEVEL="ERROR"),
    in_environment(PREFECT_DEBUG_MODE="1", PREFECT_LOGGING_INTERNAL_LEVEL="ERROR"),
    in_environment(PREFECT_DEBUG_MODE="0", PREFECT_LOGGING_LEVEL="error"),
    in_environment(PREFECT_LOGGING_TO_API_BATCH_SIZE="10"),
    in_environment(
        PREFECT_LOGGING_TO_API_BATCH_SIZE="10", PREFECT_LOGGING_TO_API_MAX_LOG_SIZE="10"
    ),
    in_environment(PREFECT_CLIENT_ENABLE_METRICS="1", PREFECT_CLIENT_METRICS_ENABLED="0"),
    in_environment(PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="false"),
    in_environment(
        PREFECT_SERVER_DATABASE_CONNECTION_URL="a${PREFECT_SERVER_DATABASE_PASSWORD}",
        PREFECT_API_DATABASE_PASSWORD="p",
    ),
    in_environment(
        PREFECT_SERVER_DATABASE_DRIVER="postgresql+asyncpg",
        PREFECT_SERVER_DATABASE_HOST="h",
        PREFECT_SERVER_DATABASE_USER="u",
        PREFECT_SERVER_DATABASE_NAME="n",
    ),
    {"environment": {}, "files": {"prefect.toml": TOML}},
    {"environment": {"PREFECT_API_URL": "http://env"}, "files": {"prefect.toml": TOML}},
    {"environment": {}, "files": {"prefect.toml": "[worker]\nquery_seconds = 'x'\n"}},
    {"environment": {}, "files": {"prefect.toml": "[worker\n"}},
    {"environment": {}, "files": {"prefect.toml": "[api]\nurl = 5\n"}},
    {"environment": {}, "files": {"prefect.toml": "[worker]\nwebserver = {port = true}\n"}},
    {"environment": {}, "files": {"prefect.toml": "[worker]\nquery_seconds = inf\n"}},
    {"environment": {}, "files": {"prefect.toml": '[client]\ncustom_headers = \'{"a": "b"}\'\n'}},
    {"environment": {}, "files": {"prefect.toml": "[client]\nretry_extra_codes = '[429]'\n"}},
    {"environment": {}, "files": {"prefect.toml": "[client]\ncustom_headers = 'null'\n"}},
    {
        "environment": {"PREFECT_CLIENT_CUSTOM_HEADERS": '{"b":"env","c":"env"}'},
        "files": {
            ".env": 'PREFECT_CLIENT_CUSTOM_HEADERS=\'{"a":"dot","c":"dot"}\'\n',
            "prefect.toml": "[client]\ncustom_headers = {d = 'toml', a = 'toml'}\n",
        },
    },
    {
        "environment": {},
        "files": {
            "pyproject.toml": "[tool.prefect.api]\nurl = 'http://pyproject'\n[tool.prefect]\nhome='/p'\n"
            "[tool.prefect.plugins]\nenabled = true\n[project]\nname='x'\n",
            "prefect.toml": "[api]\nurl = 'http://toml'\n",
            ".env": "PREFECT_API_KEY=dot\nprefect_worker_query_seconds = 5\nexport PREFECT_UI_URL='u'\n",
        },
    },
    {
        "environment": {"X": "outer", "PREFECT_API_KEY": "env"},
        "files": {".env": "PREFECT_API_URL=http://${X}/api\nPREFECT_API_KEY=dot\nPREFECT_HOME\n"},
    },
    {"environment": {"PREFECT_PROFILES_PATH": "@/p.toml"}, "files": {"p.toml": PROFILES}},
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml", "PREFECT_PROFILE": "two"},
        "files": {"p.toml": PROFILES},
    },
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml", "PREFECT_PROFILE": "two"},
        "files": {"p.toml": PROFILES},
        "profile": "empty",
    },
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml", "PREFECT_PROFILE": "none"},
        "files": {"p.toml": PROFILES},
    },
    {"environment": {"PREFECT_PROFILE": "none"}},
    {"environment": {}, "profile": "none"},
    {"environment": {}, "profile": "local"},
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml"},
        "files": {"p.toml": PROFILES},
        "profile": "none",
    },
    {"environment": {"PREFECT_HOME": "@/h"}, "files": {"h/profiles.toml": PROFILES}},
    {"environment": {"HOME": "@"}, "files": {".prefect/profiles.toml": PROFILES}},
    {"environment": {}, "files": {".env": "PREFECT_PROFILES_PATH=@/p.toml\n", "p.toml": PROFILES}},
    {
        "environment": {},
        "files": {"prefect.toml": "profiles_path='@/p.toml'\n", "p.toml": PROFILES},
    },
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml"},
        "files": {"p.toml": PROFILES.replace("one", "gone", 1)},
    },
    {
        "environment": {"PREFECT_PROFILES_PATH": "@/p.toml"},
        "files": {"p.toml": PROFILES.split("\n", 2)[2]},
    },
    {"environment": {"PREFECT_PROFILES_PATH": "@/p.toml"}, "files": {"p.toml": "[profiles\n"}},
]


def listed():
    yield from LISTED
    for name, texts in TEXTS.items():
        for text in texts:
            yield {"environment": {name: text}}


# -- random cases


def walk(model, path=()):
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, PrefectBaseSettings):
            yield from walk(field.annotation, (*path, name))
        else:
            names = ["_".join(("PREFECT", *path, name)).upper()]
            if isinstance(field.validation_alias, AliasChoices):
                names += [c.upper() for c in field.validation_alias.choices[2:]]
            yield (*path, name), names, field


def pool(path, field):
    """Texts that may be given for a setting; most of them are right."""
    canonical = "_".join(("PREFECT", *path)).upper()
    annotation = str(field.annotation)
    if canonical in TEXTS:
        return TEXTS[canonical]
    if "Literal" in annotation and "DEBUG" not in annotation:
        return [
            x for a in typing.get_args(field.annotation) for x in (typing.get_args(a) or [a]) if x
        ]
    for part, like in (
        ("DEBUG", "PREFECT_LOGGING_LEVEL"),
        ("bool", "PREFECT_DEBUG_MODE"),
        ("timedelta", "PREFECT_SERVER_API_CSRF_TOKEN_EXPIRATION"),
        ("float", "PREFECT_WORKER_QUERY_SECONDS"),
        ("int", "PREFECT_WORKER_WEBSERVER_PORT"),
        ("Path", "PREFECT_LOGGING_CONFIG_PATH"),
    ):
        if part in annotation:
            return TEXTS[like]
    return TEXTS["PREFECT_RUNNER_SERVER_HOST"] + [
        "plain",
        "http://host:4200/api",
        "a=b",
        "#x",
        "$y",
    ]


SAFE = "5 2.0 1_000 3600 30 60".split()


def draw(rng, path, field):
    """A text; by far most of the time one that is accepted, or nothing but refusals would come."""
    texts = pool(path, field)
    if rng.random() < 0.08:
        return rng.choice(texts)
    good = [t for t in texts if accepted(path, t)]
    return rng.choice(good or SAFE)


KNOWN = {}


def accepted(path, text):
    key = (path, text)
    if key not in KNOWN:
        name = "_".join(("PREFECT", *path)).upper()
        KNOWN[key] = "want" in run({"environment": {name: text}})
    return KNOWN[key]


def toml_value(rng, text):
    """The text, or the number or boolean that it may be read as."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, (bool, int, float)) and abs(value) < 1e18 and rng.random() < 0.5:
        return json.dumps(value)
    return json.dumps(text)


def toml(tables):
    lines = []
    for table, members in sorted(tables.items()):
        lines += [f"[{table}]"] if table else []
        lines += [f"{key} = {value}" for key, value in members.items()]
    return "\n".join(lines) + "\n"


def put_in_table(rng, tables, prefix, path, text):
    table = ".".join((*prefix, *path[:-1]))
    tables.setdefault(table, {})[path[-1]] = toml_value(rng, text)


def random_case(rng, settings):
    case = {"environment": {"PREFECT_PROFILES_PATH": "@/p.toml"}, "files": {}}
    prefect, pyproject, profile, dotenv = {}, {}, {}, {}
    for path, names, field in rng.sample(settings, rng.randint(1, 8)):
        if path in (("home",), ("profiles_path",)) or path[-1].endswith("test_mode"):
            continue
        for _ in range(rng.choice((1, 1, 2))):
            text, name = draw(rng, path, field), rng.choice(names)
            where = rng.random()
            if where < 0.5:
                case["environment"][rng.choice((name, name.lower(), name.title()))] = text
            elif where < 0.65 and "\n" not in text:
                dotenv[name] = "'" + text.replace("'", "") + "'"
            elif where < 0.75:
                put_in_table(rng, prefect, (), path, text)
            elif where < 0.85:
                put_in_table(rng, pyproject, ("tool", "prefect"), path, text)
            else:
                profile[name] = toml_value(rng, text)
    if rng.random() < 0.2:
        case["environment"]["PREFECT_API_URL"] = rng.choice((CLOUD, "http://x/api"))
    if profile or rng.random() < 0.3:
        case["files"]["p.toml"] = "active = 'a'\n" + toml({"profiles.a": profile})
    if dotenv:
        case["files"][".env"] = "".join(f"{k}={v}\n" for k, v in dotenv.items())
    if prefect:
        case["files"]["prefect.toml"] = toml(prefect)
    if pyproject:
        case["files"]["pyproject.toml"] = toml(pyproject)
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=str(HERE / "settings.json"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--random-only", action="store_true")
    options = parser.parse_args()
    out = pathlib.Path(options.out).absolute()
    rng = random.Random(options.seed)
    settings = list(walk(Settings))
    cases = [] if options.random_only else [run(case) for case in listed()]
    cases += [run(random_case(rng, settings)) for _ in range(options.count)]
    out.write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")
    refused = sum("refused" in c for c in cases)
    print(f"{out.name}: {len(cases)} cases, {refused} of them refused by the reference")


if __name__ == "__main__":
    main()
