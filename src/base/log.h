/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * The program's own output on standard error, one line a message:
 *     HH:MM:SS.mmm | LEVEL   | logger - message
 * (a line about a run has the run's name in front of the message)
 * or, as JSON lines, the keys that the Python worker's JSON formatter prints. Values registered as
 * secrets are replaced by asterisks wherever they appear. Never allocates; lines are capped.
 */

#include <stdarg.h>

#include "base/str.h"

/* Numbers are those of Python's logging module; Prefect's API takes them. */
enum log_level {
    LOG_DEBUG = 10,
    LOG_INFO = 20,
    LOG_WARNING = 30,
    LOG_ERROR = 40,
    LOG_CRITICAL = 50
};

/* The run that a line is about; all views may be empty. */
struct log_run {
    str flow_run_id;
    str flow_run_name;
};

struct log_options {
    enum log_level level;
    bool json;
    bool colors; /* ANSI colours; the caller has checked for a terminal */
};

void log_configure(const struct log_options *options);
/* Names repeated in each JSON line; views must stay valid. */
void log_set_worker(str worker_name, str work_pool_name);
void log_set_work_pool_id(str work_pool_id);
/* `secret` must stay valid; values shorter than 4 bytes are not masked. Too many: ERR is asserted.
 */
void log_add_secret(str secret);
bool log_enabled(enum log_level level);

/* `logger` is e.g. "prefect.worker"; run may be NULL. */
void log_write(enum log_level level, const char *logger, const struct log_run *run,
               const char *format, ...) PRINTF_LIKE(4, 5);
void log_vwrite(enum log_level level, const char *logger, const struct log_run *run,
                const char *format, va_list args);

/* For lines about the program itself. */
#define log_debug(...) log_write(LOG_DEBUG, LOG_NAME, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, LOG_NAME, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, LOG_NAME, NULL, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, LOG_NAME, NULL, __VA_ARGS__)
#define LOG_NAME "prefect.worker.kubernetes"

/* Level by name ("INFO", any case; also a number); false for anything else. */
bool log_level_parse(str name, enum log_level *out);
const char *log_level_name(enum log_level level);

#endif
