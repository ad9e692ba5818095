/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_pem.h"

#include <bearssl.h>

#include "base/buf.h"

static void keep(void *ctx, const void *bytes, size_t n)
{
    buf_put(ctx, (str){bytes, n});
}

enum err_kind tls_pem_each(str text, tls_pem_fn *fn, void *ctx, struct err *e)
{
    br_pem_decoder_context decoder;
    char der[TLS_DER_MAX], kind[64] = "";
    struct buf object = buf_over(der, sizeof der);
    bool inside = false;
    br_pem_decoder_init(&decoder);
    for (bool ended = false; text.n || !ended;) {
        /* The last line may lack its end. */
        str more = text.n ? text : STR("\n");
        size_t took = br_pem_decoder_push(&decoder, more.p, more.n);
        ended = text.n == 0;
        text = str_skip(text, took);
        enum err_kind failed = ERR_NONE;
        switch (br_pem_decoder_event(&decoder)) {
        case BR_PEM_BEGIN_OBJ:
            str_to_cstr(str_of(br_pem_decoder_name(&decoder)), kind, sizeof kind);
            buf_clear(&object);
            br_pem_decoder_setdest(&decoder, keep, &object);
            inside = true;
            break;
        case BR_PEM_END_OBJ:
            inside = false;
            if (object.full)
                return err_set(e, ERR_INVALID, "an object of kind %s is larger than %zu bytes",
                               kind, TLS_DER_MAX);
            failed = fn(ctx, str_of(kind), buf_str(&object), e);
            if (failed)
                return failed;
            break;
        case BR_PEM_ERROR:
            return err_set(e, ERR_INVALID,
                           "the text between the lines BEGIN and END is not base64");
        default:
            break;
        }
    }
    if (inside)
        return err_set(e, ERR_INVALID, "the line END %s is missing", kind);
    return ERR_NONE;
}
