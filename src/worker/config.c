/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "format/yaml.h"
#include "net/url.h"

/* The Python client's 120 s is for a fallback that it seldom uses. */
#define INTERVAL_MOST_S 86400
#define NAME_BYTES_MAX 512
#define CANCELLATION_POLL_S 10

enum option {
    OPTION_NAME,
    OPTION_POOL,
    OPTION_QUEUE,
    OPTION_TYPE,
    OPTION_PREFETCH,
    OPTION_RUN_ONCE,
    OPTION_LIMIT,
    OPTION_HEALTHCHECK,
    OPTION_INSTALL_POLICY,
    OPTION_TEMPLATE,
    OPTION_CREATE_POOL,
    OPTION_MEMORY,
    OPTION_COUNT,
};

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_NAME] = {"name", 'n', ARGUMENT_TEXT, "NAME", NULL,
                     "what this worker is called; a --limit outlives a restart only with a name"},
    [OPTION_POOL] = {"pool", 'p', ARGUMENT_TEXT, "POOL", NULL, "the work pool to serve (required)"},
    [OPTION_QUEUE] = {"work-queue", 'q', ARGUMENT_LIST, "QUEUE", NULL,
                      "take runs of this queue alone; may be given again for further ones"},
    [OPTION_TYPE] = {"type", 't', ARGUMENT_TEXT, "TYPE", NULL,
                     "the pool's type, which can only be kubernetes; read from the pool without "
                     "this"},
    [OPTION_PREFETCH] = {"prefetch-seconds", 0, ARGUMENT_INTEGER, "SECONDS", NULL,
                         "take runs this long before they are due "
                         "(PREFECT_WORKER_PREFETCH_SECONDS)"},
    [OPTION_RUN_ONCE] = {"run-once", 0, ARGUMENT_FLAG, NULL, NULL,
                         "poll once, submit what is due, and end"},
    [OPTION_LIMIT] = {"limit", 'l', ARGUMENT_INTEGER, "COUNT", NULL,
                      "most Jobs of this worker that may be alive at the same time"},
    [OPTION_HEALTHCHECK] = {"with-healthcheck", 0, ARGUMENT_FLAG, NULL, NULL,
                            "serve GET /health for probes (PREFECT_WORKER_WEBSERVER_PORT)"},
    [OPTION_INSTALL_POLICY] = {"install-policy", 0, ARGUMENT_CHOICE, "WHEN",
                               "always|if-not-present|never|prompt",
                               "accepted and without effect: there are no packages to install"},
    [OPTION_TEMPLATE] = {"base-job-template", 0, ARGUMENT_TEXT, "FILE", NULL,
                         "JSON or YAML file with the template of a pool that is created"},
    [OPTION_CREATE_POOL] = {"create-pool-if-not-found", 0, ARGUMENT_FLAG, NULL, NULL,
                            "create the pool when it is missing (the default), or wait for it"},
    [OPTION_MEMORY] = {"memory-budget", 0, ARGUMENT_SIZE, "SIZE", NULL,
                       "most heap that the HTTP and YAML libraries may hold, e.g. 8Mi"},
};

const struct argument_syntax config_syntax = {options, OPTION_COUNT, NULL, 0};

/* What loading works with. */
struct loader {
    struct arena *perm;
    struct arena scratch;
    const struct argument_value *given; /* by enum option */
    const struct settings *settings;
    struct config *config;
    struct err *e;
};

static str text_of(const struct loader *l, const char *name)
{
    return settings_str(l->settings, name);
}

/* -- options */

/* Names go into URLs, labels and lines of the log. */
static enum err_kind check_name(struct loader *l, const char *option, str name)
{
    if (name.n > NAME_BYTES_MAX)
        return err_set(l->e, ERR_FATAL, "%s has %zu bytes; a name may have %d", option, name.n,
                       NAME_BYTES_MAX);
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
            return err_set(l->e, ERR_FATAL,
                           "%s: the name has a control character at byte %zu; write it without",
                           option, i + 1);
    return ERR_NONE;
}

