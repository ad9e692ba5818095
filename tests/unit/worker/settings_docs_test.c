/* SPDX-License-Identifier: Apache-2.0 */
/* docs/settings.md must say what the tables say. UPDATE_GOLDEN=1 rewrites it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "worker/config.h"
#include "worker/settings_table.h"

#define PAGE "docs/settings.md"

static void put_names(struct buf *out, const struct setting *s)
{
    char name[SETTING_NAME_MAX];
    str rest = str_of(s->names), next;
    buf_printf(out, "`" STR_FMT "`", STR_ARG(setting_name(s, name)));
    while (rest.n) {
        str_cut(rest, ' ', &next, &rest);
        buf_printf(out, ", `" STR_FMT "`", STR_ARG(next));
    }
}

static void put_setting(struct buf *out, const struct setting *s)
{
    if (!s->help)
        return;
    buf_cstr(out, "| ");
    put_names(out, s);
    if (s->fallback && s->fallback[0])
        buf_printf(out, " | `%s` | %s |\n", s->fallback, s->help);
    else
        buf_printf(out, " | | %s |\n", s->help);
}

/* Those whose place begins with `prefix`, or with none of the two where it is empty. */
static void put_settings(struct buf *out, const struct setting *table, size_t count, str prefix)
{
    buf_cstr(out, "| setting | default | what it does |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        bool own = !str_starts(str_of(table[i].path), STR("integrations."));
        if (prefix.n == 0 || own == str_eq(prefix, STR("own")))
            put_setting(out, &table[i]);
    }
}

static void put_flags(struct buf *out)
{
    buf_cstr(out, "| flag | value | what it does |\n|---|---|---|\n");
    for (size_t i = 0; i < config_syntax.option_count; i++) {
        const struct argument_option *o = &config_syntax.options[i];
        buf_printf(out, "| `--%s%s`", o->type == ARGUMENT_FLAG ? "[no-]" : "", o->name);
        if (o->letter)
            buf_printf(out, ", `-%c`", o->letter);
        str rest = str_of(o->choices), choice;
        if (!rest.n)
            buf_printf(out, " | %s", o->value ? o->value : "");
        for (const char *joint = " | "; rest.n; joint = ", ") {
            str_cut(rest, '|', &choice, &rest);
            buf_printf(out, "%s`" STR_FMT "`", joint, STR_ARG(choice));
        }
        buf_printf(out, " | %s |\n", o->help);
    }
}

static void put_table(struct buf *out, str which)
{
    if (str_eq(which, STR("flags")))
        put_flags(out);
    else if (str_eq(which, STR("prefect")))
        put_settings(out, settings_of_prefect, settings_of_prefect_count, STR(""));
    else if (str_eq(which, STR("own")) || str_eq(which, STR("kubernetes")))
        put_settings(out, settings_of_worker, settings_of_worker_count, which);
    else
        fail_msg("there is no table '" STR_FMT "'", STR_ARG(which));
}

/* The page with what stands between its marks made anew. */
static void render(struct buf *out, str page, size_t *tables)
{
    str begin = STR("<!-- table: "), end = STR("<!-- end -->"), close = STR(" -->\n");
    ptrdiff_t at;
    while ((at = str_find(page, begin)) >= 0) {
        str rest = str_skip(page, (size_t)at + begin.n);
        ptrdiff_t name = str_find(rest, close), over = str_find(rest, end);
        assert_true(name > 0 && over > name);
        buf_put(out, str_sub(page, 0, (size_t)at + begin.n + (size_t)name + close.n));
        put_table(out, str_sub(rest, 0, (size_t)name));
        page = str_skip(rest, (size_t)over);
        ++*tables;
    }
    buf_put(out, page);
}

static void the_page_follows_the_tables(void **state)
{
    (void)state;
    struct arena arena;
    struct err e;
    str page;
    size_t tables = 0;
    arena_reserve(&arena, "docs", 8 * MIB);
    if (file_read(&arena, PAGE, MIB, &page, &e))
        fail_msg("%s", e.text);
    struct buf out = buf_new(&arena, MIB);
    render(&out, page, &tables);
    assert_false(out.full);
    assert_int_equal(tables, 4);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(PAGE, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(out.p, 1, out.n, f), out.n);
        assert_int_equal(fclose(f), 0);
    } else if (!str_eq(page, buf_str(&out))) {
        fail_msg(PAGE " is behind: make check T=worker/settings_docs UPDATE_GOLDEN=1");
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_follows_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
