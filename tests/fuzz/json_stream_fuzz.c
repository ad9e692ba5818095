/* SPDX-License-Identifier: Apache-2.0 */

/* Arrays read element by element: the size of the chunks changes nothing, and a valid document
 * gives just the elements that the whole reader sees. The first byte is the chunk's size, the
 * second picks the member or none. */

#include <string.h>

#include "format/json.h"
#include "fuzz.h"

struct reading {
    struct buf elements; /* each with a line feed behind it */
    size_t count;
    size_t skipped;
    enum err_kind kind;
    str rest;
};

static struct arena arena, whole_arena;

static enum err_kind on_element(void *ctx, str element, struct err *e)
{
    struct reading *r = ctx;
    (void)e;
    r->count++;
    buf_put(&r->elements, element);
    buf_byte(&r->elements, '\n');
    return ERR_NONE;
}

static struct reading read_all(str text, str member, size_t chunk, size_t element_max)
{
    struct reading r = {.elements = buf_new(&arena, text.n * 2 + 2)};
    struct json_stream_options options = {.member = member,
                                          .element_max = element_max,
                                          .rest_max = text.n + 1,
                                          .on_element = on_element,
                                          .ctx = &r};
    struct json_stream *s = json_stream_new(&arena, &options);
    struct err e;
    ASSERT(s && r.elements.p);
    for (size_t at = 0; at < text.n && !r.kind; at += chunk)
        r.kind = json_stream_feed(s, str_sub(text, at, at + chunk), &e);
    if (!r.kind)
        r.kind = json_stream_end(s, &r.rest, &e);
    r.skipped = json_stream_skipped(s);
    return r;
}

static void check_same(const struct reading *a, const struct reading *b)
{
    ASSERT(a->kind == b->kind);
    ASSERT(a->count == b->count && a->skipped == b->skipped);
    ASSERT(str_eq(buf_str(&a->elements), buf_str(&b->elements)));
    ASSERT(a->kind || str_eq(a->rest, b->rest));
}

/* The document is valid: each element of the array, or of all arrays of that name, has come. */
static void check_whole(struct json root, str member, const struct reading *r)
{
    ASSERT(r->kind == ERR_NONE);
    size_t expected = 0;
    struct json_iter it = json_each(root);
    if (!member.n)
        expected = json_is(root, JSON_ARRAY) ? json_count(root) : 0;
    else if (json_is(root, JSON_OBJECT))
        while (json_next(&it))
            if (json_str_is(it.key, member) && json_is(it.value, JSON_ARRAY))
                expected += json_count(it.value);
    ASSERT(r->count == expected && r->skipped == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    str text = {(const char *)data + 2, size - 2};
    str member = data[1] & 1 ? STR("items") : (str){0};
    struct json root;
    struct err e;
    fuzz_arena(&arena, 64 * MIB);
    struct reading once = read_all(text, member, text.n + 1, text.n + 1);
    struct reading split = read_all(text, member, data[0] % 16 + 1, text.n + 1);
    check_same(&once, &split);
    fuzz_arena(&whole_arena, 256 * MIB);
    if (json_parse(&whole_arena, text, &root, &e) == ERR_NONE)
        check_whole(root, member, &once);
    struct reading small = read_all(text, member, text.n + 1, 4);
    struct reading small_split = read_all(text, member, data[0] % 16 + 1, 4);
    check_same(&small, &small_split);
    ASSERT(small.kind != once.kind || small.count + small.skipped == once.count);
    return 0;
}
