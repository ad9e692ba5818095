/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"

#define SECRET_MIN 4 /* bytes; shorter ones would mask half of what is said */

static struct {
    struct log_options options;
    str worker_name, work_pool_name, work_pool_id;
    str secrets[LOG_SECRETS_MAX];
    size_t secret_count;
} state = {.options = {.level = LOG_INFO}};

void log_configure(const struct log_options *options)
{
    state.options = *options;
}

void log_set_worker(str worker_name, str work_pool_name)
{
    state.worker_name = worker_name;
    state.work_pool_name = work_pool_name;
}

void log_set_work_pool_id(str work_pool_id)
{
    state.work_pool_id = work_pool_id;
}

void log_add_secret(str secret)
{
    if (secret.n < SECRET_MIN)
        return;
    for (size_t i = 0; i < state.secret_count; i++)
        if (str_eq(state.secrets[i], secret))
            return;
    ASSERT(state.secret_count < LOG_SECRETS_MAX);
    size_t at = state.secret_count++; /* the longest first: one may be part of another */
    for (; at > 0 && state.secrets[at - 1].n < secret.n; at--)
        state.secrets[at] = state.secrets[at - 1];
    state.secrets[at] = secret;
}

bool log_enabled(enum log_level level)
{
    return level >= state.options.level;
}

/* Where a message was cut, so may be the secret at its end: as much of it as is there goes too. */
static void mask_end(char *text, size_t n, str secret)
{
    for (size_t part = secret.n - 1; part >= SECRET_MIN; part--)
        if (str_ends((str){text, n}, str_sub(secret, 0, part))) {
            memset(text + n - part, '*', part);
            return;
        }
}

static void mask(char *text, size_t n, bool cut)
{
    for (size_t i = 0; i < state.secret_count; i++) {
        str secret = state.secrets[i];
        size_t from = 0;
        ptrdiff_t at;
        while ((at = str_find((str){text + from, n - from}, secret)) >= 0) {
            memset(text + from + (size_t)at, '*', secret.n);
            from += (size_t)at + secret.n;
        }
        if (cut)
            mask_end(text, n, secret);
    }
}

static void put_json(struct buf *b, str s)
{
    buf_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n')
            buf_put(b, STR("\\n"));
        else if (c < 0x20)
            buf_printf(b, "\\u%04x", c);
        else
            buf_byte(b, (char)c);
    }
    buf_byte(b, '"');
}

static void put_member(struct buf *b, const char *key, str value)
{
    buf_printf(b, ", \"%s\": ", key);
    put_json(b, value);
}

static void line_json(struct buf *b, enum log_level level, const char *logger,
                      const struct log_run *run, str message)
{
    int64_t now_us = time_now_us();
    buf_put(b, STR("{\"name\": "));
    put_json(b, str_of(logger));
    put_member(b, "msg", message);
    buf_put(b, STR(", \"args\": []"));
    put_member(b, "levelname", str_of(log_level_name(level)));
    buf_printf(b, ", \"levelno\": %d, \"created\": %lld.%06lld, \"msecs\": %lld", (int)level,
               (long long)(now_us / 1000000), (long long)(now_us % 1000000),
               (long long)(now_us / 1000 % 1000));
    put_member(b, "message", message);
    put_member(b, "severity", str_of(log_level_name(level)));
    buf_put(b, STR(", \"threadName\": \"MainThread\", \"exc_info\": null"));
    if (run) {
        put_member(b, "flow_run_name", run->flow_run_name);
        put_member(b, "flow_run_id", run->flow_run_id);
        put_member(b, "flow_name", STR("<unknown>"));
        buf_put(b, STR(", \"deployment_name\": null"));
        put_member(b, "worker_name", state.worker_name);
        put_member(b, "work_pool_name", state.work_pool_name);
        put_member(b, "work_pool_id", state.work_pool_id);
    }
    buf_byte(b, '}');
}

static void line_text(struct buf *b, enum log_level level, const char *logger,
                      const struct log_run *run, str message)
{
    static const char *const colors[] = {"\033[90m", "\033[36m", "\033[33m", "\033[31m",
                                         "\033[1;31m"};
    int64_t now_us = time_now_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm local;
    localtime_r(&seconds, &local);
    buf_printf(b, "%02d:%02d:%02d.%03d | ", local.tm_hour, local.tm_min, local.tm_sec,
               (int)(now_us / 1000 % 1000));
    if (state.options.colors)
        buf_cstr(b, colors[level < LOG_INFO ? 0 : level >= LOG_CRITICAL ? 4 : level / 10 - 1]);
    buf_printf(b, "%-7s", log_level_name(level));
    if (state.options.colors)
        buf_put(b, STR("\033[0m"));
    buf_printf(b, " | %s - ", logger);
    if (run && run->flow_run_name.n)
        buf_printf(b, STR_FMT ": ", STR_ARG(run->flow_run_name));
    buf_put(b, message);
}

void log_vwrite(enum log_level level, const char *logger, const struct log_run *run,
                const char *format, va_list args)
{
    if (!log_enabled(level))
        return;
    /* JSON has the message twice, and six bytes for some: the pages are touched only then */
    static char message[LOG_LINE_MAX], line[LOG_LINE_MAX * 14];
    int n = vsnprintf(message, sizeof message, format, args);
    bool cut = n >= (int)sizeof message;
    size_t len = n < 0 ? 0 : cut ? sizeof message - 1 : (size_t)n;
    mask(message, len, cut);
    struct buf b = buf_over(line, sizeof line - 1);
    str text = cut ? str_whole((str){message, len}) : (str){message, len};
    if (state.options.json)
        line_json(&b, level, logger, run, text);
    else
        line_text(&b, level, logger, run, text);
    line[b.n++] = '\n';
    size_t done = 0;
    while (done < b.n) {
        ssize_t w = write(STDERR_FILENO, line + done, b.n - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        done += (size_t)w;
    }
}

void log_write(enum log_level level, const char *logger, const struct log_run *run,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_vwrite(level, logger, run, format, args);
    va_end(args);
}

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {{"DEBUG", LOG_DEBUG},    {"INFO", LOG_INFO},   {"WARNING", LOG_WARNING},
              {"WARN", LOG_WARNING},   {"ERROR", LOG_ERROR}, {"CRITICAL", LOG_CRITICAL},
              {"FATAL", LOG_CRITICAL}, {"NOTSET", 0}};

bool log_level_parse(str name, enum log_level *out)
{
    int64_t number;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_eq_nocase(name, str_of(levels[i].name))) {
            *out = levels[i].level;
            return true;
        }
    if (!str_to_i64(name, &number) || number < 0 || number > 1000)
        return false;
    *out = (enum log_level)number;
    return true;
}

const char *log_level_name(enum log_level level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (levels[i].level == level)
            return levels[i].name;
    return "LEVEL";
}
