/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * The error value. A fallible function returns the kind (zero is success, must be checked) and
 * fills a struct err, its last parameter; on success it leaves it alone. Kinds name the reaction
 * that is asked for, not the place where it went wrong. Text is inline, so reporting never
 * allocates.
 */

#include "base/limits.h"
#include "base/str.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_RETRY,     /* transport or 408, 429, 5xx: the same again later may work */
    ERR_AUTH,      /* 401: credentials are missing or not accepted */
    ERR_FORBIDDEN, /* 403: known, but not allowed */
    ERR_MISSING,   /* 404 */
    ERR_CONFLICT,  /* 409 */
    ERR_GONE,      /* 410: the resource version is too old, list again */
    ERR_INVALID,   /* 400, 422, or input that breaks its format */
    ERR_LIMIT,     /* a cap of limits.h was reached */
    ERR_FATAL,     /* nothing here can go on: bad configuration, kernel refused */
};

enum err_source { ERR_FROM_US = 0, ERR_FROM_HTTP, ERR_FROM_CURL, ERR_FROM_ERRNO };

struct err {
    enum err_kind kind;
    enum err_source source;
    int code; /* HTTP status, CURLcode or errno, by source */
    char text[ERR_TEXT_MAX];
};

/* Fills *e (which may be NULL) and returns `kind`, so that `return err_set(...)` reads well. */
enum err_kind err_set(struct err *e, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* As err_set, with errno's text appended. */
enum err_kind err_errno(struct err *e, enum err_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Puts context in front of the text ("kubeconfig /x: " ...) and returns the kind. */
enum err_kind err_prefix(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* Sets source and code. */
void err_origin(struct err *e, enum err_source source, int code);
/* The reaction to an HTTP status of 400 and above. */
enum err_kind err_kind_of_status(int status);
const char *err_kind_name(enum err_kind kind);

#endif
