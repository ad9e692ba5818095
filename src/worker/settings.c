/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settings.h"

#include <stdlib.h>

#include "base/limits.h"
#include "worker/settings_sources.h"
#include "worker/settings_value.h"

struct value {
    str name; /* canonical; only where it is set */
    str text; /* in its normal form, or the default */
    bool set;
    bool null; /* set, and not passed down */
};

struct settings {
    struct value *values; /* settings_of_prefect, then settings_of_worker */
    str profile;
    str warning;
};

/* What loading works with. */
struct loader {
    struct arena *perm;
    struct arena scratch;
    struct settings *settings;
    struct settings_inputs inputs;
    struct err *e;
};

static size_t setting_count(void)
{
    return settings_of_prefect_count + settings_of_worker_count;
}

static const struct setting *setting_at(size_t i)
{
    return i < settings_of_prefect_count ? &settings_of_prefect[i]
                                         : &settings_of_worker[i - settings_of_prefect_count];
}

/* By its canonical name. */
static struct value *find(const struct settings *s, const char *name)
{
    str wanted = str_skip(str_of(name), sizeof "PREFECT_" - 1);
    for (size_t i = 0; i < setting_count(); i++) {
        if (settings_path_is(setting_at(i)->path, wanted))
            return &s->values[i];
    }
    ASSERT(!"no such setting");
    return NULL;
}

/* -- values from the sources */

static enum err_kind refuse(struct loader *l, const struct setting *setting,
                            enum settings_source source, const struct tree *given)
{
    char name[SETTING_NAME_MAX];
    str where = settings_inputs_where(&l->scratch, &l->inputs, source, given);
    err_prefix(l->e, STR_FMT " " STR_FMT ": ", STR_ARG(setting_name(setting, name)),
               STR_ARG(where));
    return l->e ? l->e->kind : ERR_INVALID;
}

/* The first source that says something decides; null in JSON says nothing. */
static enum err_kind read_first(struct loader *l, struct setting_reader *r, struct value *value)
{
    for (size_t source = 0; source < SETTINGS_SOURCE_COUNT; source++) {
        const struct tree *found = settings_inputs_find(&l->inputs, r->setting, source);
        const struct tree *given = found;
        if (!found)
            continue;
        r->decode_unions = source <= SETTINGS_DOTENV;
        if (setting_decode(r, &given))
            return refuse(l, r->setting, source, found);
        if (given->type == TREE_NULL)
            continue;
        value->set = true;
        return setting_read(r, given, &value->text, &value->null)
                   ? refuse(l, r->setting, source, found)
                   : ERR_NONE;
    }
    return ERR_NONE;
}

/* Objects are put on top of each other, the first source uppermost. */
static enum err_kind read_merged(struct loader *l, struct setting_reader *r, struct value *value)
{
    struct tree *merged = NULL;
    size_t from = 0;
    const struct tree *last = NULL;
    for (size_t source = SETTINGS_SOURCE_COUNT; source-- > 0;) {
        const struct tree *found = settings_inputs_find(&l->inputs, r->setting, source);
        const struct tree *given = found;
        if (!found)
            continue;
        if (setting_decode(r, &given))
            return refuse(l, r->setting, source, found);
        if (given->type == TREE_NULL && source <= SETTINGS_DOTENV)
            continue;
        merged = setting_merge(&l->scratch, merged, given);
        if (!merged)
            return err_set(l->e, ERR_LIMIT, "the settings are too large");
        from = source;
        last = found;
    }
    value->set = merged != NULL;
    if (merged && setting_read(r, merged, &value->text, &value->null))
        return refuse(l, r->setting, from, last);
    return ERR_NONE;
}

static enum err_kind read_setting(struct loader *l, size_t index)
{
    const struct setting *setting = setting_at(index);
    struct value *value = &l->settings->values[index];
    struct setting_reader r = {.out = &l->scratch,
                               .scratch = *l->perm,
                               .setting = setting,
                               .home = l->inputs.user_home,
                               .prefect_home = l->settings->values[0].text,
                               .e = l->e};
    char name[SETTING_NAME_MAX];
    enum err_kind kind =
        setting_is_object(setting) ? read_merged(l, &r, value) : read_first(l, &r, value);
    if (kind)
        return kind;
    if (!value->set) {
        value->text = str_of(setting->fallback);
        return ERR_NONE;
    }
    value->text = str_copy(l->perm, value->text);
    value->name = str_copy(l->perm, setting_name(setting, name));
    return value->text.p && value->name.p ? ERR_NONE
                                          : err_set(l->e, ERR_LIMIT, "the settings are too large");
}

