/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "format/pyrepr.h"
#include "worker/manifest_build.h"

/*
 * What every Job has to have. The Python worker compares by a JSON patch from the manifest to a
 * skeleton and complains about its "add" and "replace" operations. Patches are optimised: a value
 * removed in one place and added in another counts as moved. So a manifest without `parallelism: 1`
 * passes where some further member equals 1 (backoffLimit, say). Templates in use rely on it, so
 * the comparison is made here operation by operation.
 */

#define SKELETON                                                                            \
    "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"annotations\":{},"       \
    "\"labels\":{}},\"spec\":{\"template\":{\"spec\":{\"parallelism\":1,\"completions\":1," \
    "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"prefect-job\"}]}}}}"

enum change_kind { CHANGE_ADD, CHANGE_REMOVE, CHANGE_REPLACE, CHANGE_MOVE };

struct place {
    const struct place *up;
    str key;
};

struct change {
    struct change *before, *next;
    const struct place *place;
    const struct tree *value;
    enum change_kind kind;
    bool offered; /* an addition or a removal that a later one of the same value may pair with */
    bool gone;
};

struct diff {
    struct arena scratch;
    struct change *first, *last;
    size_t additions; /* offered ones: mostly none, so that removals need not look for any */
    bool full;
};

/* -- values */

/* What json.dumps prints of both is the same, but for the order of members: 1 is not 1.0. */
static bool same_text(const struct tree *a, const struct tree *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    if (a->type == TREE_NUMBER && pyrepr_is_float(a->text) != pyrepr_is_float(b->text))
        return false;
    if (a->type == TREE_ARRAY) {
        const struct tree *y = b->first;
        for (const struct tree *x = a->first; x; x = x->next, y = y->next)
            if (!same_text(x, y))
                return false;
        return true;
    }
    if (a->type != TREE_OBJECT)
        return tree_eq(a, b);
    for (const struct tree *x = a->first; x; x = x->next) {
        const struct tree *y = tree_get(b, x->key);
        if (!y || !same_text(x, y))
            return false;
    }
    return true;
}

/* -- places */

static const struct place *below(struct diff *d, const struct place *up, str key)
{
    struct place *place = ARENA_NEW(&d->scratch, struct place);
    if (!place) {
        d->full = true;
        return up;
    }
    *place = (struct place){up, key};
    return place;
}

static bool same_place(const struct place *a, const struct place *b)
{
    while (a && b && str_eq(a->key, b->key)) {
        a = a->up;
        b = b->up;
    }
    return a == b;
}

static bool is_inside(const struct place *place, const struct place *container)
{
    for (place = place ? place->up : NULL; place; place = place->up)
        if (same_place(place, container))
            return true;
    return false;
}

/* As a JSON pointer. */
static void put_place(struct buf *out, const struct place *place)
{
    if (!place)
        return;
    put_place(out, place->up);
    buf_byte(out, '/');
    for (size_t i = 0; i < place->key.n; i++) {
        char c = place->key.p[i];
        if (c == '~')
            buf_cstr(out, "~0");
        else if (c == '/')
            buf_cstr(out, "~1");
        else
            buf_byte(out, c);
    }
}

/* -- the operations */

static void record(struct diff *d, enum change_kind kind, const struct place *place,
                   const struct tree *value)
{
    struct change *c = ARENA_NEW(&d->scratch, struct change);
    if (!c) {
        d->full = true;
        return;
    }
    *c = (struct change){.before = d->last,
                         .place = place,
                         .value = value,
                         .kind = kind,
                         .offered = kind == CHANGE_ADD || kind == CHANGE_REMOVE};
    if (d->last)
        d->last->next = c;
    else
        d->first = c;
    d->last = c;
    d->additions += kind == CHANGE_ADD;
}

/* Takes the latest offer of that kind and value. */
static struct change *take_offer(struct diff *d, enum change_kind kind, const struct tree *value)
{
    if (kind == CHANGE_ADD && !d->additions)
        return NULL;
    for (struct change *c = d->last; c; c = c->before) {
        if (c->kind != kind || !c->offered || !same_text(c->value, value))
            continue;
        c->offered = false;
        d->additions -= kind == CHANGE_ADD;
        return c;
    }
    return NULL;
}

static void added(struct diff *d, const struct place *place, const struct tree *value)
{
    struct change *removal = take_offer(d, CHANGE_REMOVE, value);
    if (removal && !is_inside(place, removal->place)) {
        removal->gone = true;
        record(d, CHANGE_MOVE, place, value);
    } else {
        record(d, CHANGE_ADD, place, value);
    }
}

static void removed(struct diff *d, const struct place *place, const struct tree *value)
{
    struct change *addition = take_offer(d, CHANGE_ADD, value);
    if (addition) {
        addition->gone = true;
        record(d, CHANGE_MOVE, place, value);
    } else {
        record(d, CHANGE_REMOVE, place, value);
    }
}

static void compare(struct diff *d, const struct place *place, const struct tree *from,
                    const struct tree *to);

