/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SETTINGS_SOURCES_H
#define WORKER_SETTINGS_SOURCES_H

/*
 * Where settings are written: environment, .env, prefect.toml, pyproject.toml, the active profile,
 * in this order of precedence. For settings.c alone.
 */

#include "format/tree.h"
#include "worker/settings.h"
#include "worker/settings_table.h"

enum settings_source {
    SETTINGS_ENVIRONMENT,
    SETTINGS_DOTENV,
    SETTINGS_PREFECT_TOML,
    SETTINGS_PYPROJECT,
    SETTINGS_PROFILE,
    SETTINGS_OLD_PREFECT_TOML, /* [experiments.plugins], where [plugins] was before */
    SETTINGS_OLD_PYPROJECT,
    SETTINGS_SOURCE_COUNT,
};

struct settings_inputs {
    const struct tree *of[SETTINGS_SOURCE_COUNT]; /* NULL: no such file */
    str user_home;                                /* for ~ */
    str profile;                                  /* name of the active profile */
    str profile_path;                             /* its file; empty: built in */
    str warning; /* a profile that was asked for and is not there; or empty */
};

/* Reads the files. ERR_INVALID names the file, and the line. */
enum err_kind settings_inputs_load(struct arena *out, const struct settings_sources *sources,
                                   struct settings_inputs *inputs, struct err *e) MUST_CHECK;

/* What the source says, or NULL. */
const struct tree *settings_inputs_find(const struct settings_inputs *inputs,
                                        const struct setting *setting, enum settings_source source);
/* "in the environment", "in prefect.toml, line 3": for messages. */
str settings_inputs_where(struct arena *out, const struct settings_inputs *inputs,
                          enum settings_source source, const struct tree *value);

/* Upper case with underscores: "client.max_retries" as "CLIENT_MAX_RETRIES". */
bool settings_path_is(const char *path, str upper);

#endif
