# SPDX-License-Identifier: Apache-2.0
"""Which rules of the configuration a case puts to the test, so that a run can say how often each one
was hit. A rule looks at the case and at what the Python worker made of it."""

import re

PLACEHOLDER = re.compile(r"{{\s*([\w\.\-\[\]$]+)\s*}}")
SIGTERM = "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"


class View:
    """A case and its result, with the parts that rules ask for."""

    def __init__(self, case, result):
        self.case = case
        self.result = result
        pool = case["work_pool"]["base_job_template"]
        self.configuration = pool.get("job_configuration") or {}
        variables = pool.get("variables") or {}
        self.properties = variables.get("properties") or {}
        self.run = case["flow_run"].get("job_variables") or {}
        self.deployment = (case.get("deployment") or {}).get("job_variables") or {}
        self.job_variables = {**self.deployment, **self.run}
        self.defaults = {
            name: schema["default"]
            for name, schema in self.properties.items()
            if isinstance(schema, dict) and schema.get("default") is not None
        }
        self.values = {**self.defaults, **self.job_variables}
        self.strings = list(strings(self.configuration))
        self.placeholders = [
            (text, match) for text in self.strings for match in PLACEHOLDER.finditer(text)
        ]
        self.error = result.get("exception")
        self.message = result.get("error", "")
        self.manifest = result.get("manifest") or {}

    def source(self, *path):
        """Of the template's manifest."""
        return at(self.configuration.get("job_manifest"), *path)

    def got(self, *path):
        return at(self.manifest, *path)

    def container(self, key):
        return self.got("spec", "template", "spec", "containers", 0, key)

    def template_container(self, key):
        return self.source("spec", "template", "spec", "containers", 0, key)

    def standard(self):
        """(whole, name, first key) of the placeholders of values."""
        for text, match in self.placeholders:
            name = match[1]
            if not name.startswith(("prefect.blocks.", "prefect.variables.", "$")):
                yield match[0] == text, name, re.split(r"[.\[]", name)[0]

    def special(self, prefix):
        for text, match in self.placeholders:
            if match[1].startswith(prefix):
                yield match[0] == text, match[1]
        for value in self.job_variables.values():
            for text in strings(value):
                for match in PLACEHOLDER.finditer(text):
                    if match[1].startswith(prefix):
                        yield match[0] == text, match[1]

    def environment(self):
        """name -> value of the container, where it is plain."""
        entries = self.container("env") or []
        return {entry.get("name"): entry.get("value") for entry in entries if "value" in entry}

    def raw_labels(self):
        labels = self.values.get("labels")
        return labels if isinstance(labels, dict) else {}


def at(value, *path):
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from strings(child)


def label_texts(view):
    return [t for pair in view.raw_labels().items() for t in pair if isinstance(t, str)]


RULES = {}


def rule(name):
    def register(function):
        RULES[name] = function
        return function

    return register


def simple(name, function):
    RULES[name] = function


# -- 4.1 to 4.3: where values come from

simple(
    "merge: env of both, key by key",
    lambda v: isinstance(v.deployment.get("env"), dict) and isinstance(v.run.get("env"), dict),
)
simple(
    "merge: run's env replaces a deployment's that is no object",
    lambda v: (
        "env" in v.run and "env" in v.deployment and not isinstance(v.deployment["env"], dict)
    ),
)
simple(
    "merge: run's env is no object",
    lambda v: (
        isinstance(v.deployment.get("env"), dict)
        and "env" in v.run
        and not isinstance(v.run["env"], dict)
    ),
)
simple(
    "merge: run replaces a variable", lambda v: any(k in v.deployment for k in v.run if k != "env")
)
simple("dotted: key", lambda v: any("." in k for k in v.job_variables))
simple(
    "dotted: beside a plain key",
    lambda v: any("." in k and k.split(".")[0] in v.job_variables for k in v.job_variables),
)
simple(
    "dotted: through a value that is no object",
    lambda v: v.error == "TypeError" and "Key path exists" in v.message,
)
simple(
    "default: used",
    lambda v: any(k in v.defaults and k not in v.job_variables for _, _, k in v.standard()),
)
simple(
    "default: replaced by null",
    lambda v: any(v.job_variables.get(k, 0) is None for k in v.defaults),
)
simple(
    "env: default joined with job_configuration's",
    lambda v: (
        isinstance(v.configuration.get("env"), dict) and isinstance(v.defaults.get("env"), dict)
    ),
)
simple(
    "env: default is a list",
    lambda v: isinstance(v.defaults.get("env"), list) and bool(v.defaults["env"]),
)
simple(
    "env: default with a deployment's or run's",
    lambda v: bool(v.defaults.get("env")) and "env" in v.job_variables,
)
simple(
    "env: object and list can't be joined",
    lambda v: v.error == "TypeError" and "unsupported operand type(s) for |" in v.message,
)