/* PREFECT_HOME comes first, because the next one may refer to it. */
static enum err_kind read_all(struct loader *l)
{
    enum err_kind kind = read_setting(l, 0);
    struct value *home = &l->settings->values[0];
    ASSERT(home == find(l->settings, "PREFECT_HOME"));
    if (!home->set)
        home->text = str_printf(l->perm, STR_FMT "/.prefect", STR_ARG(l->inputs.user_home));
    for (size_t i = 1; !kind && i < setting_count(); i++)
        kind = read_setting(l, i);
    return kind;
}

/* -- defaults that depend on others */

static void derive(struct value *value, str text)
{
    if (!value->set)
        value->text = text;
}

static str under_home(struct loader *l, const char *name)
{
    return str_printf(l->perm, STR_FMT "/%s", STR_ARG(find(l->settings, "PREFECT_HOME")->text),
                      name);
}

static str without_api(str url)
{
    return str_ends(url, STR("/api")) ? str_sub(url, 0, url.n - 4) : url;
}

/* https://api.prefect.cloud/api -> https://app.prefect.cloud */
static str cloud_ui_url(struct arena *out, str api_url)
{
    str host = str_skip(api_url, sizeof "https://api" - 1), name;
    str_cut(host, '/', &name, &host);
    if (str_starts(api_url, STR("https://api")) && str_has(name, STR("prefect.")))
        api_url = str_printf(out, "https://app" STR_FMT,
                             STR_ARG(str_skip(api_url, sizeof "https://api" - 1)));
    return without_api(api_url);
}

/* http://host:4200/api -> http://host:4200; Cloud's accounts/A/workspaces/W -> account/A/... */
static str ui_url(struct arena *out, str api_url, str cloud_api_url, str cloud_pages)
{
    str url = api_url;
    if (!url.n)
        return url;
    if (cloud_api_url.n && cloud_pages.n && str_starts(url, cloud_api_url))
        url = str_replace(out, url, cloud_api_url, cloud_pages);
    url = str_replace(out, without_api(url), STR("/api/"), STR("/"));
    url = str_replace(out, url, STR("/accounts/"), STR("/account/"));
    return str_replace(out, url, STR("/workspaces/"), STR("/workspace/"));
}

static void derive_all(struct loader *l, char *const *environment)
{
    struct settings *s = l->settings;
    derive(find(s, "PREFECT_PROFILES_PATH"), under_home(l, "profiles.toml"));
    derive(find(s, "PREFECT_LOGGING_CONFIG_PATH"), under_home(l, "logging.yml"));
    derive(find(s, "PREFECT_RESULTS_LOCAL_STORAGE_PATH"), under_home(l, "storage"));
    derive(find(s, "PREFECT_SERVER_MEMO_STORE_PATH"), under_home(l, "memo_store.toml"));
    str cloud_api = find(s, "PREFECT_CLOUD_API_URL")->text;
    derive(find(s, "PREFECT_CLOUD_UI_URL"), cloud_ui_url(l->perm, cloud_api));
    derive(find(s, "PREFECT_UI_URL"), ui_url(l->perm, find(s, "PREFECT_API_URL")->text, cloud_api,
                                             find(s, "PREFECT_CLOUD_UI_URL")->text));
    for (; *environment; environment++) {
        str name, value;
        if (str_cut(str_of(*environment), '=', &name, &value) && str_eq(name, STR("SSL_CERT_FILE")))
            derive(find(s, "PREFECT_API_SSL_CERT_FILE"), value);
    }
}

/* -- settings that change others */

static void force_debug(struct value *level)
{
    *level = (struct value){.text = STR("DEBUG")};
}

static enum err_kind check_log_sizes(struct loader *l)
{
    struct settings *s = l->settings;
    struct value *size = find(s, "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE");
    int64_t most = settings_i64(s, "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE");
    int64_t cloud_most = settings_i64(s, "PREFECT_CLOUD_MAX_LOG_SIZE");
    if (settings_i64(s, "PREFECT_LOGGING_TO_API_BATCH_SIZE") < most)
        return err_set(l->e, ERR_INVALID,
                       "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE (%lld) must not exceed "
                       "PREFECT_LOGGING_TO_API_BATCH_SIZE (%lld)",
                       (long long)most,
                       (long long)settings_i64(s, "PREFECT_LOGGING_TO_API_BATCH_SIZE"));
    if (!settings_cloud(s))
        return ERR_NONE;
    size->name = STR("PREFECT_LOGGING_TO_API_MAX_LOG_SIZE");
    size->set = true;
    if (most > cloud_most)
        size->text = find(s, "PREFECT_CLOUD_MAX_LOG_SIZE")->text;
    return ERR_NONE;
}