static enum err_kind load_name(struct loader *l)
{
    struct config *c = l->config;
    c->name = l->given[OPTION_NAME].text;
    c->name_given = c->name.n > 0;
    if (str_find_char(c->name, '/') >= 0 || str_find_char(c->name, '%') >= 0)
        return err_set(l->e, ERR_FATAL,
                       "--name: '" STR_FMT "' has a / or %%, which a worker's name must not have",
                       STR_ARG(c->name));
    enum err_kind kind = check_name(l, "--name", c->name);
    if (kind)
        return kind;
    if (!c->name_given) {
        struct uuid id = uuid_v4();
        char text[UUID_TEXT_LEN + 1];
        c->name = str_printf(l->perm, "KubernetesWorker " STR_FMT, STR_ARG(uuid_format(&id, text)));
    }
    return c->name.p ? ERR_NONE : err_set(l->e, ERR_LIMIT, "no memory for the worker's name");
}

static enum err_kind ask_pool(struct loader *l)
{
    char line[512];
    fputs("Which work pool? ", stdout);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        line[0] = '\0';
    l->config->pool = str_copy(l->perm, str_trim(str_of(line)));
    return l->config->pool.n ? ERR_NONE
                             : err_set(l->e, ERR_FATAL, "--pool: no work pool was named");
}

static enum err_kind load_pool(struct loader *l, bool interactive)
{
    l->config->pool = l->given[OPTION_POOL].text;
    if (l->config->pool.n)
        return check_name(l, "--pool", l->config->pool);
    if (interactive && !l->given[OPTION_POOL].given)
        return ask_pool(l);
    return err_set(l->e, ERR_FATAL,
                   "--pool is missing: name the work pool to serve, as in --pool my-pool");
}

static enum err_kind load_type(struct loader *l)
{
    l->config->type = l->given[OPTION_TYPE].text;
    if (!l->config->type.n || str_eq(l->config->type, STR("kubernetes")))
        return ERR_NONE;
    return err_set(l->e, ERR_FATAL,
                   "--type: this worker serves pools of type kubernetes, not '" STR_FMT "'",
                   STR_ARG(l->config->type));
}

static enum err_kind load_template(struct loader *l)
{
    str path = l->given[OPTION_TEMPLATE].text, text;
    if (!l->given[OPTION_TEMPLATE].given)
        return ERR_NONE;
    str name = str_copy(&l->scratch, path);
    enum err_kind kind = name.p ? file_read(l->perm, name.p, FILE_MAX, &text, l->e)
                                : err_set(l->e, ERR_LIMIT, "the path is too long");
    struct tree *tree = NULL;
    bool yaml = str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml"));
    if (!kind)
        kind = yaml ? yaml_parse(l->perm, text, &tree, l->e)
                    : tree_parse_json(l->perm, l->scratch, text, &tree, l->e);
    if (!kind && !tree_is(tree, TREE_OBJECT))
        kind = err_set(l->e, ERR_INVALID, "the file holds no %s", yaml ? "mapping" : "JSON object");
    if (kind) {
        err_prefix(l->e, "--base-job-template " STR_FMT ": ", STR_ARG(path));
        return l->e ? (l->e->kind = ERR_FATAL) : ERR_FATAL;
    }
    l->config->base_job_template = tree;
    return ERR_NONE;
}

static enum err_kind load_numbers(struct loader *l)
{
    struct config *c = l->config;
    const struct argument_value *limit = &l->given[OPTION_LIMIT];
    const struct argument_value *memory = &l->given[OPTION_MEMORY];
    c->limit = limit->given ? limit->number : -1;
    if (limit->given && limit->number < 0)
        return err_set(l->e, ERR_FATAL, "--limit: %lld is negative; 0 takes no run at all",
                       (long long)limit->number);
    c->memory_budget = memory->given ? (size_t)memory->number : HEAP_BUDGET_DEFAULT;
    if (c->memory_budget < HEAP_BUDGET_MIN)
        return err_set(l->e, ERR_FATAL, "--memory-budget: less than %zuKi do not carry the worker",
                       HEAP_BUDGET_MIN / KIB);
    return ERR_NONE;
}