# -- 4.4 and 4.5: placeholders

simple(
    "placeholder: whole, typed",
    lambda v: any(whole and k in v.values for whole, _, k in v.standard()),
)
simple(
    "placeholder: whole, null",
    lambda v: any(whole and n == k and v.values.get(k, 0) is None for whole, n, k in v.standard()),
)
simple(
    "placeholder: whole, missing",
    lambda v: any(whole and k not in v.values for whole, _, k in v.standard()),
)
simple(
    "placeholder: embedded",
    lambda v: any(not whole and k in v.values for whole, _, k in v.standard()),
)
simple(
    "placeholder: embedded, missing",
    lambda v: any(not whole and k not in v.values for whole, _, k in v.standard()),
)
simple(
    "placeholder: embedded, not text",
    lambda v: any(
        not whole and n == k and k in v.values and not isinstance(v.values[k], str)
        for whole, n, k in v.standard()
    ),
)
simple(
    "placeholder: embedded collection",
    lambda v: any(
        not whole and n == k and isinstance(v.values.get(k), (dict, list))
        for whole, n, k in v.standard()
    ),
)
simple(
    "placeholder: blanks",
    lambda v: any("\n" in m[0] or "\t" in m[0] or "  " in m[0] for _, m in v.placeholders),
)
simple(
    "placeholder: braces that are none",
    lambda v: any("{" in PLACEHOLDER.sub("", t) for t in v.strings),
)
simple("placeholder: path", lambda v: any(n != k and k in v.values for _, n, k in v.standard()))
simple(
    "placeholder: index",
    lambda v: any(re.search(r"\[\d|\.-?\d", n) and k in v.values for _, n, k in v.standard()),
)
simple(
    "placeholder: worker's environment", lambda v: any("PARITY_SET" in n for _, n in v.special("$"))
)
simple(
    "placeholder: worker's environment, unset",
    lambda v: any("PARITY_SET" not in n for _, n in v.special("$")),
)

# -- 4.6 and 4.7: references

simple("block: whole", lambda v: not v.error and any(w for w, _ in v.special("prefect.blocks.")))
simple(
    "block: embedded", lambda v: not v.error and any(not w for w, _ in v.special("prefect.blocks."))
)
simple("block: embedded collection", lambda v: "inline string substitution" in v.message)
simple(
    "block: path",
    lambda v: any(n.count(".") > 3 or "[" in n for _, n in v.special("prefect.blocks.")),
)
simple("block: nothing at the path", lambda v: "Could not resolve the keypath" in v.message)
simple("block: missing", lambda v: "Block not found: '" in v.message)
simple("block: by id", lambda v: isinstance(at(v.configuration, "cluster_config", "$ref"), dict))
simple("block: by id, missing", lambda v: "Block not found: ID" in v.message)
simple(
    "variable: whole",
    lambda v: any(w and not n.endswith("absent") for w, n in v.special("prefect.variables.")),
)
simple("variable: embedded", lambda v: any(not w for w, _ in v.special("prefect.variables.")))
simple(
    "variable: missing",
    lambda v: any(n.endswith("absent") for _, n in v.special("prefect.variables.")),
)

