# SPDX-License-Identifier: Apache-2.0
"""Random work pools, deployments and flow runs: what driver.c and reference.py call a case."""

import copy
import json
import random
import uuid

from words import BAD_COMMANDS, COMMANDS, Random

IDS = {
    "pool": "44444444-4444-4444-4444-444444444444",
    "run": "11111111-1111-1111-1111-111111111111",
    "flow": "22222222-2222-2222-2222-222222222222",
    "deployment": "33333333-3333-3333-3333-333333333333",
    "block": "55555555-5555-5555-5555-555555555555",
    "worker": "66666666-6666-6666-6666-666666666666",
}
EXTRA = ["x", "my-var_1", "gpu", "tolerations", "volumes", "a", "b", "node", "prefix", "queue"]
PLAIN = ["image", "service_account_name", "cpu_request", "cpu_limit", "memory_request"]
PLAIN += ["memory_limit", "image_pull_policy", "namespace"]
KUBECONFIG = {"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": []}


class Generator:
    def __init__(self, default_template, seed, scripts=False):
        self.default = default_template
        self.r = Random(random.Random(seed), scripts)

    def mostly(self, good, odd, probability=0.15):
        """One of the good ones, now and then one of the odd ones."""
        return self.r.one(odd if self.r.chance(probability) else good)

    # -- placeholders

    def path(self):
        name = self.r.one(EXTRA + ["missing", "name", "image", "env", "labels"])
        tail = self.r.one(
            "", "", "", ".a", ".b", "[0]", ".0", ".-1", "[0].a", ".a[1].b", "..", ".1_0"
        )
        return name + tail

    def placeholder(self):
        kind = self.r.random.random()
        if kind < 0.65:
            inner = self.path()
        elif kind < 0.75:
            inner = self.r.one("$PARITY_SET", "$PARITY_EMPTY", "$PARITY_UNSET", "$$PARITY_SET", "$")
        elif kind < 0.9:
            inner = "prefect.blocks." + self.mostly(
                ["secret.tok", "json.cfg.list[0]", "custom.plain.url", "secret.tok.value"],
                ["json.cfg", "json.cfg.a", "json.cfg.value.a", "custom.plain", "custom.both.value",
                 "custom.plain.none", "json.cfg.list[9]", "secret", "secret.absent"],
                0.35,
            )  # fmt: skip
        else:
            inner = "prefect.variables." + self.r.one("num", "text", "obj", "none", "absent")
        blank = self.r.one(" ", " ", "", "  ", "\t", "\n")
        return "{{" + blank + inner + blank + "}}"

    def embedded(self):
        parts = [self.r.one("", "pre-", "a ", "{", "}}", "{{ ", "x")]
        for _ in range(self.r.one(1, 1, 2)):
            parts += [self.placeholder(), self.r.one("", "-", " mid ", "/", "}")]
        return "".join(parts)

    def slot(self):
        """What may stand for a value in a template."""
        return self.r.one(self.placeholder(), self.placeholder(), self.embedded(), self.r.value(1))

    # -- the base job template

    def template(self):
        template = copy.deepcopy(self.default)
        configuration = template["job_configuration"]
        properties = template["variables"]["properties"]
        for name in EXTRA:
            if self.r.chance(0.4):
                properties[name] = {"title": name}
                if self.r.chance(0.6):
                    properties[name]["default"] = self.r.value()
        if self.r.chance(0.2):
            return template
        for change in self.r.some(self.changes(), 7):
            try:
                change(configuration, properties)
            except (AttributeError, KeyError, TypeError):
                pass  # an earlier change took away what this one is about
        if self.r.chance(0.02):
            template.pop(self.r.one("job_configuration", "variables"))
        return template

    def changes(self):
        return [
            self.change_env, self.change_default_env, self.change_field, self.change_metadata,
            self.change_generate_name, self.change_backoff, self.change_pod_metadata,
            self.change_containers, self.change_container, self.change_container,
            self.change_container_env, self.change_skeleton, self.change_pod, self.change_pod,
            self.change_defaults, self.change_cluster, self.change_other,
        ]  # fmt: skip

    def change_env(self, configuration, properties):
        configuration["env"] = self.mostly(
            [
                self.r.env_object(), self.r.env_object(), self.r.env_list(),
                {"T": self.placeholder(), "E": self.embedded()},
            ],
            [None, "text", 5, self.placeholder()],
        )  # fmt: skip
        if self.r.chance(0.1):
            del configuration["env"]

    def change_default_env(self, configuration, properties):
        properties["env"]["default"] = self.r.one(
            self.r.env_object(), {"FROMDEF": "d", "A": "def"}, self.r.env_list(), {}, [], "text", 1
        )

    def change_field(self, configuration, properties):
        name = self.r.one("labels", "annotations", "name", "command", "namespace")
        good = [self.embedded(), self.r.text()]
        if name in ("labels", "annotations"):
            good = [{"k": self.embedded()}, {"a b": self.r.text(), self.r.label_key(): "x"}]
        configuration[name] = self.mostly(good, [self.slot(), {"k": self.slot()}, self.r.text()])
        if self.r.chance(0.2):
            del configuration[name]

    def change_metadata(self, configuration, properties):
        manifest = configuration["job_manifest"]
        metadata = manifest["metadata"]
        choice = self.r.random.random()
        if choice < 0.1:
            del manifest["metadata"]
        elif choice < 0.13:
            manifest["metadata"] = self.r.one(None, [], "text", 1, "{{ x }}")
        elif choice < 0.35:
            metadata["name"] = self.r.one("fixed-name", "{{ name }}", "n-{{ x }}", "", None)
        elif choice < 0.5:
            metadata.pop(self.r.one("labels", "annotations", "namespace"), None)
        else:
            key = self.r.one("labels", "annotations")
            metadata[key] = {
                self.r.label_key(): self.mostly(
                    [self.embedded(), self.r.text()], [self.slot()], 0.2
                )
                for _ in range(self.r.one(1, 2, 3))
            }
            if self.r.chance(0.05):
                metadata[key] = self.r.one(None, [], "text", "{{ x }}")

    def change_generate_name(self, configuration, properties):
        configuration["job_manifest"].get("metadata", {})
        metadata = configuration["job_manifest"].setdefault("metadata", {})
        if isinstance(metadata, dict):
            metadata["generateName"] = self.mostly(
                ["fixed-", "-", "{{ prefix }}-{{ name }}-", "{{ name }}", "Upper Case-",
                 "x" * 60 + "-", "{{ missing }}-", ""],
                ["None-", None, 5, [], "{{ prefect.variables.absent }}", {"a": "{{ b }"}, ["x"]],
            )  # fmt: skip

    def change_backoff(self, configuration, properties):
        spec = configuration["job_manifest"]["spec"]
        spec["backoffLimit"] = self.r.one(0, 1, 3, "0", None, False, True, 0.0, -0.0, "{{ x }}")
        if self.r.chance(0.2):
            del spec["backoffLimit"]

    def change_pod_metadata(self, configuration, properties):
        template = configuration["job_manifest"]["spec"]["template"]
        labels = {self.r.label_key(): self.r.text() for _ in range(self.r.one(0, 1, 2))}
        template["metadata"] = {"labels": labels, "annotations": {"Pod Note": self.r.value(1)}}
        if self.r.chance(0.1):
            odd = self.r.one(None, [], "text", {"a": 1}, {"a": None}, {})
            template["metadata"][self.r.one("labels", "annotations")] = odd
        if self.r.chance(0.04):
            template["metadata"] = self.r.one(None, [], "text", {})

    def containers(self, configuration):
        pod = configuration["job_manifest"]["spec"]["template"]["spec"]
        return pod.get("containers")

    def change_containers(self, configuration, properties):
        pod = configuration["job_manifest"]["spec"]["template"]["spec"]
        sidecar = {"name": "sidecar", "image": "{{ image }}", "env": "{{ env }}"}
        containers = pod["containers"] if isinstance(pod.get("containers"), list) else []
        choice = self.r.random.random()
        if choice < 0.5:
            containers.append(sidecar)
        elif choice < 0.6:
            containers.insert(0, sidecar)
        elif choice < 0.7:
            containers.append({"name": "prefect-job"})
        elif choice < 0.75:
            pod["containers"] = self.r.one([], None, "text", ["text"], [[]], {})
        else:
            pod["initContainers"] = [{"name": "init", "env": "{{ env }}", "command": ["true"]}]

    def change_container(self, configuration, properties):
        containers = self.containers(configuration)
        if (
            not isinstance(containers, list)
            or not containers
            or not isinstance(containers[0], dict)
        ):
            return
        container = containers[0]
        choice = self.r.one("image", "args", "args", "args", "name", "envFrom", "volumeMounts")
        container[choice] = {
            "image": self.r.one("img:1", None, "{{ image }}:{{ x }}", "{{ x }}", self.embedded()),
            "args": self.mostly(
                [
                    self.r.one(COMMANDS),
                    ["a", "{{ x }}"],
                    "{{ command }} --flag {{ missing }}",
                    None,
                ],
                [self.r.one(BAD_COMMANDS), 5, {}, True, "{{ x }}"],
                0.3,
            ),
            "name": self.mostly(["prefect-job"], ["other", "{{ x }}", 1]),
            "envFrom": self.mostly([[{"configMapRef": {"name": "c"}}], []], [None, 5]),
            "volumeMounts": self.r.one("{{ volumes }}", [{"name": "v", "mountPath": "/{{ a }}"}]),
        }[choice]
        if self.r.chance(0.15):
            container.pop(choice)

    def change_container_env(self, configuration, properties):
        containers = self.containers(configuration)
        if (
            not isinstance(containers, list)
            or not containers
            or not isinstance(containers[0], dict)
        ):
            return
        containers[0]["env"] = self.mostly(
            [self.r.env_list(), self.r.env_list(), [{"name": "HARD", "value": "{{ x }}"}]],
            [None, {}, "text", ["text"], [{"name": []}]],
        )

    def change_skeleton(self, configuration, properties):
        manifest = configuration["job_manifest"]
        spec = manifest["spec"]
        pod = spec["template"]["spec"] if isinstance(spec.get("template"), dict) else {}
        holder, key = self.r.one(
            (manifest, "apiVersion"), (manifest, "kind"), (manifest, "spec"), (spec, "template"),
            (pod, "parallelism"), (pod, "completions"), (pod, "restartPolicy"),
            (pod, "containers"), (pod, "parallelism"), (pod, "completions"),
        )  # fmt: skip
        if self.r.chance(0.5):
            holder.pop(key, None)
        else:
            holder[key] = self.r.one(
                1, 1.0, True, "1", 2, "v1", "OnFailure", None, {}, [], "{{ x }}"
            )
        if self.r.chance(0.7):
            holder, key = pod, self.r.one("parallelism", "completions")
            pod.pop(key, None)
            spec["backoffLimit"] = 1
        elif self.r.chance(0.4) and "template" in spec:
            spec[self.r.one("suspend", "extra")] = self.r.one(True, 1, "Never", "batch/v1", 1.0)

    def change_pod(self, configuration, properties):
        pod = configuration["job_manifest"]["spec"].get("template", {}).get("spec")
        if isinstance(pod, dict):
            key = self.r.one("tolerations", "nodeSelector", "volumes", "affinity", "dnsPolicy")
            pod[key] = self.r.one(
                "{{ " + key + " }}", [{"key": "{{ gpu }}", "operator": "Exists"}], {"n": self.slot()},
                [self.slot(), self.slot()], self.slot(),
            )  # fmt: skip

    def change_defaults(self, configuration, properties):
        for name in self.r.some(properties, 3):
            if isinstance(properties[name], dict):
                properties[name]["default"] = self.r.one(self.r.value(), self.r.text())
        if self.r.chance(0.05):
            properties["odd"] = self.r.one("default", [], None, 5)

    def change_cluster(self, configuration, properties):
        by_id = {"$ref": {"block_document_id": IDS["block"]}}
        text = "a: 1\nb: [yes, 0x1F, ~, 1.5e3, '5', 2020-01-01]"
        good = [
            by_id,
            by_id,
            {"config": KUBECONFIG, "context_name": "c"},
            {"config": text, "context_name": "c", "more": 1},
        ]
        odd = [
            {"$ref": {"block_document_id": "77777777-7777-7777-7777-777777777777"}},
            {"$ref": {"block_document_id": None}},
            {"$ref": "text"},
            {"config": "text", "context_name": "c"},
            {"config": "a: [", "context_name": "c"},
            {"config": {}},
            {"config": {}, "context_name": 5},
            "text",
            [],
        ]
        configuration["cluster_config"] = self.mostly(good, odd, 0.4)

    def change_other(self, configuration, properties):
        name = self.r.one("job_watch_timeout_seconds", "pod_watch_timeout_seconds", "stream_output")
        good = [1, 0, True, "1", 1.0, "0"]
        if name != "stream_output":
            good += [5, "5", " 7 ", "5.0", 5.0, "1_0", -3, "+4"]
        else:
            good += ["true", "No", "on", "F"]
        odd = ["5.5", "x", 5.5, None, "", [], 2, "{{ x }}", "yes", 5, "1.0", 10**30, "9" * 30]
        configuration[name] = self.mostly(good, odd, 0.3)

    # -- job variables

    def job_variables(self):
        variables = {}
        for name in self.r.some(PLAIN, 4):
            odd = [None, self.r.scalar()]
            variables[name] = self.mostly(
                [self.r.text()], odd, 0.03 if name == "namespace" else 0.3
            )
        if self.r.chance(0.4):
            variables["env"] = self.env()
        if self.r.chance(0.3):
            variables["labels"] = self.string_map()
        if self.r.chance(0.25):
            variables["annotations"] = self.string_map()
        if self.r.chance(0.35):
            variables["name"] = self.name_variable()
        if self.r.chance(0.25):
            variables["command"] = self.r.one(
                self.r.one(COMMANDS),
                self.r.one(COMMANDS),
                self.mostly([None], BAD_COMMANDS),
            )
        if self.r.chance(0.3):
            variables["backoff_limit"] = self.r.one(0, 1, 3, None, "0", 0.0)
        if self.r.chance(0.15):
            variables["finished_job_ttl"] = self.r.one(0, 60, None)
        for name in self.r.some(EXTRA, 3):
            variables[name] = self.r.one(self.r.value(), self.r.value(), self.placeholder())
        if self.r.chance(0.2):
            self.add_dotted(variables)
        if self.r.chance(0.1):
            variables["image"] = self.placeholder()
        if self.r.chance(0.02):
            variables[self.r.one("labels", "annotations", "name", "command", "cluster_config")] = (
                self.r.value()
            )
        return variables

    def env(self):
        return self.mostly(
            [self.r.env_object(), self.r.env_object(), self.r.env_object(), self.r.env_list()],
            [None, "", "ab", 1, [["K", "v"]], ["kv"]],
            0.06,
        )

    def string_map(self):
        return {
            self.r.label_key(): self.r.one(self.r.tricky(), self.r.tricky(), self.placeholder())
            for _ in range(self.r.one(0, 1, 2, 3))
        }

    def name_variable(self):
        context = self.r.one(
            "{{ ctx.flow.name }}-{{ ctx.flow_run.name }}",
            "{{ ctx.flow_run.id }}",
            "{{ ctx.missing }}",
            "x-{{ ctx.missing }}",
            "{{ ctx.flow_run.run_count }}",
            "{{ ctx.flow_run.parameters.p }}",
            "{{ ctx.flow_run.parameters }}",
            "{{ ctx.flow_run.state.name }}",
            "{{ ctx.flow_run.tags[0] }}",
            "{{ ctx.flow_run.expected_start_time }} {{ ctx.flow_run.estimated_run_time }}",
            "{{ ctx.flow.tags }}",
            "{{ ctx.flow_run.name[0] }}",
            "{{ ctx.flow_run }}",
            "{{ ctx.flow_run.job_variables.env }}-{{ ctx.flow_run.empirical_policy }}",
            "{{ $PARITY_SET }}-{{ ctx.flow_run.name }}",
        )
        return self.r.one(self.r.text(), self.r.text(), context, context)

    def add_dotted(self, variables):
        if self.r.chance(0.08):
            variables["x.a"], variables["x.a.b"] = self.r.text(), self.r.text()
        for _ in range(self.r.one(1, 1, 2, 3)):
            key = self.mostly(
                ["env.FOO", "env.A", "labels.team", "x.a", "x.b", "annotations.note", "a."],
                ["x.a.b", "x.b[0]", ".b", "x..y", "unknown.key", "my-var_1.a]b", "env.A.B"],
                0.35,
            )
            variables[key] = self.mostly([self.r.text()], [self.r.value(1)], 0.2)

    # -- blind changes, for what nobody thought of

    def nodes(self, value):
        """(holder, key) of every value below."""
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in list(items):
            yield value, key
            if isinstance(child, dict | list):
                yield from self.nodes(child)

    def mutate(self, value):
        """One value below is another one now, is gone, or stands elsewhere too."""
        places = list(self.nodes(value))
        if not places:
            return
        holder, key = self.r.one(places)
        choice = self.r.random.random()
        if choice < 0.25:
            del holder[key]
        elif choice < 0.5:
            holder[key] = self.r.one(self.slot(), self.r.value(), self.embedded())
        elif choice < 0.75:
            other, there = self.r.one(places)
            holder[key] = copy.deepcopy(other[there]) if self.has(other, there) else None
        elif isinstance(holder, dict):
            holder[self.r.one(self.r.key(), "env", "$ref", "metadata", "name", "default")] = (
                self.r.one(self.slot(), self.r.value(), 1, {}, [])
            )
        else:
            holder.insert(0, self.r.value())

    @staticmethod
    def has(holder, key):
        return key in holder if isinstance(holder, dict) else key < len(holder)

    # -- the API's objects

    def flow_run(self, deployment):
        variables = self.job_variables() if self.r.chance(0.8) else self.r.one({}, None)
        run = {
            "id": IDS["run"]
            if self.r.chance(0.5)
            else str(uuid.UUID(int=self.r.random.getrandbits(128))),
            "name": self.r.text() or "run",
            "flow_id": IDS["flow"],
            "deployment_id": IDS["deployment"] if deployment else None,
            "job_variables": variables,
            "parameters": {"p": self.r.value(1)},
            "tags": self.r.some(["t1", "t 2", "ü"], 2),
            "run_count": self.r.one(0, 1),
            "expected_start_time": self.r.one(
                "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.120000Z", "2024-05-06T07:08:09.5+00:00"
            ),
            "estimated_run_time": self.r.one(0, 0.0, 1.25, 12.3456789),
            "state": None,
        }
        if self.r.chance(0.2):
            run["state"] = {
                "id": IDS["block"],
                "type": "SCHEDULED",
                "name": "Scheduled",
                "timestamp": "2024-05-06T07:08:09.123456Z",
                "state_details": {"scheduled_time": "2024-05-06T07:08:09Z"},
            }
        return run

    def case(self):
        has_deployment = self.r.chance(0.85)
        deployment = None
        if has_deployment:
            deployment = {
                "id": IDS["deployment"],
                "name": self.r.name(),
                "flow_id": IDS["flow"],
                "updated": self.r.one(
                    "2024-05-06T07:08:09.123456Z", "2024-05-06T07:08:09Z", None,
                    "2024-12-31T23:59:59.1+02:00",
                ),
                "job_variables": self.job_variables() if self.r.chance(0.6) else {},
            }  # fmt: skip
        case = {
            "work_pool": {
                "id": IDS["pool"],
                "name": self.r.name(),
                "base_job_template": self.template(),
            },
            "flow_run": self.flow_run(deployment),
            "deployment": deployment,
            "flow": {"id": IDS["flow"], "name": self.r.name(), "tags": ["f"], "labels": {}}
            if self.r.chance(0.95)
            else None,
            "worker_name": self.r.name(),
            "worker_id": IDS["worker"] if self.r.chance(0.2) else None,
            **self.references(),
        }
        if self.r.chance(0.2):
            for _ in range(self.r.one(1, 1, 2, 3)):
                self.mutate(case["work_pool"]["base_job_template"])
        for holder in (case["flow_run"], deployment or {}):
            if self.r.chance(0.1) and holder.get("job_variables"):
                self.mutate(holder["job_variables"])
        return case

    def references(self):
        blocks = {
            "secret/tok": {"value": self.r.one("s3cr3t", self.r.text(), 5)},
            "json/cfg": {"value": {"a": self.r.value(1), "list": [1, "two"]}},
            "custom/plain": {"url": "http://u", "value": self.r.text(), "extra": None},
            "custom/both": {"value": {"value": "inner"}},
        }
        for name in self.r.some(blocks, 1):
            if self.r.chance(0.15):
                del blocks[name]
        variables = {"num": 5, "text": self.r.text(), "obj": self.r.value(), "none": None}
        return {
            "blocks": blocks,
            "blocks_by_id": {IDS["block"]: {"config": KUBECONFIG, "context_name": "block"}},
            "variables": variables,
        }


def lines(cases):
    return "".join(json.dumps(case) + "\n" for case in cases)
