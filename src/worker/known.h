/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_KNOWN_H
#define WORKER_KNOWN_H

/*
 * After a (re)list: which pod events does Prefect have already? Asked by event id in batches; a
 * pod whose event is not there is read again and handed back. Where the server keeps no events
 * (404), there is nothing to repeat.
 */

#include "worker/records.h"
#include "worker/worker.h"

struct known;

struct pod_record;
typedef void known_unknown_fn(void *ctx, const struct pod_record *record, str pod_text);

struct known *known_open(struct arena *perm, struct worker *w, struct records *pods,
                         known_unknown_fn *on_unknown, void *ctx);
/* There are unverified records: ask about them. */
void known_ask(struct known *k);
void known_stop(struct known *k);

#endif
