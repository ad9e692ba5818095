/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is passed down to runs, against the Python client: tests/golden/settings/generate.py writes
 * the cases. SETTINGS_CASES=FILE takes other cases than the committed ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "format/tree.h"
#include "worker/settings.h"

#define VARIABLES_MAX 64
#define CASES_MAX (64 * MIB)

static struct arena perm, scratch, document;

static void write_file(str folder, str name, str text)
{
    str path = str_printf(&scratch, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(name));
    char *slash = strrchr(path.p, '/');
    *slash = '\0';
    mkdir(path.p, 0700);
    *slash = '/';
    FILE *f = fopen(path.p, "w");
    assert_non_null(f);
    str filled = str_replace(&scratch, text, STR("@"), folder);
    assert_int_equal(fwrite(filled.p, 1, filled.n, f), filled.n);
    assert_int_equal(fclose(f), 0);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void fill_environment(const struct tree *given, str folder, char **environment)
{
    size_t n = 0;
    if (!tree_get(given, STR("HOME")))
        environment[n++] = (char *)"HOME=/house/u";
    for (const struct tree *v = given->first; v; v = v->next) {
        assert_true(n < VARIABLES_MAX - 1);
        str value = str_replace(&scratch, v->text, STR("@"), folder);
        environment[n++] =
            (char *)str_printf(&scratch, STR_FMT "=" STR_FMT, STR_ARG(v->key), STR_ARG(value)).p;
    }
    environment[n] = NULL;
}

/* Name and value of each propagated setting as JSON, with "@" for the folder. */
static str propagated(const struct settings *s, str folder)
{
    struct buf out = buf_new(&scratch, MIB);
    struct json_writer w = json_writer_python(&out);
    str name, value;
    bool secret;
    json_array_begin(&w);
    for (size_t i = 0; settings_propagated(s, i, &name, &value, &secret); i++) {
        json_array_begin(&w);
        json_put_str(&w, name);
        json_put_str(&w, str_replace(&scratch, value, folder, STR("@")));
        json_array_end(&w);
    }
    json_array_end(&w);
    assert_false(out.full);
    return buf_str(&out);
}

static str wanted(const struct tree *c)
{
    struct buf out = buf_new(&scratch, MIB);
    struct json_writer w = json_writer_python(&out);
    tree_write_json(&w, tree_get(c, STR("want")));
    return buf_str(&out);
}

/* False, with both sides on standard error, where they differ. */
static bool run_case(const struct tree *c, size_t index)
{
    char folder[] = "/tmp/settings-XXXXXX";
    char *environment[VARIABLES_MAX];
    assert_non_null(mkdtemp(folder));
    const struct tree *files = tree_get(c, STR("files"));
    for (const struct tree *v = files ? files->first : NULL; v; v = v->next)
        write_file(str_of(folder), v->key, v->text);
    fill_environment(tree_get(c, STR("environment")), str_of(folder), environment);
    str profile = str_copy(&scratch, tree_text(tree_get(c, STR("profile"))));
    struct settings_sources sources = {environment, profile.n ? profile.p : NULL, str_of(folder)};
    const struct settings *settings;
    struct err e = {0};
    enum err_kind kind = settings_load(&perm, scratch, &sources, &settings, &e);
    bool refused = tree_get(c, STR("refused")) != NULL;
    str got = kind ? str_of(e.text) : propagated(settings, str_of(folder));
    bool same = kind ? refused && kind == ERR_INVALID && e.text[0] : str_eq(got, wanted(c));
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (!same) {
        struct buf given = buf_new(&scratch, MIB);
        tree_write_json_pretty(&given, c, 1);
        fprintf(stderr, "case %zu: " STR_FMT "\ngot  " STR_FMT "\n", index,
                STR_ARG(buf_str(&given)), STR_ARG(got));
    }
    return same;
}

static void settings_are_passed_down_as_by_the_python_client(void **state)
{
    (void)state;
    const char *path = getenv("SETTINGS_CASES");
    str text;
    struct tree *cases;
    struct err e;
    if (file_read(&document, path ? path : "tests/golden/settings/settings.json", CASES_MAX, &text,
                  &e) ||
        tree_parse_json(&document, scratch, text, &cases, &e))
        fail_msg("%s", e.text);
    size_t index = 0, failed = 0;
    for (const struct tree *c = cases->first; c; c = c->next, index++) {
        failed += !run_case(c, index);
        arena_reset(&perm);
        arena_reset(&scratch);
    }
    assert_true(index > 100);
    if (failed)
        fail_msg("%zu of %zu cases differ", failed, index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_passed_down_as_by_the_python_client),
    };
    arena_reserve(&perm, "perm", 8 * MIB);
    arena_reserve(&scratch, "scratch", 64 * MIB);
    arena_reserve(&document, "document", 2 * CASES_MAX);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
