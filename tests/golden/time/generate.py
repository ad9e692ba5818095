# SPDX-License-Identifier: Apache-2.0
"""Writes times.txt: instants and how Python writes them.

    generate.py >times.txt

A line: microseconds since 1970, datetime.isoformat(), str(datetime), RFC 850's form without its
weekday's name, asctime's form, and an RFC 3339 text with an offset for the same instant; tabs
between them. The seed is fixed.
"""

import random
from datetime import UTC, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
EDGES = [
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59.999999+00:00",
    "1969-12-31T23:59:59.999999+00:00",
    "1970-01-01T00:00:00+00:00",
    "1970-01-01T00:00:00.000001+00:00",
    "2000-02-29T12:00:00+00:00",
    "1900-03-01T00:00:00+00:00",
    "2100-02-28T23:59:59.500000+00:00",
    "2038-01-19T03:14:08+00:00",
    "2024-12-31T23:59:59.100000+00:00",
]


def instants(r):
    yield from map(datetime.fromisoformat, EDGES)
    for _ in range(300):
        at = EPOCH + timedelta(seconds=r.randrange(0, 2**32))
        yield at + r.choice([0, 0, 1, 999999, r.randrange(10**6), r.randrange(1000) * 1000]) * US
    for _ in range(100):
        days = r.randrange(datetime.min.toordinal() + 2, datetime.max.toordinal() - 2)
        at = datetime.fromordinal(days).replace(tzinfo=UTC)
        yield at + timedelta(seconds=r.randrange(86400), microseconds=r.randrange(10**6))


def with_offset(r, at):
    """In another zone, and with T, t or a blank, as RFC 3339 allows."""
    minutes = r.choice([0, 60, -60, 330, -570, 14 * 60, -12 * 60, r.randrange(-1439, 1440)])
    try:
        text = at.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    except OverflowError:
        text = at.isoformat()
    return text.replace("T", r.choice("Tt "), 1)


def main():
    r = random.Random(7)
    for at in instants(r):
        rfc850 = at.strftime("%d-%b-%y %H:%M:%S GMT") if 1970 <= at.year <= 2069 else "-"
        asctime = (
            at.strftime("%a %b ") + f"{at.day:2} " + at.strftime("%H:%M:%S ") + f"{at.year:04}"
        )
        print(
            (at - EPOCH) // US,
            at.isoformat(),
            str(at),
            rfc850,
            asctime,
            with_offset(r, at),
            sep="\t",
        )


main()