static enum err_kind load_options(struct loader *l, bool interactive)
{
    struct config *c = l->config;
    const struct argument_value *create = &l->given[OPTION_CREATE_POOL];
    c->queues = l->given[OPTION_QUEUE].list;
    c->queue_count = l->given[OPTION_QUEUE].count;
    c->run_once = l->given[OPTION_RUN_ONCE].on;
    c->with_healthcheck = l->given[OPTION_HEALTHCHECK].on;
    c->create_pool = !create->given || create->on;
    enum err_kind kind = load_numbers(l);
    if (!kind)
        kind = load_name(l);
    if (!kind)
        kind = load_type(l);
    if (!kind)
        kind = load_pool(l, interactive);
    return kind ? kind : load_template(l);
}

/* -- settings */

/* Seconds between two repetitions: a setting that would flood a server is refused, nan too. */
static enum err_kind interval_of(struct loader *l, const char *name, double least_s, double *out_s)
{
    double value_s = settings_f64(l->settings, name);
    if (!(value_s >= least_s && value_s <= INTERVAL_MOST_S))
        return err_set(l->e, ERR_FATAL, "%s is %g; give seconds from %g to %d", name, value_s,
                       least_s, INTERVAL_MOST_S);
    *out_s = value_s;
    return ERR_NONE;
}

static enum err_kind load_intervals(struct loader *l)
{
    struct config *c = l->config;
    const struct settings *s = l->settings;
    enum err_kind kind = interval_of(l, "PREFECT_WORKER_QUERY_SECONDS", 0.05, &c->query_s);
    if (!kind)
        kind = interval_of(l, "PREFECT_WORKER_HEARTBEAT_SECONDS", 1, &c->heartbeat_s);
    c->heartbeat_s = (double)(int64_t)c->heartbeat_s; /* whole seconds, as the Python worker */
    if (!kind && settings_is_set(s, "PREFECT_WORKER_CANCELLATION_POLL_SECONDS"))
        return interval_of(l, "PREFECT_WORKER_CANCELLATION_POLL_SECONDS", 0.1,
                           &c->cancellation_poll_s);
    c->cancellation_poll_s = CANCELLATION_POLL_S;
    return kind;
}

static enum err_kind load_url(struct loader *l)
{
    struct config *c = l->config;
    struct url url;
    c->api_url = text_of(l, "PREFECT_API_URL");
    while (str_ends(c->api_url, STR("/")))
        c->api_url.n--;
    if (!c->api_url.n)
        return err_set(l->e, ERR_FATAL,
                       "PREFECT_API_URL is not set: give the address of Prefect's API, as in "
                       "PREFECT_API_URL=http://prefect-server:4200/api");
    if (url_parse(c->api_url, &url, l->e) != ERR_NONE) {
        err_prefix(l->e, "PREFECT_API_URL can't be used: ");
        l->e->kind = ERR_FATAL;
        return ERR_FATAL;
    }
    return ERR_NONE;
}

static enum err_kind load_prefect(struct loader *l)
{
    struct config *c = l->config;
    const struct settings *s = l->settings;
    enum err_kind kind = load_url(l);
    if (!kind)
        kind = load_intervals(l);
    if (kind)
        return kind;
    c->ui_url = text_of(l, "PREFECT_UI_URL");
    c->cloud = settings_cloud(s);
    c->prefetch_s = (double)(int64_t)settings_f64(s, "PREFECT_WORKER_PREFETCH_SECONDS");
    if (l->given[OPTION_PREFETCH].given)
        c->prefetch_s = (double)l->given[OPTION_PREFETCH].number;
    c->cancellation = !settings_is_set(s, "PREFECT_WORKER_ENABLE_CANCELLATION") ||
                      settings_bool(s, "PREFECT_WORKER_ENABLE_CANCELLATION");
    c->health_host = text_of(l, "PREFECT_WORKER_WEBSERVER_HOST");
    int64_t port = settings_i64(s, "PREFECT_WORKER_WEBSERVER_PORT");
    if (port < 0 || port > 65535)
        return err_set(l->e, ERR_FATAL, "PREFECT_WORKER_WEBSERVER_PORT: %lld is no port",
                       (long long)port);
    c->health_port = (int)port;
    c->logs_to_api = settings_bool(s, "PREFECT_LOGGING_TO_API_ENABLED");
    c->logs_interval_s = settings_f64(s, "PREFECT_LOGGING_TO_API_BATCH_INTERVAL");
    c->logs_batch_size = (size_t)settings_i64(s, "PREFECT_LOGGING_TO_API_BATCH_SIZE");
    c->logs_max_size = (size_t)settings_i64(s, "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE");
    return ERR_NONE;
}

