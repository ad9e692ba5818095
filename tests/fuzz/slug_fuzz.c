/* SPDX-License-Identifier: Apache-2.0 */

/* Slugs: Kubernetes accepts them, or they are the text as it was; a slug is its own slug. */

#include <string.h>

#include "format/slug.h"
#include "fuzz.h"

static struct arena arena, scratch;

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void check_legal(str slug, const char *also, size_t max, bool lower)
{
    ASSERT(slug.n <= max);
    for (size_t i = 0; i < slug.n; i++) {
        ASSERT(is_alnum(slug.p[i]) || strchr(also, slug.p[i]));
        ASSERT(!lower || slug.p[i] < 'A' || slug.p[i] > 'Z');
    }
    ASSERT(!slug.n || (is_alnum(slug.p[0]) && is_alnum(slug.p[slug.n - 1])));
}

static void check_label(str text, str slug, const char *also, size_t max)
{
    ASSERT(slug.p);
    if (str_eq(slug, text))
        return;
    check_legal(slug, also, max, false);
    ASSERT(slug.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    fuzz_arena(&arena, 64 * MIB);
    fuzz_arena(&scratch, 64 * MIB);
    if (size > MIB)
        return 0;

    str name = slug_name(&arena, scratch, text);
    ASSERT(name.p);
    check_legal(name, "-", 45, true);
    ASSERT(str_eq(slug_name(&arena, scratch, name), name));
    check_legal(slug_plain(&arena, scratch, text), "-", SIZE_MAX, true);

    str value = slug_label_value(&arena, scratch, text);
    check_label(text, value, "-_.", 63);
    ASSERT(str_eq(slug_label_value(&arena, scratch, value), value));

    str key = slug_label_key(&arena, scratch, text), prefix, rest;
    ASSERT(key.p);
    if (!str_cut(text, '/', &prefix, &rest))
        ASSERT(str_eq(key, value));
    else
        ASSERT(!prefix.n || str_has(key, STR("/")));
    return 0;
}
