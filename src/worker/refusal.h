/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_REFUSAL_H
#define WORKER_REFUSAL_H

/*
 * Why a Job has no pod. No pod exists that could tell; the Job controller says it in an Event of
 * the Job (reason FailedCreate): a quota, an admission webhook, Pod Security, a missing service
 * account. Pure.
 */

#include "kube/event.h"
#include "worker/diagnose.h"

/* The last FailedCreate of the Job's Events (the list's text), unless a pod was made after it.
 * False: nothing was refused lately. */
bool refusal_newest(struct arena *out, str events, struct kube_event *event);

/* Kubernetes' message with what can be done about it; the key stays the same though pod names and
 * used amounts change. */
void refusal_diagnose(struct arena *out, str message, struct diagnosis *diagnosis);

#endif
