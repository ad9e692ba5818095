/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_ASK_H
#define COMMAND_ASK_H

/*
 * Questions to both APIs for commands that look and change nothing: several at once, then waited
 * for together. Settings, credentials and kubeconfig are those of `worker start`.
 */

#include "command/command.h"
#include "format/json.h"
#include "worker/worker.h"

struct ask {
    struct worker worker; /* only its clients are used */
    struct config config;
    struct arena *arena; /* bodies of replies */
    size_t open;         /* questions without an answer */
};

/* One question; lives as long as it is open. */
struct answer {
    struct ask *ask;
    bool sent, done;
    enum err_kind kind; /* ERR_NONE: `body` is there, or all elements were handed over */
    str body;           /* in the arena of `ask` */
    struct err err;     /* one line */
    prefect_id prefect_call;
    kube_id kube_call;
    struct json_stream *stream;
};

/* Opens the clients; memory from `arena`, which stays with *ask. ERR_FATAL: settings. Without a
 * cluster that succeeds: worker.no_cluster says why. */
enum err_kind ask_open(struct ask *ask, const struct command_context *context, struct arena *arena,
                       struct arena scratch, struct err *e) MUST_CHECK;
void ask_close(struct ask *ask);

/* GET, or POST where there is a body. */
void ask_prefect(struct ask *ask, struct answer *answer, str path, str body);
/* As ask_prefect; the reply's array is handed over run by run and not kept. */
void ask_prefect_runs(struct ask *ask, struct answer *answer, str path, str body,
                      json_element_fn *on_run, void *ctx);
void ask_kube(struct ask *ask, struct answer *answer, str path);

/* Until all are answered; what takes longer than `limit_ms` is given up: ERR_RETRY. */
void ask_wait(struct ask *ask, struct answer *answers, size_t count, int64_t limit_ms);
/* It was asked, and the answer is there. */
bool ask_got(const struct answer *answer);

#endif
