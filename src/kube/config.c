/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/file.h"
#include "format/yaml.h"
#include "kube/kubeconfig.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* ---- the cluster's mark -------------------------------------------------------------------- */

str kube_config_mark_of(struct arena *out, str bytes)
{
    char hex[65];
    sha256_hex(bytes, hex);
    return str_copy(out, (str){hex, 8});
}

/* DER of the first certificate; empty where there is none. */
static str first_certificate(struct arena *scratch, str pem)
{
    ptrdiff_t begin = str_find(pem, STR("-----BEGIN CERTIFICATE-----"));
    if (begin < 0)
        return (str){0};
    str rest = str_skip(pem, (size_t)begin + 27);
    ptrdiff_t end = str_find(rest, STR("-----END CERTIFICATE-----"));
    str der = {0};
    if (end < 0 || base64_decode(scratch, str_sub(rest, 0, (size_t)end), &der, NULL))
        return (str){0};
    return der;
}

enum err_kind kube_config_trust(struct arena *out, struct arena scratch, str ca_pem,
                                const char *what, struct kube_config *config, struct err *e)
{
    enum err_kind kind = tls_trust_from_pem(out, ca_pem, what, &config->tls.trust, e);
    if (kind)
        return kind;
    str der = first_certificate(&scratch, ca_pem);
    config->mark = kube_config_mark_of(out, der.n ? der : ca_pem);
    return config->mark.p ? ERR_NONE : err_set(e, ERR_LIMIT, "no room for %s", what);
}

/* ---- the service account of the pod -------------------------------------------------------- */

struct account_files {
    str folder;
    str token, ca, namespace; /* paths, terminated */
};

static bool has_content(struct arena scratch, str path)
{
    str text;
    return !file_read(&scratch, path.p, FILE_MAX, &text, NULL) && str_trim(text).n > 0;
}

static struct account_files account_files(struct arena *out,
                                          const struct kube_config_options *options)
{
    str folder =
        options->service_account_dir.n ? options->service_account_dir : STR(SERVICE_ACCOUNT_DIR);
    return (struct account_files){
        .folder = folder,
        .token = str_printf(out, STR_FMT "/token", STR_ARG(folder)),
        .ca = str_printf(out, STR_FMT "/ca.crt", STR_ARG(folder)),
        .namespace = str_printf(out, STR_FMT "/namespace", STR_ARG(folder)),
    };
}

static bool is_in_cluster(struct arena scratch, const struct account_files *files, str host,
                          str port)
{
    return host.n && port.n && files->token.p && files->ca.p && files->namespace.p &&
           has_content(scratch, files->token) && has_content(scratch, files->ca);
}

static enum err_kind load_account(struct arena *out, struct arena scratch,
                                  const struct kube_config_options *options,
                                  const struct account_files *files, struct kube_config *config,
                                  struct err *e)
{
    str host = str_of(getenv("KUBERNETES_SERVICE_HOST"));
    str port = str_of(getenv("KUBERNETES_SERVICE_PORT"));
    bool bracketed = str_find_char(host, ':') >= 0 && !str_starts(host, STR("["));
    config->target.base_url =
        str_printf(out, "https://%s" STR_FMT "%s:" STR_FMT, bracketed ? "[" : "", STR_ARG(host),
                   bracketed ? "]" : "", STR_ARG(port));
    config->target.tls = &config->tls;
    config->target.proxy = options->proxy;
    config->target.tcp_keepalive = options->tcp_keepalive;
    config->source = str_printf(out, "service account in " STR_FMT, STR_ARG(files->folder));
    config->credential = KUBE_TOKEN_FILE;
    config->token_file = files->token;
    str text;
    if (!file_read(&scratch, files->namespace.p, KIB, &text, NULL) && str_trim(text).n)
        config->namespace = str_copy(out, str_trim(text));
    else
        config->namespace = STR("default");
    if (!config->target.base_url.p || !config->source.p || !config->namespace.p)
        return err_set(e, ERR_LIMIT, "no room for the service account's configuration");
    str ca;
    enum err_kind kind = file_read(&scratch, files->ca.p, FILE_MAX, &ca, e);
    if (kind)
        return kind;
    str what = str_printf(&scratch, "the service account's CA file " STR_FMT, STR_ARG(files->ca));
    return kube_config_trust(out, scratch, ca, what.p ? what.p : "the CA file", config, e);
}

/* ---- kubeconfig files ---------------------------------------------------------------------- */

