/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* A text that fills its place may have been cut within a character. */
static void end_whole(struct err *e)
{
    size_t n = strlen(e->text);
    if (n == sizeof e->text - 1)
        e->text[str_whole((str){e->text, n}).n] = '\0';
}

static void fill(struct err *e, enum err_kind kind, const char *format, va_list args)
{
    e->kind = kind;
    e->source = ERR_FROM_US;
    e->code = 0;
    vsnprintf(e->text, sizeof e->text, format, args);
    end_whole(e);
}

enum err_kind err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        fill(e, kind, format, args);
        va_end(args);
    }
    return kind;
}

enum err_kind err_errno(struct err *e, enum err_kind kind, const char *format, ...)
{
    int saved = errno;
    if (e) {
        va_list args;
        va_start(args, format);
        fill(e, kind, format, args);
        va_end(args);
        size_t n = strlen(e->text);
        snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(saved));
        err_origin(e, ERR_FROM_ERRNO, saved);
    }
    return kind;
}

enum err_kind err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return ERR_FATAL;
    char old[ERR_TEXT_MAX];
    memcpy(old, e->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    size_t n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, "%s", old);
    end_whole(e);
    return e->kind;
}

void err_origin(struct err *e, enum err_source source, int code)
{
    if (e) {
        e->source = source;
        e->code = code;
    }
}

enum err_kind err_kind_of_status(int status)
{
    switch (status) {
    case 401:
        return ERR_AUTH;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_MISSING;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_GONE;
    case 408:
    case 425:
    case 429:
        return ERR_RETRY;
    default:
        return status >= 500 ? ERR_RETRY : ERR_INVALID;
    }
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {"ok",       "retry", "auth",    "forbidden", "missing",
                                        "conflict", "gone",  "invalid", "limit",     "fatal"};
    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "?";
}
