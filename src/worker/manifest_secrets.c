/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "format/slug.h"
#include "worker/manifest_build.h"

/* Credentials in the container's environment become references to Secrets, as the settings want:
 * existing ones, one that the worker makes for its API key, one for the whole environment. */

#define API_KEY "PREFECT_API_KEY"
#define AUTH_STRING "PREFECT_API_AUTH_STRING"
#define ENV_SECRET "-env-"
#define ENV_SUFFIX_LEN 12

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool contains(str text, const char *word)
{
    str w = str_of(word);
    for (size_t i = 0; i + w.n <= text.n; i++) {
        size_t k = 0;
        while (k < w.n && fold(text.p[i + k]) == w.p[k])
            k++;
        if (k == w.n)
            return true;
    }
    return false;
}

bool manifest_name_is_secret(str name)
{
    static const char *const words[] = {
        "password",   "passwd",      "secret",         "token",      "api_key",
        "apikey",     "api-key",     "access_key",     "accesskey",  "private_key",
        "credential", "auth_string", "custom_headers", "passphrase", "connection_string"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (contains(name, words[i]))
            return true;
    return false;
}

static struct tree *container_env(const struct build *b)
{
    return tree_get(b->container, STR("env"));
}

/* The first entry of that name; its plain value, where it is non-empty. */
static str plain_value(const struct build *b, const char *name)
{
    for (const struct tree *it = container_env(b)->first; it; it = it->next)
        if (str_eq(tree_text(tree_get(it, STR("name"))), str_of(name)))
            return tree_text(tree_get(it, STR("value")));
    return (str){0};
}

/* {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} */
static struct tree *secret_entry(struct build *b, const char *name, str secret, str key)
{
    struct arena *out = b->out;
    struct tree *entry = tree_object(out), *from = tree_object(out), *ref = tree_object(out);
    if (!entry || !from || !ref ||
        !tree_set(out, entry, STR("name"), tree_str(out, str_of(name))) ||
        !tree_set(out, entry, STR("valueFrom"), from) ||
        !tree_set(out, from, STR("secretKeyRef"), ref) ||
        !tree_set(out, ref, STR("name"), tree_str(out, secret)) ||
        !tree_set(out, ref, STR("key"), tree_str(out, key)))
        return NULL;
    tree_set_origin(entry, TREE_FROM_SETTING);
    return entry;
}

/* Every entry of that name refers to the Secret instead. */
static bool refer(struct build *b, const char *name, str secret, str key)
{
    struct tree *env = container_env(b);
    for (struct tree *it = env->first, *next; it; it = next) {
        next = it->next;
        if (!str_eq(tree_text(tree_get(it, STR("name"))), str_of(name)))
            continue;
        struct tree *entry = secret_entry(b, name, secret, key);
        if (!entry)
            return false;
        tree_replace(env, it, entry);
    }
    return true;
}

static bool api_key(struct build *b)
{
    const struct config *config = b->in->config;
    if (config->api_key_secret_name.n)
        return !config->api_key_secret_key.n ||
               refer(b, API_KEY, config->api_key_secret_name, config->api_key_secret_key);
    str value = plain_value(b, API_KEY);
    if (!config->create_secret_for_api_key || !value.n)
        return true;
    str worker = slug_name(b->out, b->scratch, config->name);
    if (!worker.p)
        return false;
    b->m->api_key_value = value;
    b->m->api_key_secret_name =
        str_printf(b->out, "prefect-" STR_FMT "-api-key", STR_ARG(worker.n ? worker : STR("None")));
    return b->m->api_key_secret_name.p &&
           refer(b, API_KEY, b->m->api_key_secret_name, STR("value"));
}

static bool auth_string(struct build *b)
{
    const struct config *config = b->in->config;
    return !config->auth_string_secret_name.n || !config->auth_string_secret_key.n ||
           refer(b, AUTH_STRING, config->auth_string_secret_name, config->auth_string_secret_key);
}

/* -- the environment's Secret */

/* The plain values by name; later ones win. */
static bool collect_plain(struct build *b, struct tree *data)
{
    for (struct tree *it = container_env(b)->first; it; it = it->next) {
        const struct tree *name = tree_get(it, STR("name"));
        const struct tree *value = tree_get(it, STR("value"));
        if (tree_get(it, STR("valueFrom")) || !value || !name || !pyrepr_is_true(name))
            continue;
        struct tree *copy = tree_clone(b->out, value);
        struct buf key = buf_new(b->out, 4 * KIB);
        if (name->type == TREE_BOOL) /* as json.dumps writes a key */
            buf_cstr(&key, "true");
        else
            pyrepr_str(&key, name);
        if (!copy || key.full || !tree_set(b->out, data, buf_str(&key), copy))
            return false;
    }
    return true;
}

/* Leaves the entries with valueFrom. */
static void keep_references(struct tree *env)
{
    for (struct tree *it = env->first, *next; it; it = next) {
        next = it->next;
        if (!tree_get(it, STR("valueFrom")))
            tree_unlink(env, it);
    }
}

/* From the same function as the Job's name, so that a second try finds the Secret of the first. */
static str env_secret_name(struct build *b)
{
    struct uuid flow_run = {{0}};
    str prefix = tree_text(tree_path(b->job, "metadata.generateName"));
    (void)uuid_parse(build_text(b->in->flow_run, "id"), &flow_run);
    while (prefix.n && prefix.p[prefix.n - 1] == '-')
        prefix.n--;
    size_t room = KUBE_NAME_MAX - ENV_SUFFIX_LEN - STR(ENV_SECRET).n;
    prefix = str_printf(b->out, STR_FMT ENV_SECRET, STR_ARG(str_sub(prefix, 0, room)));
    return prefix.p ? manifest_name(b->out, prefix, &flow_run, &b->in->claim, 0) : prefix;
}

static struct tree *env_secret_body(struct build *b, struct tree *data)
{
    struct arena *out = b->out;
    struct tree *body = tree_object(out), *metadata = tree_object(out), *labels = tree_object(out);
    if (!body || !metadata || !labels)
        return NULL;
    str run = b->m->flow_run_label;
    bool done =
        tree_set(out, body, STR("apiVersion"), tree_str(out, STR("v1"))) &&
        tree_set(out, body, STR("kind"), tree_str(out, STR("Secret"))) &&
        tree_set(out, body, STR("metadata"), metadata) &&
        tree_set(out, metadata, STR("name"), tree_str(out, b->m->env_secret_name)) &&
        tree_set(out, metadata, STR("namespace"), tree_str(out, b->namespace)) &&
        tree_set(out, metadata, STR("labels"), labels) &&
        tree_set(out, labels, STR("app.kubernetes.io/managed-by"), tree_str(out, STR("prefect"))) &&
        (!run.n || tree_set(out, labels, STR("prefect.io/flow-run-id"), tree_str(out, run))) &&
        tree_set(out, body, STR("stringData"), data);
    return done ? body : NULL;
}

/* The container reads the Secret as a whole, behind what the template reads so. */
static enum err_kind refer_to_env(struct build *b)
{
    struct tree *list = tree_get(b->container, STR("envFrom"));
    struct tree *entry = tree_object(b->out), *ref = tree_object(b->out);
    if (list && list->type != TREE_ARRAY)
        return build_fail_at(
            b, "TypeError",
            &(struct build_path){.up = &build_at_container, .key = STR_INIT("envFrom")},
            "must be a list, but is a %s", pyrepr_type(list));
    if (!list)
        list = tree_array(b->out);
    if (!entry || !ref || !list ||
        !tree_set(b->out, ref, STR("name"), tree_str(b->out, b->m->env_secret_name)) ||
        !tree_set(b->out, entry, STR("secretRef"), ref))
        return build_full(b);
    tree_set_origin(entry, TREE_FROM_SETTING);
    tree_append(list, entry);
    return tree_set(b->out, b->container, STR("envFrom"), list) ? ERR_NONE : build_full(b);
}

static enum err_kind store_env(struct build *b)
{
    struct tree *data = tree_object(b->out);
    if (!data || !collect_plain(b, data))
        return build_full(b);
    if (!data->count)
        return ERR_NONE;
    if (!tree_is(tree_path(b->job, "metadata.generateName"), TREE_STRING))
        return build_fail_at(
            b, "AttributeError",
            &(struct build_path){.up = &build_at_metadata, .key = STR_INIT("generateName")},
            "must be text, since the Secret with the environment is named by it");
    b->m->env_secret_name = env_secret_name(b);
    b->m->env_secret = b->m->env_secret_name.p ? env_secret_body(b, data) : NULL;
    if (!b->m->env_secret)
        return build_full(b);
    keep_references(container_env(b));
    return refer_to_env(b);
}

enum err_kind build_secrets(struct build *b)
{
    if (!api_key(b) || !auth_string(b))
        return build_full(b);
    enum err_kind kind = b->in->config->store_env_as_secret ? store_env(b) : ERR_NONE;
    if (kind)
        return kind;
    b->m->plain_api_key = plain_value(b, API_KEY).n > 0;
    b->m->plain_auth_string = plain_value(b, AUTH_STRING).n > 0;
    return ERR_NONE;
}
