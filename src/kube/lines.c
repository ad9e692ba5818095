/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lines.h"

#include "base/limits.h"

void kube_lines_init(struct kube_lines *l, size_t max)
{
    *l = (struct kube_lines){.max = max};
    arena_reserve(&l->arena, "watch line", max);
    l->buf = buf_new(&l->arena, max);
}

void kube_lines_clear(struct kube_lines *l)
{
    l->skipping = false;
    if (l->buf.n > ARENA_KEEP) {
        arena_reset(&l->arena);
        l->buf = buf_new(&l->arena, l->max);
    } else {
        buf_clear(&l->buf);
    }
}

static void keep(struct kube_lines *l, str bytes)
{
    if (l->skipping)
        return;
    buf_put(&l->buf, bytes);
    if (l->buf.full) {
        kube_lines_clear(l);
        l->skipping = true;
        l->skipped++;
    }
}

bool kube_lines_feed(struct kube_lines *l, str bytes, kube_line_fn *fn, void *ctx)
{
    ptrdiff_t end;
    while ((end = str_find_char(bytes, '\n')) >= 0) {
        str line = str_sub(bytes, 0, (size_t)end);
        bytes = str_skip(bytes, (size_t)end + 1);
        bool whole = !l->buf.n && !l->skipping && line.n <= l->max;
        if (!whole)
            keep(l, line);
        bool usable = !l->skipping;
        if (usable && !whole)
            line = buf_str(&l->buf);
        bool go_on = !usable || fn(ctx, line);
        kube_lines_clear(l);
        if (!go_on)
            return false;
    }
    if (bytes.n)
        keep(l, bytes);
    return true;
}
