/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

/*
 * Prefect's settings: where a value comes from (environment, .env, prefect.toml, pyproject.toml,
 * profile), its type, and which settings the worker passes down to the runs. One table
 * (settings_table.c) holds every setting of Prefect 3.8.8 in the order in which they are passed
 * down, so that a value is checked and normalised as the Python client does.
 */

#include "base/arena.h"
#include "base/err.h"

struct settings;

struct settings_sources {
    char *const *environment; /* NAME=value ..., NULL at the end */
    const char *profile;      /* --profile; NULL without it */
    str folder;               /* where .env, prefect.toml, pyproject.toml are looked for */
};

/* Reads and checks everything; memory from `perm`. ERR_INVALID names setting, source (file and
 * line) and what would be right. */
enum err_kind settings_load(struct arena *perm, struct arena scratch,
                            const struct settings_sources *sources,
                            const struct settings **settings, struct err *e) MUST_CHECK;

/* By canonical name, e.g. "PREFECT_API_URL". The value set, or the default, normalised; an unknown
 * name is a programmer's error. A setting without value and default gives an empty view. */
str settings_str(const struct settings *s, const char *name);
bool settings_is_set(const struct settings *s, const char *name);
bool settings_bool(const struct settings *s, const char *name);
int64_t settings_i64(const struct settings *s, const char *name);
double settings_f64(const struct settings *s, const char *name);

/* What a run's environment gets: settings that are set, canonical names, Python's formatting, in
 * order. Index from 0; false after the last. `secret`: a credential. */
bool settings_propagated(const struct settings *s, size_t index, str *name, str *value,
                         bool *secret);
/* Whether the API is Prefect Cloud's. */
bool settings_cloud(const struct settings *s);
/* The active profile, for messages. */
str settings_profile(const struct settings *s);
/* A profile that was asked for and is not there: a sentence to log, or empty. */
str settings_warning(const struct settings *s);

#endif
