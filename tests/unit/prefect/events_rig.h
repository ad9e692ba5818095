/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_PREFECT_EVENTS_RIG_H
#define UNIT_PREFECT_EVENTS_RIG_H

/* An outbox of events in front of the scripted server. */

#include "prefect/prefect_rig.h"

#include "prefect/event.h"

static struct prefect_events *events;

UNUSED static void open_events(size_t bytes_max, size_t batch_max)
{
    begin();
    struct prefect_options with = options();
    connect_with(&with);
    struct prefect_events_options o = {bytes_max, batch_max, 20};
    events = prefect_events_open(&perm, loop, client, &o);
}

UNUSED static void wait_until_idle(void)
{
    for (int i = 0; i < 400 && !prefect_events_idle(events); i++)
        turn_for(10);
    assert_true(prefect_events_idle(events));
}

#endif
