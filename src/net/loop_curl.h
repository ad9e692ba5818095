/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_LOOP_CURL_H
#define NET_LOOP_CURL_H

/*
 * The loop's side door for http.c, inside net/ only: the curl multi handle that the loop drives,
 * and a hook that runs whenever curl has worked. Curl refuses most calls from inside its own
 * callbacks, so http.c asks loop_in_curl() and leaves such work to the hook.
 */

#include <curl/curl.h>

#include "net/loop.h"

CURLM *loop_multi(struct loop *loop);
/* True inside a callback of curl. */
bool loop_in_curl(const struct loop *loop);

typedef void loop_curl_fn(void *ctx);
/* fn runs outside curl, after each time it was given events. Once. */
void loop_set_curl_hook(struct loop *loop, loop_curl_fn *fn, void *ctx);

#endif
