/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

/*
 * Clocks and the texts of times. Instants are microseconds since 1970-01-01T00:00:00Z (`_us`);
 * durations of timers are milliseconds of the monotonic clock (`_ms`).
 */

#include "base/str.h"

#define TIME_TEXT_MAX 40

int64_t time_now_us(void);  /* CLOCK_REALTIME */
int64_t time_mono_ms(void); /* CLOCK_MONOTONIC */

/* "2026-11-23T23:13:57.154912Z": six digits, or none where they are zero (what Python's isoformat
 * does and Prefect's API takes). Writes at most TIME_TEXT_MAX bytes with the terminator. */
str time_format_rfc3339(int64_t at_us, char out[TIME_TEXT_MAX]);
/* "2026-11-23 23:13:57.154912+00:00", Python's str(datetime): the form of scheduled_before. */
str time_format_python(int64_t at_us, char out[TIME_TEXT_MAX]);
/* "2026-11-23T23:13:57.154912+00:00", Python's datetime.isoformat(). */
str time_format_iso(int64_t at_us, char out[TIME_TEXT_MAX]);

/* RFC 3339, with 'T' or a space, any number of fraction digits (further ones are dropped), and 'Z'
 * or a numeric offset; no offset is read as UTC. False for anything else. */
bool time_parse_rfc3339(str text, int64_t *out_us);
/* The three date forms of RFC 9110, 5.6.7 (IMF-fixdate, RFC 850, asctime). */
bool time_parse_http(str text, int64_t *out_us);

#endif
