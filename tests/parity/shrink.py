# SPDX-License-Identifier: Apache-2.0
"""Makes a failing case small: takes parts away as long as it keeps failing."""

import copy

TRIES = 600


def places(value, path=()):
    """Paths of everything in the value, large parts first."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    children = list(children)
    for key, _ in children:
        yield (*path, key)
    for key, child in children:
        if isinstance(child, (dict, list)):
            yield from places(child, (*path, key))


def without(case, path):
    copied = copy.deepcopy(case)
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return copied


def shrink(case, fails):
    """`fails(case)` is true for the case that is given; a smaller one of which it is true."""
    tries = 0
    progress = True
    while progress and tries < TRIES:
        progress = False
        for path in list(places(case)):
            tries += 1
            if tries > TRIES:
                break
            try:
                smaller = without(case, path)
            except (KeyError, IndexError, TypeError):
                continue  # went with an earlier part
            if fails(smaller):
                case, progress = smaller, True
    return case
