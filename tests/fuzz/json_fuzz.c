/* SPDX-License-Identifier: Apache-2.0 */

/* JSON: walking all of a document agrees with the counts, strings are UTF-8 and compare with
 * themselves, and the tree of it survives every writer. */

#include "format/json.h"
#include "format/utf8.h"
#include "tree_check.h"

static struct arena arena, scratch;

static void check_string(struct json v)
{
    str text = json_str(&arena, v);
    ASSERT(text.p && utf8_find_bad(text) < 0);
    ASSERT(json_str_is(v, text));
}

static void walk(struct json v)
{
    size_t count = 0;
    struct json_iter it = json_each(v);
    while (json_next(&it)) {
        count++;
        if (json_is(v, JSON_OBJECT)) {
            check_string(it.key);
            ASSERT(!json_is(json_get(v, json_str(&arena, it.key)), JSON_ABSENT));
        }
        walk(it.value);
    }
    ASSERT(count == json_count(v));
    int64_t i;
    double f;
    if (json_is(v, JSON_STRING))
        check_string(v);
    else if (json_i64(v, &i))
        ASSERT(json_f64(v, &f) && (double)i == f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    struct json root;
    struct tree *v;
    struct err e;
    fuzz_arena(&arena, 256 * MIB);
    fuzz_arena(&scratch, 256 * MIB);
    if (json_parse(&scratch, text, &root, &e))
        return 0;
    ASSERT(json_raw(root).n <= size);
    walk(root);
    if (tree_from_json(&arena, root, &v, &e) == ERR_NONE)
        check_tree(v);
    return 0;
}