# -- 4.8: validation

simple(
    "check: a field of another type",
    lambda v: v.error == "ValidationError" and "Job " not in v.message,
)
simple(
    "check: env is neither object nor list",
    lambda v: v.error == "AttributeError" and "'items'" in v.message,
)
simple(
    "check: env value made text",
    lambda v: (
        isinstance(v.values.get("env"), dict)
        and any(not isinstance(x, (str, type(None))) for x in v.values["env"].values())
    ),
)
simple(
    "check: metadata completed",
    lambda v: (
        not v.error
        and not {"labels", "annotations", "namespace"} <= set(v.source("metadata") or {})
    ),
)
simple("check: required attribute missing", lambda v: "missing required attributes" in v.message)
simple("check: incompatible value", lambda v: "incompatible values" in v.message)
simple(
    "check: missing, but another member equals it",
    lambda v: (
        not v.error
        and any(
            v.source("spec", "template", "spec", k) is None for k in ("parallelism", "completions")
        )
    ),
)
simple(
    "check: timeouts and stream_output as text or number",
    lambda v: any(
        isinstance(v.configuration.get(k), (str, int, float))
        and not PLACEHOLDER.search(str(v.configuration[k]))
        for k in ("job_watch_timeout_seconds", "pod_watch_timeout_seconds", "stream_output")
    ),
)
simple("check: cluster_config", lambda v: not v.error and bool(v.result.get("cluster_config")))
simple(
    "check: cluster_config as YAML text",
    lambda v: isinstance(at(v.configuration, "cluster_config", "config"), str),
)

# -- 4.9: preparation

