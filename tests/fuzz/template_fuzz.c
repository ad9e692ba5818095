/* SPDX-License-Identifier: Apache-2.0 */

/* A template (the first line, as text or as JSON) filled in with values (the rest, JSON): no
 * placeholder of a value stays, values put in are found again, and what Python would print can be
 * written. */

#include <string.h>

#include "format/pyrepr.h"
#include "format/shlex.h"
#include "format/template.h"
#include "fuzz.h"

static struct arena arena, scratch;

/* Placeholders follow each other and are what they say. */
static void check_placeholders(str text)
{
    struct template_placeholder p, whole;
    size_t at = 0, before = 0;
    while (template_next(text, &at, &p)) {
        ASSERT(at > before && at <= text.n && p.text.n >= 5 && p.name.n);
        ASSERT(p.text.p + p.text.n == text.p + at);
        ASSERT(template_whole(p.text, &whole) && str_eq(whole.name, p.name));
        ASSERT(template_first_key(p.name).n <= p.name.n);
        before = at;
    }
    ASSERT(at == text.n);
}

static struct tree *parse(str text)
{
    struct tree *v;
    struct err e;
    if (tree_parse_json(&arena, scratch, text, &v, &e) == ERR_NONE)
        return v;
    return NULL;
}

static void check_split(str line)
{
    struct tree *words;
    struct err e;
    if (shlex_split(&arena, line, &words, &e) != ERR_NONE)
        return;
    size_t total = 0;
    for (const struct tree *it = words->first; it; it = it->next)
        total += it->text.n;
    ASSERT(total <= line.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const environment[] = {"A=1", "B={{ a }}", NULL};
    str text = {(const char *)data, size}, first, rest;
    fuzz_arena(&arena, 64 * MIB);
    fuzz_arena(&scratch, 64 * MIB);
    str_cut(text, '\n', &first, &rest);
    check_placeholders(first);
    check_split(first);

    struct tree *values = parse(rest), *template = parse(first);
    struct tree plain = {.type = TREE_STRING, .text = first};
    if (!tree_is(values, TREE_OBJECT))
        return 0;
    struct template_context context = {
        .out = &arena, .scratch = scratch, .values = values, .environment = environment};
    struct tree *result = template_apply(&context, template ? template : &plain);
    ASSERT(result || context.full || template_has_placeholder(template ? template : &plain));
    if (!result || context.full)
        return 0;
    struct buf printed = buf_new(&arena, 4 * MIB);
    pyrepr_repr(&printed, result);
    (void)pyrepr_is_true(result);
    if (!template_has_placeholder(template ? template : &plain))
        ASSERT(tree_eq(result, template ? template : &plain));
    return 0;
}
