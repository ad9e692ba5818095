/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/connect.h"

#define EXTRA_CODES_MAX 500

/* PREFECT_CLIENT_RETRY_EXTRA_CODES, checked by the settings already: "409,500". */
static size_t extra_codes(struct worker *w, const int **codes)
{
    str list = settings_str(w->config->settings, "PREFECT_CLIENT_RETRY_EXTRA_CODES");
    int *out = arena_must(w->perm, sizeof *out * EXTRA_CODES_MAX);
    size_t count = 0;
    while (list.n && count < EXTRA_CODES_MAX) {
        str item;
        int64_t code;
        str_cut(list, ',', &item, &list);
        if (str_to_i64(str_trim(item), &code))
            out[count++] = (int)code;
    }
    *codes = out;
    return count;
}

static enum err_kind prefect_tls(struct worker *w, struct tls_config *tls, struct err *e)
{
    const struct settings *settings = w->config->settings;
    *tls = (struct tls_config){.insecure =
                                   settings_bool(settings, "PREFECT_API_TLS_INSECURE_SKIP_VERIFY")};
    if (tls->insecure || !str_starts(w->config->api_url, STR("https://")))
        return ERR_NONE;
    str file = settings_str(settings, "PREFECT_API_SSL_CERT_FILE");
    return tls_trust_system(w->perm, file.n ? file.p : NULL, &tls->trust, e);
}

enum err_kind connect_prefect(struct worker *w, struct err *e)
{
    const struct config *config = w->config;
    const struct settings *settings = config->settings;
    struct prefect_options options = {
        .api_url = config->api_url,
        .api_key = settings_str(settings, "PREFECT_API_KEY"),
        .api_auth_string = settings_str(settings, "PREFECT_API_AUTH_STRING"),
        .custom_headers = settings_str(settings, "PREFECT_CLIENT_CUSTOM_HEADERS"),
        .proxy = http_proxy_from_environment(),
        .request_timeout_s = settings_f64(settings, "PREFECT_API_REQUEST_TIMEOUT"),
        .max_retries = (int)settings_i64(settings, "PREFECT_CLIENT_MAX_RETRIES"),
        .jitter_factor = settings_f64(settings, "PREFECT_CLIENT_RETRY_JITTER_FACTOR"),
        .csrf = settings_bool(settings, "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED") && !config->cloud,
        .cloud = config->cloud,
    };
    log_add_secret(options.api_key);
    log_add_secret(options.api_auth_string);
    options.extra_code_count = extra_codes(w, &options.extra_codes);
    enum err_kind kind = prefect_tls(w, &options.tls, e);
    if (kind)
        return kind;
    return prefect_open(w->perm, w->loop, w->http, &options, &w->prefect, e);
}
