/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settings_sources.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "format/dotenv.h"
#include "format/toml.h"

static const char *const file_names[SETTINGS_SOURCE_COUNT] = {
    [SETTINGS_DOTENV] = ".env",
    [SETTINGS_PREFECT_TOML] = "prefect.toml",
    [SETTINGS_PYPROJECT] = "pyproject.toml",
    [SETTINGS_OLD_PREFECT_TOML] = "prefect.toml",
    [SETTINGS_OLD_PYPROJECT] = "pyproject.toml",
};

/* The profiles that are there without a file. */
static const str built_in = STR_INIT("active = 'ephemeral'\n"
                                     "[profiles.ephemeral]\n"
                                     "PREFECT_SERVER_EPHEMERAL_ENABLED = 'true'\n"
                                     "[profiles.local]\n"
                                     "PREFECT_API_URL = 'http://127.0.0.1:4200/api'\n"
                                     "[profiles.test]\n"
                                     "PREFECT_SERVER_EPHEMERAL_ENABLED = 'true'\n"
                                     "PREFECT_SERVER_DATABASE_CONNECTION_URL = "
                                     "'sqlite+aiosqlite:///:memory:'\n"
                                     "[profiles.cloud]\n");

static char upper(char c)
{
    if (c == '.')
        return '_';
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

bool settings_path_is(const char *path, str name)
{
    size_t n = strlen(path);
    for (size_t i = 0; n == name.n && i < n; i++) {
        if (upper(path[i]) != name.p[i])
            return false;
    }
    return n == name.n;
}

str setting_name(const struct setting *setting, char out[SETTING_NAME_MAX])
{
    size_t n = 8, path_n = strlen(setting->path);
    ASSERT(n + path_n < SETTING_NAME_MAX);
    memcpy(out, "PREFECT_", n);
    for (size_t i = 0; i < path_n; i++)
        out[n++] = upper(setting->path[i]);
    out[n] = '\0';
    return (str){out, n};
}

/* -- environment and .env */

/* Members of `names` that are Prefect's, with names in capitals; of two that then are the same the
 * later one counts. */
static enum err_kind put_variable(struct arena *out, struct tree *object, str name, str value,
                                  uint32_t line, struct err *e)
{
    if (!str_eq_nocase(str_sub(name, 0, 8), STR("PREFECT_")))
        return ERR_NONE;
    if (object->count >= SETTINGS_PAIRS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d PREFECT_ variables", SETTINGS_PAIRS_MAX);
    char *p = arena_bytes(out, name.n);
    struct tree *v = tree_str(out, value);
    if (!p || !v)
        return err_set(e, ERR_LIMIT, "the environment is too large");
    for (size_t i = 0; i < name.n; i++)
        p[i] = upper(name.p[i]);
    v->line = line;
    return tree_set(out, object, (str){p, name.n}, v)
               ? ERR_NONE
               : err_set(e, ERR_LIMIT, "the environment is too large");
}

static enum err_kind read_environment(struct arena *out, char *const *environment,
                                      struct settings_inputs *inputs, struct err *e)
{
    struct tree *object = tree_object(out);
    enum err_kind kind = object ? ERR_NONE : err_set(e, ERR_LIMIT, "no memory");
    for (; !kind && *environment; environment++) {
        str name, value;
        if (str_cut(str_of(*environment), '=', &name, &value))
            kind = put_variable(out, object, name, value, 0, e);
    }
    inputs->of[SETTINGS_ENVIRONMENT] = object;
    return kind;
}

static str variable(char *const *environment, str wanted)
{
    for (; *environment; environment++) {
        str name, value;
        if (str_cut(str_of(*environment), '=', &name, &value) && str_eq(name, wanted))
            return value;
    }
    return (str){0};
}

/* -- files */

/* *found is false, and nothing wrong, where the file is not there. */
static enum err_kind read_file(struct arena *out, str folder, const char *name, str *text,
                               bool *found, struct err *e)
{
    str path = folder.n && name[0] != '/' ? str_printf(out, STR_FMT "/%s", STR_ARG(folder), name)
                                          : str_copy(out, str_of(name));
    *found = false;
    if (!path.p)
        return err_set(e, ERR_LIMIT, "a path is too long");
    enum err_kind kind = file_read(out, path.p, FILE_MAX, text, e);
    if (kind == ERR_MISSING)
        return ERR_NONE;
    *found = !kind;
    return kind;
}

static enum err_kind read_toml(struct arena *out, str folder, const char *name, struct tree **tree,
                               struct err *e)
{
    str text;
    bool found;
    enum err_kind kind = read_file(out, folder, name, &text, &found, e);
    *tree = NULL;
    if (kind || !found)
        return kind;
    kind = toml_parse(out, text, tree, e);
    return kind ? err_prefix(e, "%s: ", name) : ERR_NONE;
}

static str variable_fn(void *environment, str wanted)
{
    return variable(environment, wanted);
}

static enum err_kind read_dotenv(struct arena *out, const struct settings_sources *sources,
                                 struct settings_inputs *inputs, struct err *e)
{
    str text;
    bool found;
    struct tree *all, *object = tree_object(out);
    enum err_kind kind = read_file(out, sources->folder, ".env", &text, &found, e);
    if (kind || !found)
        return kind;
    kind = dotenv_parse(out, text, variable_fn, (void *)sources->environment, &all, e);
    if (kind)
        return err_prefix(e, ".env: ");
    if (!object)
        return err_set(e, ERR_LIMIT, ".env is too large");
    for (const struct tree *v = all->first; !kind && v; v = v->next) {
        if (v->type == TREE_STRING)
            kind = put_variable(out, object, v->key, v->text, v->line, e);
    }
    inputs->of[SETTINGS_DOTENV] = object;
    return kind;
}

/* -- profile */

static str first_text(const struct tree *v)
{
    return v && v->type == TREE_STRING ? v->text : STR("");
}

static str expand(struct arena *out, const struct settings_inputs *inputs, str path, str home)
{
    str rest = str_skip(path, sizeof "$PREFECT_HOME" - 1);
    if (str_starts(path, STR("$PREFECT_HOME")))
        return str_printf(out, STR_FMT STR_FMT, STR_ARG(home), STR_ARG(rest));
    if (str_eq(path, STR("~")) || str_starts(path, STR("~/")))
        return str_printf(out, STR_FMT STR_FMT, STR_ARG(inputs->user_home),
                          STR_ARG(str_skip(path, 1)));
    return str_copy(out, path);
}

/* Where the profiles file is, whether it is there or not. *chosen: somebody said so. */
static str profiles_path(struct arena *out, const struct settings_inputs *inputs, bool *chosen)
{
    str home = first_text(tree_get(inputs->of[SETTINGS_ENVIRONMENT], STR("PREFECT_HOME")));
    *chosen = true;
    str expanded = expand(out, inputs, home.n ? home : STR("~/.prefect"), STR(""));
    static const enum settings_source order[] = {SETTINGS_ENVIRONMENT, SETTINGS_DOTENV,
                                                 SETTINGS_PREFECT_TOML, SETTINGS_PYPROJECT};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        bool toml = order[i] >= SETTINGS_PREFECT_TOML;
        str path = first_text(tree_get(inputs->of[order[i]],
                                       toml ? STR("profiles_path") : STR("PREFECT_PROFILES_PATH")));
        if (path.n)
            return expand(out, inputs, path, expanded);
    }
    *chosen = home.n > 0;
    return str_printf(out, STR_FMT "/profiles.toml", STR_ARG(expanded));
}

/* The profile asked for on the command line, by PREFECT_PROFILE, or in the file. */
static str wanted_profile(const struct settings_sources *sources, const struct tree *file)
{
    str wanted = str_of(sources->profile);
    if (!wanted.n)
        wanted = variable(sources->environment, STR("PREFECT_PROFILE"));
    return wanted.n ? wanted : first_text(tree_get(file, STR("active")));
}

/*
 * A profile that the file lacks, although it may be built in: the reference then takes the first
 * of those that are built in, whatever it was asked for.
 */
static enum err_kind replace_missing(struct arena *out, const struct settings_sources *sources,
                                     struct settings_inputs *inputs, const struct tree *profiles,
                                     struct err *e)
{
    bool known = tree_get(profiles, inputs->profile) != NULL;
    if (sources->profile && !known)
        return err_set(e, ERR_INVALID, "--profile: there is no profile '" STR_FMT "' in " STR_FMT,
                       STR_ARG(inputs->profile), STR_ARG(inputs->profile_path));
    if (inputs->profile.n && !known)
        inputs->warning = str_printf(out,
                                     "there is no profile '" STR_FMT "' in " STR_FMT
                                     "; going on with the profile that is built in",
                                     STR_ARG(inputs->profile), STR_ARG(inputs->profile_path));
    inputs->profile = STR("ephemeral");
    inputs->profile_path = STR("");
    inputs->of[SETTINGS_PROFILE] = tree_get(profiles, inputs->profile);
    return ERR_NONE;
}

static enum err_kind read_profile(struct arena *out, const struct settings_sources *sources,
                                  struct settings_inputs *inputs, struct err *e)
{
    bool chosen;
    struct tree *file, *none;
    inputs->profile_path = profiles_path(out, inputs, &chosen);
    if (!inputs->profile_path.p)
        return err_set(e, ERR_LIMIT, "the path of the profiles file is too long");
    enum err_kind kind = read_toml(out, sources->folder, inputs->profile_path.p, &file, e);
    if (!kind)
        kind = toml_parse(out, built_in, &none, e);
    if (kind)
        return kind;
    if (!file && !chosen)
        file = none;
    inputs->profile = wanted_profile(sources, file);
    struct tree *profile = tree_get(tree_get(file, STR("profiles")), inputs->profile);
    if (!profile)
        return replace_missing(out, sources, inputs, tree_get(none, STR("profiles")), e);
    if (profile->type != TREE_OBJECT)
        return err_set(e, ERR_INVALID, STR_FMT ", line %u: the profile '" STR_FMT "' is no table",
                       STR_ARG(inputs->profile_path), profile->line, STR_ARG(inputs->profile));
    if (file == none)
        inputs->profile_path = STR("");
    inputs->of[SETTINGS_PROFILE] = profile;
    return ERR_NONE;
}

/* -- all */

enum err_kind settings_inputs_load(struct arena *out, const struct settings_sources *sources,
                                   struct settings_inputs *inputs, struct err *e)
{
    struct tree *toml;
    *inputs = (struct settings_inputs){.user_home = variable(sources->environment, STR("HOME"))};
    enum err_kind kind = read_environment(out, sources->environment, inputs, e);
    if (!kind)
        kind = read_dotenv(out, sources, inputs, e);
    if (!kind)
        kind = read_toml(out, sources->folder, "prefect.toml", &toml, e);
    if (kind)
        return kind;
    inputs->of[SETTINGS_PREFECT_TOML] = toml;
    kind = read_toml(out, sources->folder, "pyproject.toml", &toml, e);
    if (kind)
        return kind;
    inputs->of[SETTINGS_PYPROJECT] = tree_get(tree_get(toml, STR("tool")), STR("prefect"));
    static const str old = STR_INIT("experiments");
    inputs->of[SETTINGS_OLD_PREFECT_TOML] = tree_get(inputs->of[SETTINGS_PREFECT_TOML], old);
    inputs->of[SETTINGS_OLD_PYPROJECT] = tree_get(inputs->of[SETTINGS_PYPROJECT], old);
    return read_profile(out, sources, inputs, e);
}

static const struct tree *find_by_name(const struct tree *object, const struct setting *setting)
{
    char name[SETTING_NAME_MAX];
    const struct tree *v = tree_get(object, setting_name(setting, name));
    str rest = str_of(setting->names), next;
    while (!v && rest.n) {
        str_cut(rest, ' ', &next, &rest);
        v = tree_get(object, next);
    }
    return v;
}

/* A table is a value only where the setting is one; else it holds settings of that prefix. */
static const struct tree *find_by_path(const struct tree *table, const struct setting *setting)
{
    bool object = setting->type == SETTING_HEADERS || setting->type == SETTING_DURATIONS ||
                  setting->type == SETTING_PAIRS;
    const struct tree *v = table ? tree_path(table, setting->path) : NULL;
    return v && v->type == TREE_OBJECT && !object ? NULL : v;
}

const struct tree *settings_inputs_find(const struct settings_inputs *inputs,
                                        const struct setting *setting, enum settings_source source)
{
    const struct tree *from = inputs->of[source];
    switch (source) {
    case SETTINGS_PREFECT_TOML:
    case SETTINGS_PYPROJECT:
        return find_by_path(from, setting);
    case SETTINGS_OLD_PREFECT_TOML:
    case SETTINGS_OLD_PYPROJECT:
        return str_starts(str_of(setting->path), STR("plugins.")) ? find_by_path(from, setting)
                                                                  : NULL;
    default:
        return from ? find_by_name(from, setting) : NULL;
    }
}

str settings_inputs_where(struct arena *out, const struct settings_inputs *inputs,
                          enum settings_source source, const struct tree *value)
{
    str where = str_of(file_names[source]);
    if (source == SETTINGS_ENVIRONMENT)
        return STR("in the environment");
    if (source == SETTINGS_PROFILE)
        where = inputs->profile_path.n ? inputs->profile_path : STR("the built-in profile");
    if (!value->line)
        return str_printf(out, "in " STR_FMT, STR_ARG(where));
    return str_printf(out, "in " STR_FMT ", line %u", STR_ARG(where), value->line);
}
