/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>

#include "rig.h"

static void test_set(void **state)
{
    (void)state;
    struct err e = {.source = ERR_FROM_CURL, .code = 7};
    assert_int_equal(err_set(&e, ERR_AUTH, "no %s for %d", "key", 3), ERR_AUTH);
    assert_int_equal(e.kind, ERR_AUTH);
    assert_int_equal(e.source, ERR_FROM_US);
    assert_int_equal(e.code, 0);
    assert_string_equal(e.text, "no key for 3");
    assert_int_equal(err_set(NULL, ERR_GONE, "nobody listens"), ERR_GONE);
}

static void test_errno(void **state)
{
    (void)state;
    struct err e;
    errno = ENOENT;
    assert_int_equal(err_errno(&e, ERR_MISSING, "cannot open %s", "x"), ERR_MISSING);
    assert_string_equal(e.text, "cannot open x: No such file or directory");
    assert_int_equal(e.source, ERR_FROM_ERRNO);
    assert_int_equal(e.code, ENOENT);
    assert_int_equal(err_errno(NULL, ERR_FATAL, "x"), ERR_FATAL);
}

static void test_prefix(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_set(&e, ERR_INVALID, "line %d", 3), ERR_INVALID);
    err_origin(&e, ERR_FROM_HTTP, 422);
    assert_int_equal(err_prefix(&e, "file %s: ", "y"), ERR_INVALID);
    assert_string_equal(e.text, "file y: line 3");
    assert_int_equal(e.source, ERR_FROM_HTTP);
    assert_int_equal(e.code, 422);
    err_origin(NULL, ERR_FROM_HTTP, 1);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    char text[2 * ERR_TEXT_MAX];
    struct err e;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(err_set(&e, ERR_LIMIT, "%s", text), ERR_LIMIT);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    assert_int_equal(err_prefix(&e, "in front: "), ERR_LIMIT);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    assert_memory_equal(e.text, "in front: xxx", 13);
    errno = EIO;
    assert_int_equal(err_errno(&e, ERR_LIMIT, "%s", text), ERR_LIMIT);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

/* A text goes into JSON, which wants whole characters. */
static void test_cut_between_characters(void **state)
{
    (void)state;
    char text[ERR_TEXT_MAX + 10] = "";
    struct err e;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xF0\x9F\x98\x80", 4);
        text[sizeof text - 1] = '\0';
        assert_int_equal(err_set(&e, ERR_LIMIT, "%s", text), ERR_LIMIT);
        size_t n = strlen(e.text);
        assert_true(n >= ERR_TEXT_MAX - 4);
        assert_int_equal((n - shift) % 4, 0);
        assert_int_equal(err_prefix(&e, "y"), ERR_LIMIT);
        n = strlen(e.text);
        assert_int_equal((n - shift - 1) % 4, 0);
    }
}

static void test_kinds_of_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum err_kind kind;
    } known[] = {
        {400, ERR_INVALID}, {401, ERR_AUTH},  {403, ERR_FORBIDDEN}, {404, ERR_MISSING},
        {405, ERR_INVALID}, {408, ERR_RETRY}, {409, ERR_CONFLICT},  {410, ERR_GONE},
        {422, ERR_INVALID}, {425, ERR_RETRY}, {429, ERR_RETRY},     {499, ERR_INVALID},
        {500, ERR_RETRY},   {502, ERR_RETRY}, {503, ERR_RETRY},     {504, ERR_RETRY},
        {599, ERR_RETRY},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_int_equal(err_kind_of_status(known[i].status), known[i].kind);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(err_kind_name(ERR_NONE), "ok");
    assert_string_equal(err_kind_name(ERR_CONFLICT), "conflict");
    assert_string_equal(err_kind_name(ERR_FATAL), "fatal");
    assert_string_equal(err_kind_name((enum err_kind)(ERR_FATAL + 1)), "?");
    for (int a = ERR_NONE; a <= ERR_FATAL; a++)
        for (int b = ERR_NONE; b < a; b++)
            assert_string_not_equal(err_kind_name(a), err_kind_name(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_cut_between_characters),
        cmocka_unit_test(test_kinds_of_statuses),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
