# SPDX-License-Identifier: Apache-2.0
"""Decoding of a Job (and Secret) as the API server does it with fieldValidation=Warn.

A known field of the wrong type is refused (400, the JSON decoder's complaint), an unknown field is
dropped and warned about, null counts as absent. Types: str, bool, int32, int64, time, quantity
(string or number), intstr, bytes (base64), any; [T] a list, {T} a map with string keys.
Source: the batch/v1 and core/v1 types of the Kubernetes API reference, v1.34.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

TYPES = """
Job: apiVersion str, kind str, metadata ObjectMeta, spec JobSpec, status any
Secret: apiVersion str, kind str, metadata ObjectMeta, data {bytes}, stringData {str}, type str, immutable bool
ObjectMeta: name str, generateName str, namespace str, selfLink str, uid str, resourceVersion str, generation int64,
  creationTimestamp time, deletionTimestamp time, deletionGracePeriodSeconds int64, labels {str}, annotations {str},
  ownerReferences [OwnerReference], finalizers [str], managedFields [any]
OwnerReference: apiVersion str, kind str, name str, uid str, controller bool, blockOwnerDeletion bool
JobSpec: parallelism int32, completions int32, activeDeadlineSeconds int64, podFailurePolicy PodFailurePolicy, successPolicy SuccessPolicy,
  backoffLimit int32, backoffLimitPerIndex int32, maxFailedIndexes int32, selector LabelSelector, manualSelector bool,
  template PodTemplateSpec, ttlSecondsAfterFinished int32, completionMode str, suspend bool, podReplacementPolicy str, managedBy str
PodFailurePolicy: rules [PodFailurePolicyRule]
PodFailurePolicyRule: action str, onExitCodes OnExitCodes, onPodConditions [OnPodCondition]
OnExitCodes: containerName str, operator str, values [int32]
OnPodCondition: type str, status str
SuccessPolicy: rules [any]
LabelSelector: matchLabels {str}, matchExpressions [Requirement]
Requirement: key str, operator str, values [str]
PodTemplateSpec: metadata ObjectMeta, spec PodSpec
PodSpec: volumes [Volume], initContainers [Container], containers [Container], ephemeralContainers [any], restartPolicy str,
  terminationGracePeriodSeconds int64, activeDeadlineSeconds int64, dnsPolicy str, nodeSelector {str}, serviceAccountName str, serviceAccount str,
  automountServiceAccountToken bool, nodeName str, hostNetwork bool, hostPID bool, hostIPC bool, shareProcessNamespace bool,
  securityContext PodSecurityContext, imagePullSecrets [LocalRef], hostname str, subdomain str, affinity Affinity, schedulerName str,
  tolerations [Toleration], hostAliases [HostAlias], priorityClassName str, priority int32, dnsConfig DNSConfig, readinessGates [any],
  runtimeClassName str, enableServiceLinks bool, preemptionPolicy str, overhead {quantity}, topologySpreadConstraints [Spread],
  setHostnameAsFQDN bool, os any, hostUsers bool, schedulingGates [any], resourceClaims [any], resources Resources, hostnameOverride str
Container: name str, image str, command [str], args [str], workingDir str, ports [Port], envFrom [EnvFrom], env [EnvVar], resources Resources,
  resizePolicy [any], restartPolicy str, restartPolicyRules [any], volumeMounts [VolumeMount], volumeDevices [any], livenessProbe Probe,
  readinessProbe Probe, startupProbe Probe, lifecycle Lifecycle, terminationMessagePath str, terminationMessagePolicy str, imagePullPolicy str,
  securityContext SecurityContext, stdin bool, stdinOnce bool, tty bool
Port: name str, hostPort int32, containerPort int32, protocol str, hostIP str
EnvFrom: prefix str, configMapRef OptionalRef, secretRef OptionalRef
OptionalRef: name str, optional bool
LocalRef: name str
EnvVar: name str, value str, valueFrom EnvSource
EnvSource: fieldRef FieldRef, resourceFieldRef ResourceFieldRef, configMapKeyRef KeyRef, secretKeyRef KeyRef, fileKeyRef any
FieldRef: apiVersion str, fieldPath str
ResourceFieldRef: containerName str, resource str, divisor quantity
KeyRef: name str, key str, optional bool
Resources: limits {quantity}, requests {quantity}, claims [any]
VolumeMount: name str, readOnly bool, recursiveReadOnly str, mountPath str, subPath str, mountPropagation str, subPathExpr str
Probe: exec ExecAction, httpGet HTTPGet, tcpSocket TCPSocket, grpc any, initialDelaySeconds int32, timeoutSeconds int32, periodSeconds int32,
  successThreshold int32, failureThreshold int32, terminationGracePeriodSeconds int64
ExecAction: command [str]
HTTPGet: path str, port intstr, host str, scheme str, httpHeaders [any]
TCPSocket: port intstr, host str
Lifecycle: postStart Handler, preStop Handler, stopSignal str
Handler: exec ExecAction, httpGet HTTPGet, tcpSocket TCPSocket, sleep any
SecurityContext: capabilities Capabilities, privileged bool, seLinuxOptions any, windowsOptions any, runAsUser int64, runAsGroup int64,
  runAsNonRoot bool, readOnlyRootFilesystem bool, allowPrivilegeEscalation bool, procMount str, seccompProfile Seccomp, appArmorProfile any
