/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/refusal.h"

/* First match wins. */
static const struct {
    const char *part; /* of Kubernetes' message */
    const char *cause, *remedy;
} causes[] = {
    {"exceeded quota", "QuotaExceeded",
     "It gets a pod as soon as there is room: let other runs end, ask for less, or raise the "
     "namespace's ResourceQuota."},
    {"failed quota", "QuotaNeedsLimits",
     "The namespace's ResourceQuota wants requests and limits on every container: give them in "
     "the base job template."},
    {"violates PodSecurity", "PodSecurity",
     "Give the container the securityContext that the namespace demands, or change the "
     "namespace's pod-security labels."},
    {"failed calling webhook", "AdmissionWebhookFailed",
     "The webhook did not answer: look at its service."},
    {"admission webhook", "AdmissionWebhook",
     "Change the base job template or the job variables to what the webhook allows."},
    {"error looking up service account", "ServiceAccountMissing",
     "Create the service account, or correct the job variable 'service_account_name'."},
    {"PriorityClass", "PriorityClassMissing",
     "Create the priority class, or correct priorityClassName in the base job template."},
    {" usage per ", "LimitRange",
     "Change the run's requests and limits, or the namespace's LimitRange."},
    {" ratio per ", "LimitRange",
     "Change the run's requests and limits, or the namespace's LimitRange."},
    {" is invalid: ", "PodInvalid", "Correct the base job template or the job variables."},
    {"", "FailedCreate", "It is tried again until it works."},
};

bool refusal_newest(struct arena *out, str events, struct kube_event *event)
{
    struct kube_event made;
    if (!kube_event_newest(out, events, STR("Warning"), STR("FailedCreate"), event))
        return false;
    return !kube_event_newest(out, events, STR("Normal"), STR("SuccessfulCreate"), &made) ||
           made.last_us <= event->last_us;
}

/* What follows `part`, or the whole text. */
static str after(str text, str part)
{
    ptrdiff_t at = str_find(text, part);
    return at < 0 ? text : str_skip(text, (size_t)at + part.n);
}

/* FNV-1a over what names the cause: not the pod's random name, not the numbers. */
static uint64_t key_of(const char *cause, str message)
{
    uint64_t hash = 0xcbf29ce484222325u;
    str rest = after(after(message, STR(" is forbidden: ")), STR(" is invalid: "));
    ptrdiff_t amounts = str_find(rest, STR(", requested: "));
    if (amounts >= 0)
        rest.n = (size_t)amounts;
    for (const char *p = cause; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] < '0' || rest.p[i] > '9')
            hash = (hash ^ (uint8_t)rest.p[i]) * 0x100000001b3u;
    return hash ? hash : 1;
}

void refusal_diagnose(struct arena *out, str message, struct diagnosis *d)
{
    size_t i = 0;
    message = str_trim(after(message, STR("Error creating: ")));
    while (!str_has(message, str_of(causes[i].part)))
        i++; /* the last part is empty */
    *d = (struct diagnosis){
        .cause = causes[i].cause,
        .level = LOG_WARNING,
        .text = str_printf(out, "The run's Job gets no pod: " STR_FMT "%s %s", STR_ARG(message),
                           str_ends(message, STR(".")) ? "" : ".", causes[i].remedy),
        .key = key_of(causes[i].cause, message),
    };
}
