/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Watch lines: what the scanner without tokens reads of valid JSON is what the checked reader
 * reads, and the input as a stream gives the same lines however it is cut.
 */

#include "fuzz.h"

#include "kube/lines.h"
#include "kube/watch_line.h"

static struct arena out;
static struct kube_lines lines;

struct digest {
    uint64_t count, sum;
};

static bool add_line(void *ctx, str line)
{
    struct digest *d = ctx;
    d->count++;
    for (size_t i = 0; i < line.n; i++)
        d->sum = d->sum * 31 + (unsigned char)line.p[i];
    d->sum = d->sum * 31 + 257;
    return true;
}

static struct digest feed(str text, size_t step)
{
    struct digest d = {0};
    kube_lines_clear(&lines);
    lines.skipped = 0;
    for (size_t at = 0; at < text.n; at += step)
        ASSERT(kube_lines_feed(&lines, str_sub(text, at, at + step), add_line, &d));
    d.sum += lines.skipped;
    return d;
}

static int times(struct json object, str key)
{
    int n = 0;
    struct json_iter it = json_each(object);
    while (json_next(&it))
        n += json_str_is(it.key, key);
    return n;
}

/* The same, by the checked reader alone. Of doubled members, which no API server writes, the
 * scanner takes the first version, the reader the last. */
static void compare(struct json root, const struct kube_watch_line *line)
{
    struct json object = json_get(root, STR("object"));
    ASSERT(str_eq(line->object, json_raw(object)));
    struct json metadata = json_get(object, STR("metadata"));
    if (times(object, STR("metadata")) > 1 || times(metadata, STR("resourceVersion")) > 1)
        return;
    str version = json_str(&out, json_path(object, "metadata.resourceVersion"));
    ASSERT(str_eq(line->resource_version, version));
    str type = json_str(&out, json_get(root, STR("type")));
    ASSERT((line->type == KUBE_LINE_ADDED) == str_eq(type, STR("ADDED")));
    ASSERT((line->type == KUBE_LINE_ERROR) == str_eq(type, STR("ERROR")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kube_watch_line line;
    struct json root;
    struct err e = {0};
    str text = {(const char *)data, size};
    fuzz_arena(&out, 64 * MIB);
    bool valid = !json_parse(&out, text, &root, NULL);
    enum err_kind kind = kube_watch_line_read(&out, text, &line, &e);
    if (kind == ERR_NONE && valid)
        compare(root, &line);
    ASSERT(kind == ERR_NONE || e.text[0]);
    if (!lines.max)
        kube_lines_init(&lines, 64);
    struct digest whole = feed(text, size ? size : 1);
    for (size_t step = 1; step <= 7; step += 2) {
        struct digest d = feed(text, step);
        ASSERT(d.count == whole.count && d.sum == whole.sum);
    }
    return 0;
}
