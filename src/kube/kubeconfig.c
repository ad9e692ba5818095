/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kubeconfig.h"

#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"

/* What one resolution works on. */
struct resolver {
    struct arena *out;
    struct arena scratch;
    const struct kubeconfig *kubeconfig;
    const struct kube_config_options *options;
    struct kube_config *config;
    str context; /* its name */
};

/* A named entry and the file that it stands in. */
struct entry {
    const struct tree *value;
    const struct kubeconfig_file *file;
};

/* The first entry called `name` of "clusters", "users" or "contexts". */
static struct entry find_entry(const struct kubeconfig *k, const char *list, const char *member,
                               str name)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct tree *entries = tree_get(k->files[i].document, str_of(list));
        if (!tree_is(entries, TREE_ARRAY))
            continue;
        for (const struct tree *v = entries->first; v; v = v->next)
            if (str_eq(tree_text(tree_get(v, STR("name"))), name))
                return (struct entry){tree_get(v, str_of(member)), &k->files[i]};
    }
    return (struct entry){0};
}

static str current_context(const struct kubeconfig *k)
{
    str name = {0};
    for (size_t i = 0; i < k->count; i++) {
        str text = tree_text(tree_get(k->files[i].document, STR("current-context")));
        if (text.n)
            name = text;
    }
    return name;
}

static bool has_contexts(const struct kubeconfig *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct tree *contexts = tree_get(k->files[i].document, STR("contexts"));
        if (tree_is(contexts, TREE_ARRAY) && contexts->count)
            return true;
    }
    return false;
}

/* "kubeconfig /x, context y: " in front of an error. */
static enum err_kind in_context(const struct resolver *r, const struct kubeconfig_file *file,
                                struct err *e)
{
    if (file && file->path.n)
        return err_prefix(e,
                          "kubeconfig " STR_FMT ", context \"" STR_FMT "\": ", STR_ARG(file->path),
                          STR_ARG(r->context));
    return err_prefix(
        e, "kubeconfig of cluster_config, context \"" STR_FMT "\": ", STR_ARG(r->context));
}

static bool is_true(const struct tree *v)
{
    return tree_is(v, TREE_BOOL) && v->boolean;
}

/* A path in a file, terminated: relative ones refer to the file's folder. */
static str resolve_path(struct arena *out, const struct kubeconfig_file *file, str path)
{
    if (str_starts(path, STR("/")) || !file->folder.n)
        return str_copy(out, path);
    return str_printf(out, STR_FMT "/" STR_FMT, STR_ARG(file->folder), STR_ARG(path));
}

/* "<key>-data" (base64) or the file that "<key>" names; empty text where neither is given. `what`
 * (terminated, in scratch) says where it came from. */
static enum err_kind read_data(struct arena *scratch, const struct entry *entry, const char *key,
                               str *text, str *what, struct err *e)
{
    *text = (str){0};
    str data_key = str_printf(scratch, "%s-data", key);
    str data = tree_text(tree_get(entry->value, data_key));
    if (data.n) {
        *what = data_key;
        if (base64_decode(scratch, data, text, e))
            return err_prefix(e, "%s-data: ", key);
        return ERR_NONE;
    }
    str path = tree_text(tree_get(entry->value, str_of(key)));
    if (!path.n)
        return ERR_NONE;
    path = resolve_path(scratch, entry->file, path);
    *what = str_printf(scratch, "%s " STR_FMT, key, STR_ARG(path));
    if (!path.p || !what->p)
        return err_set(e, ERR_LIMIT, "no room to read %s", key);
    if (file_read(scratch, path.p, FILE_MAX, text, e)) {
        err_prefix(e, "%s: ", key);
        return ERR_INVALID;
    }
    return ERR_NONE;
}

/* ---- cluster ------------------------------------------------------------------------------- */

static enum err_kind read_server(struct resolver *r, const struct entry *cluster, struct err *e)
{
    struct kube_config *c = r->config;
    str server = str_trim(tree_text(tree_get(cluster->value, STR("server"))));
    while (str_ends(server, STR("/")))
        server.n--;
    bool https = str_starts(server, STR("https://"));
    if (!https && !str_starts(server, STR("http://")))
        return err_set(e, ERR_INVALID,
                       "the cluster's server \"" STR_FMT "\" is no http:// or https:// URL",
                       STR_ARG(server));
    c->target.base_url = server;
    c->target.tls = https ? &c->tls : NULL;
    c->target.tcp_keepalive = r->options->tcp_keepalive;
    c->target.proxy = r->options->proxy;
    str proxy = tree_text(tree_get(cluster->value, STR("proxy-url")));
    if (proxy.n && !str_starts(proxy, STR("http://")))
        return err_set(e, ERR_INVALID,
                       "proxy-url \"" STR_FMT "\" is not supported: give an http:// proxy",
                       STR_ARG(proxy));
    if (proxy.n)
        c->target.proxy = (struct http_proxy){.http_url = proxy, .https_url = proxy};
    return ERR_NONE;
}