Capabilities: add [str], drop [str]
Seccomp: type str, localhostProfile str
PodSecurityContext: seLinuxOptions any, windowsOptions any, runAsUser int64, runAsGroup int64, runAsNonRoot bool, supplementalGroups [int64],
  supplementalGroupsPolicy str, fsGroup int64, sysctls [any], fsGroupChangePolicy str, seccompProfile Seccomp, appArmorProfile any, seLinuxChangePolicy str
Affinity: nodeAffinity any, podAffinity any, podAntiAffinity any
Toleration: key str, operator str, value str, effect str, tolerationSeconds int64
HostAlias: ip str, hostnames [str]
DNSConfig: nameservers [str], searches [str], options [any]
Spread: maxSkew int32, topologyKey str, whenUnsatisfiable str, labelSelector LabelSelector, minDomains int32, nodeAffinityPolicy str,
  nodeTaintsPolicy str, matchLabelKeys [str]
Volume: name str, hostPath HostPath, emptyDir EmptyDir, gcePersistentDisk any, awsElasticBlockStore any, gitRepo any, secret SecretVolume, nfs any,
  iscsi any, glusterfs any, persistentVolumeClaim Claim, rbd any, flexVolume any, cinder any, cephfs any, flocker any, downwardAPI any, fc any,
  azureFile any, configMap ConfigMapVolume, vsphereVolume any, quobyte any, azureDisk any, photonPersistentDisk any, projected any,
  portworxVolume any, scaleIO any, storageos any, csi any, ephemeral any, image any
HostPath: path str, type str
EmptyDir: medium str, sizeLimit quantity
SecretVolume: secretName str, items [any], defaultMode int32, optional bool
ConfigMapVolume: name str, items [any], defaultMode int32, optional bool
Claim: claimName str, readOnly bool
"""

QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
GO_NAMES = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def parse_types(text: str) -> dict[str, dict[str, str]]:
    types: dict[str, dict[str, str]] = {}
    for line in re.sub(r"\n {2,}", " ", text.strip()).splitlines():
        name, _, fields = line.partition(": ")
        types[name] = dict(pair.split() for pair in fields.split(", "))
    return types


STRUCTS = parse_types(TYPES)


class WrongType(Exception):
    """The JSON decoder's refusal: HTTP 400."""


class Decoder:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.unknown: list[str] = []

    def decode(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongType(
                f"json: cannot unmarshal {GO_NAMES.get(type(value))} into Go value of {self.kind}"
            )
        return self.struct(value, self.kind, "")

    def struct(self, value: Any, name: str, path: str) -> dict[str, Any]:
        self.need(value, dict, f"v1.{name}", path)
        out = {}
        for key, member in value.items():
            where = f"{path}.{key}" if path else key
            if key not in STRUCTS[name]:
                self.unknown.append(where)
            elif member is not None:
                out[key] = self.value(member, STRUCTS[name][key], where)
        return out

    def value(self, value: Any, kind: str, path: str) -> Any:
        if kind == "any":
            return value
        if kind.startswith("["):
            self.need(value, list, "[]" + kind[1:-1], path)
            return [self.element(v, kind[1:-1], f"{path}[{i}]") for i, v in enumerate(value)]
        if kind.startswith("{"):
            self.need(value, dict, "map[string]" + kind[1:-1], path)
            return {k: self.element(v, kind[1:-1], f"{path}[{k}]") for k, v in value.items()}
        if kind in STRUCTS:
            return self.struct(value, kind, path)
        return self.scalar(value, kind, path)

    def element(self, value: Any, kind: str, path: str) -> Any:
        """Within lists and maps Go keeps the zero value of a null."""
        if value is None:
            return {} if kind in STRUCTS or kind == "any" else 0 if kind.startswith("int") else ""
        return self.value(value, kind, path)

    def scalar(self, value: Any, kind: str, path: str) -> Any:
        if kind in ("int32", "int64"):
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or value != int(value)
            ):
                self.refuse(value, kind, path)
            if abs(value) >= 1 << (31 if kind == "int32" else 63):
                self.refuse(value, kind, path)
            return int(value)
        if kind == "bool":
            return self.need(value, bool, "bool", path)
        if kind == "intstr":
            if isinstance(value, bool) or not isinstance(value, (int, str)):
                self.refuse(value, "intstr.IntOrString", path)
            return value
        if kind == "quantity":
            text = str(value)
            if isinstance(value, (bool, list, dict)) or not QUANTITY.fullmatch(text):
                raise WrongType(
                    "quantities must match the regular expression "
                    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                )
            return text
        self.need(value, str, "time.Time" if kind == "time" else "string", path)
        if kind == "time" and not TIME.fullmatch(value):
            raise WrongType(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse')
        if kind == "bytes":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                raise WrongType("illegal base64 data at input byte 0") from None
        return value

    def need(self, value: Any, wanted: type, go_type: str, path: str) -> Any:
        if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
            self.refuse(value, go_type, path)
        return value

    def refuse(self, value: Any, go_type: str, path: str) -> None:
        got = GO_NAMES.get(type(value), "value")
        field = re.sub(r"\[[^\]]*\]", "", path)
        raise WrongType(
            f"json: cannot unmarshal {got} into Go struct field .{field} of type {go_type}"
        )


def decode(kind: str, value: Any) -> tuple[dict[str, Any], list[str]]:
    """The object as the server keeps it, and a warning for each unknown field."""
    decoder = Decoder(kind)
    try:
        made = decoder.decode(value)
    except WrongType as error:
        text = f'{kind} in version "v1" cannot be handled as a {kind}: {error}'
        raise WrongType(text) from None
    return made, [f'unknown field "{path}"' for path in decoder.unknown]