simple("env: list", lambda v: not v.error and isinstance(v.values.get("env"), list))
simple(
    "env: valueFrom set aside",
    lambda v: not v.error and any("valueFrom" in e for e in v.container("env") or []),
)
simple(
    "env: null takes away",
    lambda v: isinstance(v.values.get("env"), dict) and None in v.values["env"].values(),
)
simple(
    "env: over a propagated setting",
    lambda v: (
        not v.error
        and isinstance(v.values.get("env"), dict)
        and "PREFECT_API_URL" in v.values["env"]
    ),
)
simple("env: worker's id", lambda v: not v.error and bool(v.case.get("worker_id")))
simple("env: no deployment", lambda v: not v.error and not v.case.get("deployment"))
simple("env: no flow", lambda v: not v.error and not v.case.get("flow"))
simple(
    "env: by hand in the container",
    lambda v: not v.error and isinstance(v.template_container("env"), list),
)
simple("env: SIGTERM, reschedule", lambda v: v.environment().get(SIGTERM) == "reschedule")
simple(
    "env: SIGTERM, the user's own with backoffLimit 0",
    lambda v: (
        v.got("spec", "backoffLimit") == 0
        and v.environment().get(SIGTERM, "reschedule") != "reschedule"
    ),
)
simple("env: SIGTERM, relinquish", lambda v: v.environment().get(SIGTERM) == "relinquish")
simple(
    "env: SIGTERM, relinquish over the user's",
    lambda v: (
        v.environment().get(SIGTERM) == "relinquish"
        and isinstance(v.values.get("env"), dict)
        and SIGTERM in v.values["env"]
    ),
)
simple(
    "labels: configured over ours",
    lambda v: (
        not v.error
        and any(k.startswith(("prefect.io/", "app.kubernetes.io/")) for k in v.raw_labels())
    ),
)
simple(
    "labels: of the manifest",
    lambda v: (
        not v.error
        and isinstance(v.source("metadata", "labels"), dict)
        and bool(v.source("metadata", "labels"))
    ),
)
simple("labels: no text", lambda v: v.error == "TypeError" and "text must be str" in v.message)
simple(
    "labels: of the pod template",
    lambda v: not v.error and bool(v.source("spec", "template", "metadata", "labels")),
)
simple(
    "labels: deployment without a time",
    lambda v: (
        not v.error and bool(v.case.get("deployment")) and not v.case["deployment"]["updated"]
    ),
)
simple(
    "annotations: keys made legal",
    lambda v: (
        not v.error and any(re.search(r"[^\w./-]", k) for k in (v.values.get("annotations") or {}))
    ),
)
simple(
    "annotations: on the pod", lambda v: bool(v.got("spec", "template", "metadata", "annotations"))
)
simple("name: from the context", lambda v: not v.error and "ctx." in str(v.values.get("name")))
simple(
    "name: context without a value",
    lambda v: not v.error and "ctx.missing" in str(v.values.get("name")),
)
simple("image: default", lambda v: str(v.container("image")).startswith("prefecthq/prefect:"))
simple(
    "image: null",
    lambda v: (
        not v.error
        and bool(v.manifest)
        and "image" in (v.got("spec", "template", "spec", "containers", 0) or {})
        and v.container("image") is None
    ),
)
simple("args: default", lambda v: v.container("args") == ["prefect", "flow-run", "execute"])
simple(
    "args: split",
    lambda v: (
        not v.error
        and isinstance(v.values.get("command"), str)
        and isinstance(v.container("args"), list)
    ),
)
simple("args: list", lambda v: not v.error and isinstance(v.template_container("args"), list))
simple("args: not closed", lambda v: v.message.startswith("No "))
simple("args: another type", lambda v: "must be a string or list" in v.message)
simple(
    "generateName: from the name",
    lambda v: (
        not v.error
        and v.got("metadata", "generateName") not in (None, v.source("metadata", "generateName"))
    ),
)
simple("generateName: prefect-job-", lambda v: v.got("metadata", "generateName") == "prefect-job-")
simple(
    "generateName: kept, illegal",
    lambda v: bool(re.search(r"[A-Z_ ]", str(v.got("metadata", "generateName") or ""))),
)
simple(
    "generateName: longer than a name may be",
    lambda v: len(str(v.got("metadata", "generateName") or "")) > 51,
)
simple("metadata.name: the template's own", lambda v: bool(v.got("metadata", "name")))

# -- 4.10: slugs, wherever a label went in

simple("slug: apostrophes", lambda v: not v.error and any("'" in t for t in label_texts(v)))
simple(
    "slug: entities",
    lambda v: not v.error and any(re.search(r"&#?\w+;", t) for t in label_texts(v)),
)
simple(
    "slug: commas in numbers",
    lambda v: not v.error and any(re.search(r"\d,\d", t) for t in label_texts(v)),
)
simple("slug: beyond ASCII", lambda v: not v.error and any(not t.isascii() for t in label_texts(v)))
simple("slug: cut", lambda v: not v.error and any(len(t) > 63 for t in label_texts(v)))
simple(
    "slug: nothing left",
    lambda v: not v.error and any(t and not re.search(r"\w", t) for t in label_texts(v)),
)
simple("slug: prefix", lambda v: not v.error and any("/" in k[1:] for k in v.raw_labels()))

# -- 5.4: Secrets

simple(
    "secret: the worker makes one for the API key",
    lambda v: any("data" in s for s in v.result.get("secrets", [])),
)
simple("secret: environment", lambda v: any("stringData" in s for s in v.result.get("secrets", [])))
simple(
    "secret: existing ones for key and auth string",
    lambda v: any(
        at(e, "valueFrom", "secretKeyRef", "name") in ("keys", "auth")
        for e in v.container("env") or []
    ),
)


def hits(case, result):
    try:
        view = View(case, result)
    except AttributeError:
        return []  # not even the template's parts are what they should be
    found = []
    for name, function in RULES.items():
        try:
            if function(view):
                found.append(name)
        except (TypeError, AttributeError, KeyError):
            pass  # the case is too odd for this rule's question
    return found