/* The server's database is none of the worker's business; but what the Python worker would refuse
 * must not reach a run. A URL with the password filled in is not passed down. */
static enum err_kind check_database(struct loader *l)
{
    struct settings *s = l->settings;
    struct value *url = find(s, "PREFECT_SERVER_DATABASE_CONNECTION_URL");
    if (!url->set && str_starts(find(s, "PREFECT_SERVER_DATABASE_DRIVER")->text, STR("postgres")) &&
        !(settings_is_set(s, "PREFECT_SERVER_DATABASE_HOST") &&
          settings_is_set(s, "PREFECT_SERVER_DATABASE_USER") &&
          settings_is_set(s, "PREFECT_SERVER_DATABASE_NAME")))
        return err_set(l->e, ERR_INVALID,
                       "PREFECT_SERVER_DATABASE_DRIVER: PostgreSQL needs "
                       "PREFECT_SERVER_DATABASE_HOST, _USER and _NAME too");
    if (str_has(url->text, STR("PREFECT_API_DATABASE_PASSWORD")) ||
        str_has(url->text, STR("PREFECT_SERVER_DATABASE_PASSWORD"))) {
        if (!settings_is_set(s, "PREFECT_SERVER_DATABASE_PASSWORD"))
            return err_set(l->e, ERR_INVALID,
                           "PREFECT_SERVER_DATABASE_CONNECTION_URL refers to "
                           "PREFECT_SERVER_DATABASE_PASSWORD, which is not set");
        *url = (struct value){0};
    }
    return ERR_NONE;
}

static enum err_kind apply_rules(struct loader *l)
{
    struct settings *s = l->settings;
    if (settings_bool(s, "PREFECT_DEBUG_MODE") || settings_bool(s, "PREFECT_TESTING_TEST_MODE")) {
        force_debug(find(s, "PREFECT_LOGGING_LEVEL"));
        force_debug(find(s, "PREFECT_INTERNAL_LOGGING_LEVEL"));
    }
    enum err_kind kind = check_log_sizes(l);
    return kind ? kind : check_database(l);
}

enum err_kind settings_load(struct arena *perm, struct arena scratch,
                            const struct settings_sources *sources,
                            const struct settings **settings, struct err *e)
{
    struct loader l = {.perm = perm, .scratch = scratch, .e = e};
    l.settings = ARENA_NEW(perm, struct settings);
    struct value *values = ARENA_ARRAY(perm, struct value, setting_count());
    if (!l.settings || !values)
        return err_set(e, ERR_LIMIT, "no memory for the settings");
    l.settings->values = values;
    enum err_kind kind = settings_inputs_load(&l.scratch, sources, &l.inputs, e);
    if (!kind)
        kind = read_all(&l);
    if (kind)
        return kind;
    derive_all(&l, sources->environment);
    l.settings->profile = str_copy(perm, l.inputs.profile);
    l.settings->warning = str_copy(perm, l.inputs.warning);
    kind = apply_rules(&l);
    *settings = l.settings;
    return kind;
}

/* -- reading */

str settings_str(const struct settings *s, const char *name)
{
    return find(s, name)->text;
}

bool settings_is_set(const struct settings *s, const char *name)
{
    return find(s, name)->set;
}

bool settings_bool(const struct settings *s, const char *name)
{
    return str_eq(find(s, name)->text, STR("True"));
}

int64_t settings_i64(const struct settings *s, const char *name)
{
    str text = find(s, name)->text;
    int64_t value = 0;
    if (!str_to_i64(text, &value) && text.n)
        value = str_starts(text, STR("-")) ? INT64_MIN : INT64_MAX;
    return value;
}

double settings_f64(const struct settings *s, const char *name)
{
    double value = 0;
    return setting_float(find(s, name)->text, &value) ? value : 0;
}

bool settings_cloud(const struct settings *s)
{
    str url = settings_str(s, "PREFECT_API_URL"), cloud = settings_str(s, "PREFECT_CLOUD_API_URL");
    return url.n && cloud.n && str_starts(url, cloud);
}

bool settings_propagated(const struct settings *s, size_t index, str *name, str *value,
                         bool *secret)
{
    for (size_t i = 0; i < settings_of_prefect_count; i++) {
        if (!s->values[i].set || s->values[i].null || index--)
            continue;
        *name = s->values[i].name;
        *value = s->values[i].text;
        *secret = settings_of_prefect[i].type == SETTING_SECRET ||
                  settings_of_prefect[i].type == SETTING_HEADERS;
        return true;
    }
    return false;
}

str settings_profile(const struct settings *s)
{
    return s->profile;
}

str settings_warning(const struct settings *s)
{
    return s->warning;
}