#define KUBERNETES(name) "PREFECT_INTEGRATIONS_KUBERNETES_" name

static enum fail_doomed read_fail_doomed(str word)
{
    if (str_eq(word, STR("never")))
        return FAIL_DOOMED_NEVER;
    return str_eq(word, STR("all")) ? FAIL_DOOMED_ALL : FAIL_DOOMED_CERTAIN;
}

static void load_kubernetes(struct loader *l)
{
    struct config *c = l->config;
    const struct settings *s = l->settings;
    c->api_key_secret_name = text_of(l, KUBERNETES("WORKER_API_KEY_SECRET_NAME"));
    c->api_key_secret_key = text_of(l, KUBERNETES("WORKER_API_KEY_SECRET_KEY"));
    c->auth_string_secret_name = text_of(l, KUBERNETES("WORKER_API_AUTH_STRING_SECRET_NAME"));
    c->auth_string_secret_key = text_of(l, KUBERNETES("WORKER_API_AUTH_STRING_SECRET_KEY"));
    c->create_secret_for_api_key = settings_bool(s, KUBERNETES("WORKER_CREATE_SECRET_FOR_API_KEY"));
    c->store_env_as_secret = settings_bool(s, KUBERNETES("WORKER_STORE_ENV_AS_SECRET"));
    c->tcp_keepalive = settings_bool(s, KUBERNETES("WORKER_ADD_TCP_KEEPALIVE"));
    c->create_attempts = settings_i64(s, KUBERNETES("WORKER_CREATE_JOB_RETRY_MAX_RETRIES"));
    c->create_delay_s = settings_i64(s, KUBERNETES("WORKER_CREATE_JOB_RETRY_DELAY_SECONDS"));
    c->create_jitter_min_s =
        settings_i64(s, KUBERNETES("WORKER_CREATE_JOB_RETRY_JITTER_MIN_SECONDS"));
    c->create_jitter_max_s =
        settings_i64(s, KUBERNETES("WORKER_CREATE_JOB_RETRY_JITTER_MAX_SECONDS"));
    c->observer_enabled = settings_bool(s, KUBERNETES("OBSERVER_ENABLED"));
    c->replicate_pod_events = settings_bool(s, KUBERNETES("OBSERVER_REPLICATE_POD_EVENTS"));
    c->forward_crashed_logs = settings_bool(s, KUBERNETES("OBSERVER_FORWARD_CRASHED_RUN_LOGS"));
    c->forward_tail_lines =
        settings_i64(s, KUBERNETES("OBSERVER_FORWARD_CRASHED_RUN_LOGS_TAIL_LINES"));
    c->cancel_grace_s = settings_f64(s, "PREFECT_K8S_WORKER_CANCEL_GRACE_SECONDS");
    c->stop_s = settings_f64(s, "PREFECT_K8S_WORKER_STOP_SECONDS");
    c->reconcile_s = settings_f64(s, "PREFECT_K8S_WORKER_RECONCILE_SECONDS");
    c->fail_doomed = read_fail_doomed(settings_str(s, "PREFECT_K8S_WORKER_FAIL_DOOMED"));
    c->log_streams = settings_i64(s, "PREFECT_K8S_WORKER_LOG_STREAMS");
    c->max_starting = settings_i64(s, "PREFECT_K8S_WORKER_MAX_STARTING");
}

static bool is_pattern(str namespace)
{
    return str_find_char(namespace, '*') >= 0 || str_find_char(namespace, '?') >= 0 ||
           str_find_char(namespace, '!') >= 0;
}

/* Exact names only; patterns are left out, as the Python worker does, and config_log says so. */
static enum err_kind load_scope(struct loader *l)
{
    struct config *c = l->config;
    str rest = text_of(l, KUBERNETES("OBSERVER_NAMESPACES")), name;
    str labels = text_of(l, KUBERNETES("OBSERVER_ADDITIONAL_LABEL_FILTERS"));
    str *names = ARENA_ARRAY(l->perm, str, rest.n / 2 + 1);
    c->observer_namespaces = names;
    c->observer_label_selector = str_printf(l->perm, "prefect.io/flow-run-id%s" STR_FMT,
                                            labels.n ? "," : "", STR_ARG(labels));
    if (!names || !c->observer_label_selector.p)
        return err_set(l->e, ERR_LIMIT, "no memory for the namespaces");
    while (rest.n) {
        str_cut(rest, ',', &name, &rest);
        if (name.n && !is_pattern(name))
            names[c->observer_namespace_count++] = name;
    }
    return ERR_NONE;
}