static enum err_kind read_trust(struct resolver *r, const struct entry *cluster, struct err *e)
{
    struct kube_config *c = r->config;
    struct arena scratch = r->scratch;
    str text, what = {0};
    c->tls.server_name = tree_text(tree_get(cluster->value, STR("tls-server-name")));
    c->tls.insecure = is_true(tree_get(cluster->value, STR("insecure-skip-tls-verify")));
    enum err_kind kind = read_data(&scratch, cluster, "certificate-authority", &text, &what, e);
    if (kind)
        return kind;
    if (text.n && c->target.tls) {
        kind = kube_config_trust(r->out, scratch, text, what.p, c, e);
    } else {
        c->mark = kube_config_mark_of(r->out, c->target.base_url);
        if (c->target.tls && !c->tls.insecure)
            kind = tls_trust_system(r->out, NULL, &c->tls.trust, e);
    }
    return kind;
}

/* ---- user ---------------------------------------------------------------------------------- */

/* What an exec plugin is told of the cluster: the Cluster object of ExecCredential's spec. */
static struct tree *exec_cluster(struct resolver *r, const struct entry *cluster)
{
    static const char *const keys[] = {"server", "tls-server-name", "insecure-skip-tls-verify",
                                       "proxy-url"};
    struct tree *object = tree_object(r->out);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct tree *v = tree_get(cluster->value, str_of(keys[i]));
        if (v)
            tree_set(r->out, object, str_of(keys[i]), tree_clone(r->out, v));
    }
    struct arena scratch = r->scratch;
    str ca, what;
    if (!read_data(&scratch, cluster, "certificate-authority", &ca, &what, NULL) && ca.n) {
        struct buf b = buf_new(r->out, ca.n * 4 / 3 + 8);
        base64_encode(&b, ca);
        tree_set(r->out, object, STR("certificate-authority-data"), tree_str(r->out, buf_str(&b)));
    }
    const struct tree *extensions = tree_get(cluster->value, STR("extensions"));
    for (const struct tree *v = extensions ? extensions->first : NULL; v; v = v->next)
        if (str_eq(tree_text(tree_get(v, STR("name"))), STR("client.authentication.k8s.io/exec")))
            tree_set(r->out, object, STR("config"),
                     tree_clone(r->out, tree_get(v, STR("extension"))));
    return object;
}

static const struct tree *array_or_null(const struct tree *v)
{
    return tree_is(v, TREE_ARRAY) ? v : NULL;
}

static enum err_kind read_exec(struct resolver *r, const struct entry *user,
                               const struct entry *cluster, const struct tree *exec, struct err *e)
{
    struct kube_exec *x = &r->config->exec;
    x->api_version = tree_text(tree_get(exec, STR("apiVersion")));
    if (!str_eq(x->api_version, STR("client.authentication.k8s.io/v1")) &&
        !str_eq(x->api_version, STR("client.authentication.k8s.io/v1beta1")))
        return err_set(e, ERR_INVALID,
                       "the exec plugin's apiVersion \"" STR_FMT "\" is not supported: "
                       "client.authentication.k8s.io/v1 or v1beta1 is",
                       STR_ARG(x->api_version));
    str command = tree_text(tree_get(exec, STR("command")));
    if (!command.n)
        return err_set(e, ERR_INVALID, "the exec plugin has no command");
    if (str_eq(tree_text(tree_get(exec, STR("interactiveMode"))), STR("Always")))
        return err_set(e, ERR_INVALID,
                       "the exec plugin " STR_FMT " wants a terminal (interactiveMode: Always), "
                       "which a worker has not",
                       STR_ARG(command));
    x->command = str_find_char(command, '/') >= 0 ? resolve_path(r->out, user->file, command)
                                                  : str_copy(r->out, command);
    x->args = array_or_null(tree_get(exec, STR("args")));
    x->env = array_or_null(tree_get(exec, STR("env")));
    x->install_hint = tree_text(tree_get(exec, STR("installHint")));
    x->provide_cluster_info = is_true(tree_get(exec, STR("provideClusterInfo")));
    if (x->provide_cluster_info) {
        x->cluster = exec_cluster(r, cluster);
        if (!x->cluster)
            return err_set(e, ERR_LIMIT, "no room for the exec plugin's cluster");
    }
    r->config->credential = KUBE_EXEC;
    return x->command.p ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for the exec plugin's command");
}

static enum err_kind read_identity(struct resolver *r, const struct entry *user, struct err *e)
{
    struct arena scratch = r->scratch;
    str certificate, key, what = {0}, key_what = {0};
    enum err_kind kind = read_data(&scratch, user, "client-certificate", &certificate, &what, e);
    if (!kind)
        kind = read_data(&scratch, user, "client-key", &key, &key_what, e);
    if (kind || (!certificate.n && !key.n))
        return kind;
    if (!certificate.n || !key.n)
        return err_set(e, ERR_INVALID, "the user has a %s, but no %s",
                       certificate.n ? "client-certificate" : "client-key",
                       certificate.n ? "client-key" : "client-certificate");
    return tls_identity_from_pem(r->out, certificate, key, what.p, &r->config->tls.identity, e);
}

