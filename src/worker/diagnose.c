/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/diagnose.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

static str or_unknown(str name)
{
    return name.n ? name : STR("<unknown>");
}

/* Kubernetes' messages end without a full stop, mostly; another sentence follows here. */
static const char *stop(str message)
{
    return !message.n || str_ends(message, STR(".")) ? "" : ".";
}

/* FNV-1a over the text without its numbers: node counts and back-off times change all the time. */
static uint64_t hash_of(str text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            hash = (hash ^ (uint8_t)text.p[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t key_of(const char *cause, str text)
{
    uint64_t key = hash_of(str_of(cause)) * 31 + hash_of(text);
    return key ? key : 1;
}

static bool set(struct diagnosis *d, const char *category, const char *cause, enum log_level level,
                str text)
{
    *d = (struct diagnosis){category, cause, level, text, key_of(cause, text)};
    return true;
}

/* ---- waiting ------------------------------------------------------------------------------- */

static bool image_waiting(struct arena *out, const struct kube_container *c, struct diagnosis *d)
{
    if (!str_eq(c->reason, STR("ImagePullBackOff")) && !str_eq(c->reason, STR("ErrImagePull")))
        return false;
    /* The two reasons take turns while Kubernetes tries again: one cause. */
    set(d, "ImagePullError", "ImagePullError", LOG_ERROR,
        str_printf(
            out,
            "The image of container '" STR_FMT "' can't be pulled (" STR_FMT "): " STR_FMT
            "%s Check the image's name and tag, that the node can reach the registry, and the "
            "imagePullSecrets of a private one.",
            STR_ARG(or_unknown(c->name)), STR_ARG(c->reason), STR_ARG(c->message),
            stop(c->message)));
    d->key = key_of("ImagePullError", c->name);
    return true;
}

static bool crash_looping(struct arena *out, const struct kube_container *c, struct diagnosis *d)
{
    if (!str_eq(c->reason, STR("CrashLoopBackOff")))
        return false;
    return set(d, "CrashLoopBackOff", "CrashLoopBackOff", LOG_ERROR,
               str_printf(out,
                          "Container '" STR_FMT
                          "' ends again and again soon after its start: " STR_FMT
                          "%s Its log tells why; check command, environment and volumes.",
                          STR_ARG(or_unknown(c->name)), STR_ARG(c->message), stop(c->message)));
}

/* Reasons that the Python worker does not look at: the pod can't start as it is. */
static bool doomed_waiting(struct arena *out, const struct kube_container *c, struct diagnosis *d)
{
    static const struct {
        const char *reason, *remedy;
    } doomed[] = {
        {"InvalidImageName", "Correct the job variable 'image'."},
        {"ErrImageNeverPull", "The node has no such image, and imagePullPolicy is Never."},
        {"CreateContainerConfigError",
         "A Secret or ConfigMap that the container names is missing, or has no such key."},
        {"CreateContainerError", "Check command, mounts and security context."},
        {"RunContainerError", "Check the command and that the image has it."},
        {"StartError", "Check the command and that the image has it."},
    };
    for (size_t i = 0; i < ARRAY_LEN(doomed); i++)
        if (str_eq(c->reason, str_of(doomed[i].reason)))
            return set(d, NULL, doomed[i].reason, LOG_ERROR,
                       str_printf(out, "Container '" STR_FMT "' can't start (%s): " STR_FMT "%s %s",
                                  STR_ARG(or_unknown(c->name)), doomed[i].reason,
                                  STR_ARG(c->message), stop(c->message), doomed[i].remedy));
    return false;
}

/* ---- ended --------------------------------------------------------------------------------- */

static str oom_text(struct arena *out, const struct kube_pod *pod, const struct kube_container *c)
{
    str node = pod->node.n ? str_printf(out, " on node " STR_FMT, STR_ARG(pod->node)) : (str){0};
    str limit = c->memory_limit.n ? str_printf(out, ", limit " STR_FMT, STR_ARG(c->memory_limit))
                                  : STR(", no limit of its own");
    return str_printf(out,
                      "Container '" STR_FMT "' was killed because it ran out of memory (OOMKilled, "
                      "exit code %lld" STR_FMT ")" STR_FMT
                      ". Raise the job variable 'memory_limit', or make the flow need less.",
                      STR_ARG(or_unknown(c->name)), (long long)c->exit_code, STR_ARG(limit),
                      STR_ARG(node));
}

static bool ended(struct arena *out, const struct kube_pod *pod, const struct kube_container *c,
                  struct diagnosis *d)
{
    if (str_eq(c->reason, STR("OOMKilled")))
        return set(d, "OOMKilled", "OOMKilled", LOG_ERROR, oom_text(out, pod, c));
    if (str_eq(c->reason, STR("Evicted")))
        return set(d, "Evicted", "Evicted", LOG_WARNING,
                   str_printf(out,
                              "Container '" STR_FMT "' was evicted: its node ran short of memory, "
                              "disk or process ids. Ask for more resources, so that the pod gets a "
                              "node that has them.",
                              STR_ARG(or_unknown(c->name))));
    return false;
}

/* ---- unschedulable ------------------------------------------------------------------------- */

static bool has_nocase(str text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.n; i++)
        if (str_eq_nocase(str_sub(text, i, i + n), str_of(word)))
            return true;
    return false;
}

static const char *unschedulable_category(str message)
{
    if (has_nocase(message, "taint"))
        return "Unschedulable.Taint";
    if (has_nocase(message, "affinity") || has_nocase(message, "node selector"))
        return "Unschedulable.NodeAffinity";
    if (has_nocase(message, "insufficient"))
        return "Unschedulable.InsufficientResources";
    return "Unschedulable";
}

/* "0/5 nodes are available: 2 Insufficient memory, 3 Insufficient cpu. preemption: 0/5 ...": the
 * scheduler sorts its reasons by their counts, so their order says nothing. */
static uint64_t key_of_reasons(const char *category, str message)
{
    uint64_t key = hash_of(str_of(category));
    while (message.n) {
        size_t n = 0;
        while (n < message.n && str_find_char(STR(",.:"), message.p[n]) < 0)
            n++;
        key += hash_of(str_trim(str_sub(message, 0, n)));
        message = str_skip(message, n + 1);
    }
    return key ? key : 1;
}

static bool unschedulable(struct arena *out, const struct kube_pod *pod, struct diagnosis *d)
{
    if (!str_eq(pod->scheduled_reason, STR("Unschedulable")))
        return false;
    const char *category = unschedulable_category(pod->scheduled_message);
    set(d, category, category, LOG_WARNING,
        str_printf(out,
                   "No node can take the pod: " STR_FMT " It waits until one can: check "
                   "requests, node selectors, affinity and tolerations, or add nodes.",
                   STR_ARG(pod->scheduled_message)));
    d->key = key_of_reasons(category, pod->scheduled_message);
    return true;
}

static bool pod_evicted(struct arena *out, const struct kube_pod *pod, struct diagnosis *d)
{
    if (!str_eq(pod->reason, STR("Evicted")))
        return false;
    return set(d, "Evicted", "Evicted", LOG_WARNING,
               str_printf(out,
                          "The pod was evicted from node " STR_FMT ": " STR_FMT
                          " Ask for more resources, or tolerate the pressure.",
                          STR_ARG(or_unknown(pod->node)), STR_ARG(pod->message)));
}

/* Node lost, drained, preempted: what the pod's own conditions say. */
static bool disrupted(struct arena *out, const struct kube_pod *pod, struct diagnosis *d)
{
    if (pod->disruption_reason.n == 0 && !str_eq(pod->reason, STR("NodeLost")))
        return false;
    str reason = pod->disruption_reason.n ? pod->disruption_reason : pod->reason;
    str message = pod->disruption_message.n ? pod->disruption_message : pod->message;
    return set(d, NULL, "DisruptionTarget", LOG_WARNING,
               str_printf(out, "The pod is taken from node " STR_FMT " (" STR_FMT "): " STR_FMT,
                          STR_ARG(or_unknown(pod->node)), STR_ARG(reason), STR_ARG(message)));
}

bool diagnose_pod(struct arena *out, const struct kube_pod *pod, struct diagnosis *d)
{
    struct kube_container c;
    for (size_t i = 0; kube_pod_container(out, pod, i, &c); i++)
        if (c.phase == KUBE_WAITING && (image_waiting(out, &c, d) || crash_looping(out, &c, d)))
            return true;
    for (size_t i = 0; kube_pod_container(out, pod, i, &c); i++)
        if (c.phase == KUBE_TERMINATED && ended(out, pod, &c, d))
            return true;
    if (unschedulable(out, pod, d) || pod_evicted(out, pod, d))
        return true;
    for (size_t i = 0; kube_pod_container(out, pod, i, &c); i++)
        if (c.phase == KUBE_WAITING && doomed_waiting(out, &c, d))
            return true;
    return disrupted(out, pod, d);
}

/* ---- the end of a Job ---------------------------------------------------------------------- */

bool diagnose_guilty_container(struct arena *out, const struct kube_pod *pod,
                               struct kube_container *guilty)
{
    struct kube_container c;
    bool found = false;
    for (size_t i = 0; kube_pod_container(out, pod, i, &c); i++) {
        if (c.phase != KUBE_TERMINATED || c.exit_code == 0)
            continue;
        if (!found || c.finished_us > guilty->finished_us)
            *guilty = c;
        found = true;
    }
    return found;
}

static const char *exit_hint(int64_t code)
{
    switch (code) {
    case 125:
        return " (the container could not be run)";
    case 126:
        return " (the command is not executable)";
    case 127:
        return " (the command was not found)";
    case 137:
        return " (killed by SIGKILL)";
    case 139:
        return " (segmentation fault)";
    case 143:
        return " (ended by SIGTERM)";
    default:
        return "";
    }
}

static str container_end(struct arena *out, const struct kube_pod *pod,
                         const struct kube_container *c)
{
    if (str_eq(c->reason, STR("OOMKilled")))
        return oom_text(out, pod, c);
    struct buf b = buf_new(out, 4 * KIB);
    buf_printf(&b, "%s '" STR_FMT "' exited with code %lld%s",
               c->init ? "Init container" : "Container", STR_ARG(or_unknown(c->name)),
               (long long)c->exit_code, exit_hint(c->exit_code));
    if (c->signal > 0)
        buf_printf(&b, ", signal %lld", (long long)c->signal);
    if (c->reason.n && !str_eq(c->reason, STR("Error")))
        buf_printf(&b, ", " STR_FMT, STR_ARG(c->reason));
    if (c->message.n)
        buf_printf(&b, ": " STR_FMT, STR_ARG(str_sub(str_trim(c->message), 0, 512)));
    if (pod->node.n)
        buf_printf(&b, " (pod " STR_FMT " on node " STR_FMT ")", STR_ARG(pod->meta.name),
                   STR_ARG(pod->node));
    buf_byte(&b, '.');
    return buf_str(&b);
}

str diagnose_failure(struct arena *out, const struct kube_job *job, const struct kube_pod *pod)
{
    struct buf b = buf_new(out, 8 * KIB);
    struct kube_container guilty;
    struct diagnosis d;
    buf_printf(&b, "Job " STR_FMT " failed", STR_ARG(job->meta.name));
    /* BackoffLimitExceeded only says that the pod failed, which the pod says better. */
    bool plain = str_eq(job->failed_reason, STR("BackoffLimitExceeded")) && pod;
    if (job->failed_reason.n && !plain)
        buf_printf(&b, " (" STR_FMT ": " STR_FMT ")", STR_ARG(job->failed_reason),
                   STR_ARG(job->failed_message));
    buf_byte(&b, '.');
    if (!pod)
        buf_put(&b, STR(" None of its pods is left to tell more."));
    else if (str_eq(pod->reason, STR("Evicted")) && diagnose_pod(out, pod, &d))
        buf_printf(&b, " " STR_FMT, STR_ARG(d.text));
    else if (diagnose_guilty_container(out, pod, &guilty))
        buf_printf(&b, " " STR_FMT, STR_ARG(container_end(out, pod, &guilty)));
    else if (diagnose_pod(out, pod, &d))
        buf_printf(&b, " " STR_FMT, STR_ARG(d.text));
    return buf_str(&b);
}
