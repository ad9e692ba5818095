/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/status.h"

#include <string.h>

#include "base/buf.h"
#include "kube/rule.h"

void kube_status_read(struct arena *out, struct json v, struct kube_status *status)
{
    *status = (struct kube_status){.retry_s = -1};
    if (!json_str_is(json_get(v, STR("kind")), STR("Status")))
        return;
    status->reason = json_str(out, json_get(v, STR("reason")));
    status->message = json_str(out, json_get(v, STR("message")));
    status->code = json_i64_or(json_get(v, STR("code")), 0);
    status->retry_s = json_i64_or(json_path(v, "details.retryAfterSeconds"), -1);
}

void kube_status_parse(struct arena *out, str text, struct kube_status *status)
{
    struct json root;
    *status = (struct kube_status){.retry_s = -1};
    if (text.n && !json_parse(out, text, &root, NULL))
        kube_status_read(out, root, status);
}

/* Appends, cut at the end of the text; control characters become blanks. */
static void append(struct err *e, str text)
{
    size_t n = strlen(e->text);
    for (size_t i = 0; i < text.n && n < sizeof e->text - 1; i++)
        e->text[n++] = (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i];
    e->text[n] = '\0';
}

/* RBAC says: User "x" cannot create resource "jobs" in API group "batch" ... Admission, quotas and
 * namespaces that end are 403 too, but no Role mends them. */
static bool is_rbac(str message)
{
    return str_has(message, STR(" cannot ")) && str_has(message, STR(" resource"));
}

static void describe_rbac(const struct kube_refusal *r, const struct kube_rule *rule, struct err *e)
{
    char where[KUBE_NAMESPACE_MAX + 32] = "in any namespace";
    if (rule->namespace.n) {
        struct buf b = buf_over(where, sizeof where);
        buf_printf(&b, "in namespace " STR_FMT,
                   STR_ARG(str_sub(rule->namespace, 0, KUBE_NAMESPACE_MAX)));
    }
    err_set(e, ERR_FORBIDDEN,
            "not allowed to %s " STR_FMT " %s; the %s needs the rule apiGroups: [\"" STR_FMT
            "\"], resources: [\"" STR_FMT "\"], verbs: [\"%s\"]. The API server says: ",
            rule->verb, STR_ARG(rule->resource), where, rule->namespace.n ? "Role" : "ClusterRole",
            STR_ARG(rule->group), STR_ARG(rule->resource), rule->verb);
    append(e, r->status->message);
}

static void describe_status(const struct kube_refusal *r, struct err *e)
{
    struct kube_rule rule;
    if (r->reply->status == 401) {
        err_set(e, ERR_AUTH,
                "the API server does not accept " STR_FMT " (401): has it expired, or does it "
                "belong to another cluster?",
                STR_ARG(r->credential));
        return;
    }
    bool known = kube_rule_of(r->method, r->path, &rule);
    if (r->reply->status == 403 && known && is_rbac(r->status->message)) {
        describe_rbac(r, &rule, e);
        return;
    }
    if (!known || !r->status->message.n)
        return; /* http's own line */
    err_set(e, r->reply->kind, "cannot %s " STR_FMT "%s" STR_FMT "%s" STR_FMT " (%d", rule.verb,
            STR_ARG(rule.resource), rule.name.n ? " " : "", STR_ARG(rule.name),
            rule.namespace.n ? " in namespace " : "", STR_ARG(rule.namespace), r->reply->status);
    if (r->status->reason.n) {
        append(e, STR(" "));
        append(e, r->status->reason);
    }
    append(e, STR("): "));
    append(e, r->status->message);
}

void kube_refusal_describe(const struct kube_refusal *r, struct err *e)
{
    *e = r->reply->err;
    if (r->reply->status < 400)
        return; /* no answer */
    describe_status(r, e);
    e->kind = r->reply->kind;
    err_origin(e, ERR_FROM_HTTP, r->reply->status);
}