static void compare_objects(struct diff *d, const struct place *place, const struct tree *from,
                            const struct tree *to)
{
    for (const struct tree *it = from->first; it; it = it->next)
        if (!tree_get(to, it->key))
            removed(d, below(d, place, it->key), it);
    for (const struct tree *it = to->first; it; it = it->next)
        if (!tree_get(from, it->key))
            added(d, below(d, place, it->key), it);
    for (const struct tree *it = from->first; it; it = it->next) {
        const struct tree *other = tree_get(to, it->key);
        if (other)
            compare(d, below(d, place, it->key), it, other);
    }
}

/* The skeleton's lists have one element. Where the manifest has that very element anywhere, the
 * others are further ones; else the first stands against it. */
static void compare_arrays(struct diff *d, const struct place *place, const struct tree *from,
                           const struct tree *to)
{
    const struct tree *wanted = to->first, *match = NULL;
    for (const struct tree *it = from->first; it && !match; it = it->next)
        match = same_text(it, wanted) ? it : NULL;
    if (!match && from->first) {
        const struct place *zero = below(d, place, STR("0"));
        match = from->first;
        if (match->type == TREE_OBJECT) {
            compare_objects(d, zero, match, wanted);
        } else {
            removed(d, zero, match);
            added(d, zero, wanted);
        }
    }
    for (const struct tree *it = from->first; it; it = it->next)
        if (it != match)
            removed(d, below(d, place, STR("1")), it);
    if (!from->first)
        added(d, below(d, place, STR("0")), wanted);
}

static void compare(struct diff *d, const struct place *place, const struct tree *from,
                    const struct tree *to)
{
    if (from->type == TREE_OBJECT && to->type == TREE_OBJECT)
        compare_objects(d, place, from, to);
    else if (from->type == TREE_ARRAY && to->type == TREE_ARRAY)
        compare_arrays(d, place, from, to);
    else if (!same_text(from, to))
        record(d, CHANGE_REPLACE, place, to);
}

/* A removal with an addition at the same place right behind it is a replacement. */
static void join_pairs(struct diff *d)
{
    struct change *previous = NULL;
    for (struct change *c = d->first; c; c = c->next) {
        if (c->gone)
            continue;
        if (previous && previous->kind == CHANGE_REMOVE && c->kind == CHANGE_ADD &&
            same_place(previous->place, c->place)) {
            previous->gone = true;
            c->kind = CHANGE_REPLACE;
        }
        previous = c;
    }
}

/* -- the complaint */

#define FAULTS_MAX 16 /* the skeleton has fewer members */
#define DEPTH_MAX 16  /* and is less deep */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Sorted texts of the changes of one kind. */
static size_t faults(struct diff *d, enum change_kind kind, struct buf *memory, str *texts)
{
    size_t count = 0;
    for (const struct change *c = d->first; c && count < FAULTS_MAX; c = c->next) {
        if (c->gone || c->kind != kind)
            continue;
        size_t begin = memory->n;
        put_place(memory, c->place);
        if (kind == CHANGE_REPLACE) {
            buf_cstr(memory, " must be ");
            pyrepr_repr(memory, c->value);
        }
        texts[count++] = str_sub(buf_str(memory), begin, memory->n);
    }
    qsort(texts, count, sizeof texts[0], by_text);
    return count;
}

/* The template's own words for a place: placeholder and variable, where it has some. */
static void put_sources(struct build *b, struct buf *text, const struct place *place)
{
    struct build_path steps[DEPTH_MAX];
    size_t n = 0;
    for (; place && n + 1 < ARRAY_LEN(steps); place = place->up, n++) {
        bool element = place->key.n == 1 && place->key.p[0] == '0';
        steps[n] = (struct build_path){.up = &steps[n + 1], .key = element ? (str){0} : place->key};
    }
    steps[n] = build_at_manifest;
    build_put_sources(b, text, steps);
}

static enum err_kind complain(struct build *b, struct diff *d)
{
    str texts[FAULTS_MAX];
    struct buf memory = buf_new(&d->scratch, 8 * KIB), list = buf_new(&d->scratch, 8 * KIB);
    size_t missing = faults(d, CHANGE_ADD, &memory, texts);
    size_t count = missing ? missing : faults(d, CHANGE_REPLACE, &memory, texts);
    if (!count)
        return ERR_NONE;
    for (size_t i = 0; i < count; i++) {
        buf_put(&list, texts[i]);
        if (i + 1 < count)
            buf_cstr(&list, ", ");
    }
    if (missing)
        return build_fail(b, "ValidationError",
                          "job_configuration.job_manifest lacks " STR_FMT
                          ": the worker needs a Job whose first container is 'prefect-job'",
                          STR_ARG(buf_str(&list)));
    for (const struct change *c = d->first; c; c = c->next)
        if (!c->gone && c->kind == CHANGE_REPLACE)
            put_sources(b, &list, c->place);
    return build_fail(b, "ValidationError", "in job_configuration.job_manifest " STR_FMT,
                      STR_ARG(buf_str(&list)));
}

enum err_kind build_check_skeleton(struct build *b)
{
    struct diff d = {.scratch = b->scratch};
    struct tree *skeleton;
    struct err e;
    if (tree_parse_json(&d.scratch, *b->out, STR(SKELETON), &skeleton, &e) != ERR_NONE)
        return build_full(b);
    compare(&d, NULL, b->job, skeleton);
    if (d.full)
        return build_full(b);
    join_pairs(&d);
    return complain(b, &d);
}
