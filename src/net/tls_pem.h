/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_TLS_PEM_H
#define NET_TLS_PEM_H

/* PEM text (RFC 7468) to DER, object by object. (BearSSL's decoder takes 35 ms for a system's CA
 * bundle, as long as all the rest of a start.) */

#include "base/err.h"

/* `kind` is what BEGIN names, e.g. "CERTIFICATE"; `der` dies on return. Anything but ERR_NONE ends
 * the reading. */
typedef enum err_kind tls_pem_fn(void *ctx, str kind, str der, struct err *e);

/* Text between objects is skipped. Objects larger than TLS_DER_MAX and text that breaks off inside
 * of one are ERR_INVALID. */
enum err_kind tls_pem_each(str text, tls_pem_fn *fn, void *ctx, struct err *e) MUST_CHECK;

#endif