enum err_kind config_load(struct arena *perm, struct arena scratch,
                          const struct config_arguments *arguments, const struct settings *settings,
                          struct config *config, struct err *e)
{
    struct arguments parsed;
    *config = (struct config){.settings = settings};
    enum err_kind kind =
        arguments_parse(perm, &config_syntax, arguments->argc, arguments->argv, &parsed, e);
    if (kind)
        return kind;
    struct loader l = {perm, scratch, parsed.values, settings, config, e};
    kind = load_options(&l, arguments->interactive);
    if (!kind)
        kind = load_prefect(&l);
    load_kubernetes(&l);
    return kind ? kind : load_scope(&l);
}

enum err_kind config_load_settings(struct arena *perm, struct arena scratch,
                                   const struct settings *settings, struct config *config,
                                   struct err *e)
{
    static const struct argument_value nothing[OPTION_COUNT];
    *config = (struct config){.settings = settings};
    struct loader l = {perm, scratch, nothing, settings, config, e};
    enum err_kind kind = ERR_NONE;
    if (settings_str(settings, "PREFECT_API_URL").n)
        kind = load_prefect(&l);
    load_kubernetes(&l);
    return kind ? kind : load_scope(&l);
}

/* -- log */

static void warn_about_url(const struct config *c)
{
    str url = c->api_url, host = STR("api.prefect.cloud"), path;
    ptrdiff_t at = str_find(url, host);
    path = at < 0 ? STR("") : str_skip(url, (size_t)at + host.n);
    if (settings_bool(c->settings, "PREFECT_SILENCE_API_URL_MISCONFIGURATION"))
        return;
    if (str_has(url, STR("app.prefect.cloud")))
        log_warning("PREFECT_API_URL names Prefect Cloud's pages; its API is at "
                    "https://api.prefect.cloud/api");
    if (str_has(url, STR("account/")))
        log_warning("PREFECT_API_URL has account/ where Prefect Cloud's API has accounts/");
    if (str_has(url, STR("workspace/")))
        log_warning("PREFECT_API_URL has workspace/ where Prefect Cloud's API has workspaces/");
    if (path.n && !str_starts(path, STR("/api")))
        log_warning("PREFECT_API_URL lacks /api after the host: "
                    "https://api.prefect.cloud/api/accounts/.../workspaces/...");
}

static void warn_about_namespaces(const struct config *c)
{
    str rest = settings_str(c->settings, KUBERNETES("OBSERVER_NAMESPACES")), name;
    while (rest.n) {
        str_cut(rest, ',', &name, &rest);
        if (is_pattern(name))
            log_warning(KUBERNETES("OBSERVER_NAMESPACES") ": '" STR_FMT "' is left out, because "
                                                          "only whole names are taken",
                        STR_ARG(name));
    }
}

void config_log(const struct config *c)
{
    const struct settings *s = c->settings;
    struct log_options log = {.level = LOG_INFO};
    log_level_parse(settings_str(s, "PREFECT_LOGGING_LEVEL"), &log.level);
    if (settings_bool(s, "PREFECT_WORKER_DEBUG_MODE"))
        log.level = LOG_DEBUG;
    log.json = str_eq(settings_str(s, "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER"), STR("json"));
    log.colors = settings_bool(s, "PREFECT_LOGGING_COLORS") && isatty(STDERR_FILENO);
    log_configure(&log);
    log_set_worker(c->name, c->pool);
    log_add_secret(settings_str(s, "PREFECT_API_KEY"));
    log_add_secret(settings_str(s, "PREFECT_API_AUTH_STRING"));
    if (settings_warning(s).n)
        log_warning(STR_FMT, STR_ARG(settings_warning(s)));
    warn_about_url(c);
    warn_about_namespaces(c);
    if (c->limit >= 0 && !c->name_given)
        log_warning("--limit without --name: the worker gets a new name at each start, and then no "
                    "longer counts the Jobs that it had before");
}
