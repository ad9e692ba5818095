/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_pem.h"

#include "base/arena.h"
#include "base/encode.h"

#define BEGIN STR("-----BEGIN ")
#define END STR("-----END ")
#define DASHES STR("-----")

/* Takes the next object off *text: its kind, and the base64 between the lines. False at the end. */
static bool next(str *text, str *kind, str *base64, struct err *e)
{
    ptrdiff_t at = str_find(*text, BEGIN);
    if (at < 0)
        return false;
    str rest = str_skip(*text, (size_t)at + BEGIN.n);
    ptrdiff_t kind_end = str_find(rest, DASHES);
    str label = str_sub(rest, 0, kind_end < 0 ? 0 : (size_t)kind_end);
    if (label.n == 0 || str_find_char(label, '\n') >= 0) {
        err_set(e, ERR_INVALID, "a line BEGIN is damaged");
        return false;
    }
    rest = str_skip(rest, label.n + DASHES.n);
    ptrdiff_t end = str_find(rest, END);
    str after = str_skip(rest, end < 0 ? rest.n : (size_t)end + END.n);
    if (!str_starts(after, label) || !str_starts(str_skip(after, label.n), DASHES)) {
        err_set(e, ERR_INVALID, "the line END " STR_FMT " is missing",
                STR_ARG(str_sub(label, 0, 64)));
        return false;
    }
    *kind = label;
    *base64 = str_sub(rest, 0, (size_t)end);
    *text = str_skip(after, label.n + DASHES.n);
    return true;
}

enum err_kind tls_pem_each(str text, tls_pem_fn *fn, void *ctx, struct err *e)
{
    char room[TLS_DER_MAX + TLS_DER_MAX / 16]; /* base64_decode counts line breaks too */
    struct err why = {0};
    str kind, base64, der;
    while (next(&text, &kind, &base64, &why)) {
        struct arena scratch = arena_over("PEM object", room, sizeof room);
        enum err_kind failed = base64_decode(&scratch, base64, &der, &why);
        if (failed)
            return err_set(e, ERR_INVALID, "what the lines BEGIN and END " STR_FMT " enclose is %s",
                           STR_ARG(kind), failed == ERR_LIMIT ? "too large" : why.text);
        failed = fn(ctx, kind, der, e);
        if (failed)
            return failed;
    }
    return why.kind ? err_set(e, why.kind, "%s", why.text) : ERR_NONE;
}