/* "~" and "~/x" as a shell reads them; terminated. */
static str expand_home(struct arena *out, str path, str home)
{
    if (str_eq(path, STR("~")) || str_starts(path, STR("~/")))
        return str_printf(out, STR_FMT STR_FMT, STR_ARG(home), STR_ARG(str_skip(path, 1)));
    return str_copy(out, path);
}

static enum err_kind add_file(struct arena *out, struct kubeconfig *kubeconfig, str path,
                              struct err *e)
{
    if (kubeconfig->count == ARRAY_LEN(kubeconfig->files))
        return err_set(e, ERR_LIMIT, "KUBECONFIG lists more than %d files", KUBECONFIG_FILES_MAX);
    str text;
    enum err_kind kind = file_read(out, path.p, FILE_MAX, &text, e);
    if (kind)
        return err_prefix(e, "kubeconfig: ");
    struct tree *document;
    kind = yaml_parse(out, text, &document, e);
    if (kind)
        return err_prefix(e, "kubeconfig " STR_FMT ": ", STR_ARG(path));
    if (tree_is_null(document))
        return ERR_NONE; /* an empty file */
    if (!tree_is(document, TREE_OBJECT))
        return err_set(e, ERR_INVALID, "kubeconfig " STR_FMT " is no mapping", STR_ARG(path));
    ptrdiff_t slash = str_rfind_char(path, '/');
    kubeconfig->files[kubeconfig->count++] = (struct kubeconfig_file){
        .document = document,
        .path = path,
        .folder = slash < 0 ? (str){0} : str_sub(path, 0, slash > 0 ? (size_t)slash : 1),
    };
    return ERR_NONE;
}

/* Files of the list that do not exist are passed over, as kubectl does. */
static enum err_kind load_files(struct arena *out, str list, str home,
                                struct kubeconfig *kubeconfig, struct err *e)
{
    enum err_kind kind = ERR_NONE;
    while (!kind && list.n) {
        str head;
        str_cut(list, ':', &head, &list);
        str path = expand_home(out, head, home);
        if (!path.p)
            return err_set(e, ERR_LIMIT, "no room for the kubeconfig files");
        if (head.n && file_exists(path.p))
            kind = add_file(out, kubeconfig, path, e);
    }
    return kind;
}

static enum err_kind nothing_found(const struct account_files *files, bool read_any, str list,
                                   struct err *e)
{
    return err_set(e, ERR_MISSING,
                   "no Kubernetes cluster is configured: there is no service account in " STR_FMT
                   " (with KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT), and %s " STR_FMT
                   "; set KUBECONFIG to the file to use",
                   STR_ARG(files->folder),
                   read_any ? "no context in the kubeconfig" : "no kubeconfig file at",
                   STR_ARG(list));
}

enum err_kind kube_config_load(struct arena *out, struct arena scratch,
                               const struct kube_config_options *options,
                               struct kube_config **config, struct err *e)
{
    struct kube_config *c = ARENA_NEW(out, struct kube_config);
    struct account_files files = account_files(out, options);
    if (!c || !files.namespace.p)
        return err_set(e, ERR_LIMIT, "no room for the cluster's configuration");
    *config = c;
    if (is_in_cluster(scratch, &files, str_of(getenv("KUBERNETES_SERVICE_HOST")),
                      str_of(getenv("KUBERNETES_SERVICE_PORT"))))
        return load_account(out, scratch, options, &files, c, e);
    str list = options->kubeconfig_paths.n ? options->kubeconfig_paths : STR("~/.kube/config");
    struct kubeconfig kubeconfig = {0};
    enum err_kind kind = load_files(out, list, options->home, &kubeconfig, e);
    if (kind)
        return kind == ERR_MISSING ? ERR_INVALID : kind;
    kind = kubeconfig_resolve(out, scratch, &kubeconfig, options->context, options, c, e);
    return kind == ERR_MISSING ? nothing_found(&files, kubeconfig.count > 0, list, e) : kind;
}

enum err_kind kube_config_from_tree(struct arena *out, struct arena scratch,
                                    const struct tree *document, str context,
                                    const struct kube_config_options *options,
                                    struct kube_config **config, struct err *e)
{
    struct kube_config *c = ARENA_NEW(out, struct kube_config);
    if (!c)
        return err_set(e, ERR_LIMIT, "no room for the cluster's configuration");
    *config = c;
    struct kubeconfig kubeconfig = {.files = {{.document = document}}, .count = 1};
    enum err_kind kind = kubeconfig_resolve(out, scratch, &kubeconfig, context, options, c, e);
    if (kind == ERR_MISSING)
        return err_set(e, ERR_INVALID, "the kubeconfig of cluster_config has no contexts");
    return kind;
}
