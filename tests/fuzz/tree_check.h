/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_TREE_CHECK_H
#define TESTS_FUZZ_TREE_CHECK_H

/* For targets that read a tree: what is written of it, in each format, must read back the same. */

#include "format/yaml.h"
#include "fuzz.h"

#define WRITTEN_MAX (32 * MIB)

static struct arena check_arena, check_scratch;

static void check_reads_back(const struct tree *v, str written, bool full, bool yaml)
{
    struct tree *back;
    struct err e;
    if (full || written.n > JSON_TEXT_MAX)
        return;
    enum err_kind kind = yaml ? yaml_parse(&check_arena, written, &back, &e)
                              : tree_parse_json(&check_arena, check_scratch, written, &back, &e);
    ASSERT(kind == ERR_NONE || kind == ERR_LIMIT);
    ASSERT(kind == ERR_LIMIT || tree_eq(v, back));
}

static void check_tree(const struct tree *v)
{
    fuzz_arena(&check_arena, 256 * MIB);
    fuzz_arena(&check_scratch, 256 * MIB);
    struct buf out = buf_new(&check_arena, WRITTEN_MAX);
    struct json_writer compact = json_writer(&out), python = json_writer_python(&out);
    tree_write_json(&compact, v);
    check_reads_back(v, buf_str(&out), out.full, false);
    buf_clear(&out);
    tree_write_json(&python, v);
    check_reads_back(v, buf_str(&out), out.full, false);
    buf_clear(&out);
    tree_write_json_pretty(&out, v, 2);
    check_reads_back(v, buf_str(&out), out.full, false);
    buf_clear(&out);
    tree_write_yaml(&out, v);
    check_reads_back(v, buf_str(&out), out.full, true);
    struct tree *copy = tree_clone(&check_arena, v);
    ASSERT(copy && tree_eq(v, copy));
}

#endif
