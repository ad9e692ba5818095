/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_BACKOFF_H
#define NET_BACKOFF_H

/*
 * Delays. The draw is the Python client's: an exponential distribution with mean `average`, cut to
 * a window whose bounds follow from the jitter factor f so that the mean stays:
 * [average * log2(2^(1+f) / (2^(1+f) - 1)), average * (1 + f)].
 */

#include "base/base.h"

/* A random delay around average_ms; factor 0 returns it unchanged. */
int64_t backoff_jitter_ms(int64_t average_ms, double factor);
/* A random delay in [floor_ms, floor_ms * (1 + factor)], for Retry-After. */
int64_t backoff_at_least_ms(int64_t floor_ms, double factor);
/* min(base * 2^attempt, cap), then jittered by 0.3; attempt counts from 0. */
int64_t backoff_exponential_ms(int64_t base_ms, int attempt, int64_t cap_ms);

#endif
