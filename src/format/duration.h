/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_DURATION_H
#define FORMAT_DURATION_H

/* Durations as text: ISO 8601 ("P1DT2H3M4.5S") and what pydantic takes beside it: "01:02:03.5",
 * "3 days", "3d, 01:02:03". */

#include "base/buf.h"

/* Microseconds. A year is 365 days, a month 30. False, and *out_us untouched, for anything else. */
bool duration_parse(str text, int64_t *out_us);
/* ISO 8601 as pydantic writes it: years and days, then hours, minutes, seconds; "PT0S" for none. */
void duration_format(struct buf *out, int64_t us);

#endif