/* The token as it stands in the document, and the file that outdoes it. */
static void read_token(struct resolver *r, const struct entry *user)
{
    struct kube_config *c = r->config;
    c->token = str_trim(tree_text(tree_get(user->value, STR("token"))));
    str path = tree_text(tree_get(user->value, STR("tokenFile")));
    if (path.n)
        c->token_file = resolve_path(r->out, user->file, path);
    if (c->token_file.n)
        c->credential = KUBE_TOKEN_FILE;
    else if (c->token.n)
        c->credential = KUBE_TOKEN;
}

static enum err_kind read_user(struct resolver *r, const struct entry *user,
                               const struct entry *cluster, struct err *e)
{
    struct kube_config *c = r->config;
    enum err_kind kind = read_identity(r, user, e);
    if (kind)
        return kind;
    const struct tree *exec = tree_get(user->value, STR("exec"));
    if (tree_is(exec, TREE_OBJECT))
        return read_exec(r, user, cluster, exec, e);
    read_token(r, user);
    if (c->credential == KUBE_ANONYMOUS) {
        c->username = tree_text(tree_get(user->value, STR("username")));
        c->password = tree_text(tree_get(user->value, STR("password")));
        if (c->username.n)
            c->credential = KUBE_BASIC;
    }
    const struct tree *provider = tree_get(user->value, STR("auth-provider"));
    if (c->credential == KUBE_ANONYMOUS && !c->tls.identity && tree_is(provider, TREE_OBJECT))
        return err_set(e, ERR_INVALID,
                       "the user's auth-provider \"" STR_FMT "\" is not supported: use an exec "
                       "plugin (users[].user.exec), a token or a client certificate",
                       STR_ARG(tree_text(tree_get(provider, STR("name")))));
    if (tree_text(tree_get(user->value, STR("as"))).n)
        log_warning("kubeconfig: impersonation (\"as\") of context \"" STR_FMT "\" is ignored",
                    STR_ARG(r->context));
    return ERR_NONE;
}

/* ---- context ------------------------------------------------------------------------------- */

static enum err_kind read_context(struct resolver *r, const struct entry *context, struct err *e)
{
    struct kube_config *c = r->config;
    str cluster_name = tree_text(tree_get(context->value, STR("cluster")));
    str user_name = tree_text(tree_get(context->value, STR("user")));
    struct entry cluster = find_entry(r->kubeconfig, "clusters", "cluster", cluster_name);
    struct entry user = find_entry(r->kubeconfig, "users", "user", user_name);
    if (!cluster.value)
        return err_set(e, ERR_INVALID, "there is no cluster \"" STR_FMT "\"",
                       STR_ARG(cluster_name));
    if (!user.file && user_name.n)
        return err_set(e, ERR_INVALID, "there is no user \"" STR_FMT "\"", STR_ARG(user_name));
    str namespace = tree_text(tree_get(context->value, STR("namespace")));
    c->namespace = namespace.n ? namespace : STR("default");
    enum err_kind kind = read_server(r, &cluster, e);
    if (!kind)
        kind = read_trust(r, &cluster, e);
    if (!kind && user.value)
        kind = read_user(r, &user, &cluster, e);
    return kind;
}

enum err_kind kubeconfig_resolve(struct arena *out, struct arena scratch,
                                 const struct kubeconfig *kubeconfig, str context,
                                 const struct kube_config_options *options,
                                 struct kube_config *config, struct err *e)
{
    struct resolver r = {
        .out = out,
        .scratch = scratch,
        .kubeconfig = kubeconfig,
        .options = options,
        .config = config,
        .context = context.n ? context : current_context(kubeconfig),
    };
    if (!has_contexts(kubeconfig))
        return err_set(e, ERR_MISSING, "no kubeconfig has a context");
    const struct kubeconfig_file *first = &kubeconfig->files[0];
    if (!r.context.n) {
        err_set(e, ERR_INVALID,
                "no current-context is set: choose one (kubectl config "
                "use-context NAME)");
        return first->path.n ? err_prefix(e, "kubeconfig " STR_FMT ": ", STR_ARG(first->path))
                             : ERR_INVALID;
    }
    struct entry found = find_entry(kubeconfig, "contexts", "context", r.context);
    if (!found.value) {
        err_set(e, ERR_INVALID, "there is no such context");
        in_context(&r, first, e);
        return ERR_INVALID;
    }
    enum err_kind kind = read_context(&r, &found, e);
    if (kind) {
        in_context(&r, found.file, e);
        return kind == ERR_MISSING ? ERR_INVALID : kind;
    }
    config->source = found.file->path.n
                         ? str_printf(out, "kubeconfig " STR_FMT ", context " STR_FMT,
                                      STR_ARG(found.file->path), STR_ARG(r.context))
                         : str_printf(out, "cluster_config, context " STR_FMT, STR_ARG(r.context));
    return ERR_NONE;
}
