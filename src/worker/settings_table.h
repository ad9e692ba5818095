/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SETTINGS_TABLE_H
#define WORKER_SETTINGS_TABLE_H

/* What a setting is: its place, names, type and default. For settings*.c and the documentation. */

#include "base/str.h"

enum setting_type {
    SETTING_BOOL,
    SETTING_INT,
    SETTING_FLOAT,
    SETTING_TEXT,
    SETTING_SECRET,
    SETTING_PATH,
    SETTING_HOME,      /* a path; ~ is expanded */
    SETTING_PROFILES,  /* a path; $PREFECT_HOME is expanded */
    SETTING_LEVEL,     /* of a log line, any case */
    SETTING_CHOICE,    /* one of `limits` */
    SETTING_CODES,     /* set of integers */
    SETTING_NAMES,     /* set of texts */
    SETTING_PAIRS,     /* key=value, ... */
    SETTING_HEADERS,   /* JSON object of texts */
    SETTING_DURATION,  /* ISO 8601 or clock time */
    SETTING_SECONDS,   /* a duration that may also be a number of seconds */
    SETTING_DURATIONS, /* JSON object of SETTING_SECONDS */
    SETTING_NUMBERS,   /* a number, or a JSON list of them */
    SETTING_DELAYS,    /* a number, or a list of them separated by commas */
    SETTING_VACUUM,    /* a boolean, or a set of texts */
    SETTING_ANY,
};

struct setting {
    const char *path; /* in prefect.toml: "client.max_retries". The environment's name is PREFECT_
                         and the path in capitals with underscores. */
    enum setting_type type;
    const char *fallback; /* default in its normal form; NULL: none, or derived from others */
    const char *names;    /* further environment names, separated by blanks */
    const char *limits;   /* ">=0", ">100 <=599"; of a choice "a|b|c" */
    const char *help;     /* only where the worker itself reads the setting */
};

/* A row of a table: SETTING(path, type without its prefix, default, .member = ...). */
#define SETTING(path_, type_, fallback_, ...)                                      \
    {                                                                              \
        .path = path_, .type = SETTING_##type_, .fallback = fallback_, __VA_ARGS__ \
    }

#define SETTING_NAME_MAX 96

extern const struct setting settings_of_prefect[];
extern const size_t settings_of_prefect_count;
extern const struct setting settings_of_worker[];
extern const size_t settings_of_worker_count;

/* The environment's name, e.g. "PREFECT_CLIENT_MAX_RETRIES". */
str setting_name(const struct setting *setting, char out[SETTING_NAME_MAX]);

#endif
