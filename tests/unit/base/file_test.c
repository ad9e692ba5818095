/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "rig.h"

static struct arena arena;
static struct err error;
static char folder[64], path[80];

static int fresh(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/file_test.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    arena_reserve(&arena, "test", 1 << 20);
    error = (struct err){0};
    return 0;
}

static int clean(void **state)
{
    (void)state;
    unlink(path);
    arena_release(&arena);
    return rmdir(folder);
}

static void put(const char *text, size_t n)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    fclose(file);
}

static void test_reads_all(void **state)
{
    (void)state;
    str text;
    put("a\0b\n", 4);
    assert_int_equal(file_read(&arena, path, 100, &text, &error), ERR_NONE);
    assert_int_equal(text.n, 4);
    assert_memory_equal(text.p, "a\0b\n", 5); /* terminated */
    assert_int_equal(arena.used, 5);          /* not the 101 that were asked for */
    put("", 0);
    assert_int_equal(file_read(&arena, path, 100, &text, &error), ERR_NONE);
    assert_int_equal(text.n, 0);
    assert_string_equal(text.p, "");
}

static void test_cap_is_exact(void **state)
{
    (void)state;
    str text = STR("kept");
    put("12345678", 8);
    assert_int_equal(file_read(&arena, path, 8, &text, &error), ERR_NONE);
    assert_str(text, "12345678");
    text = STR("kept");
    size_t used = arena.used;
    assert_int_equal(file_read(&arena, path, 7, &text, &error), ERR_LIMIT);
    assert_str(text, "kept");
    assert_int_equal(arena.used, used);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "7 bytes"));
}

static void test_in_pieces(void **state)
{
    (void)state;
    int ends[2];
    str text;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 50; i++) {
            char piece[100];
            memset(piece, 'a' + i % 26, sizeof piece);
            if (write(ends[1], piece, sizeof piece) != sizeof piece)
                _exit(1);
            usleep(200);
        }
        _exit(0);
    }
    close(ends[1]);
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(file_read(&arena, name, 10000, &text, &error), ERR_NONE);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(text.n, 5000);
    assert_int_equal(text.p[4999], 'a' + 49 % 26);
}

static void test_missing(void **state)
{
    (void)state;
    str text;
    assert_int_equal(file_read(&arena, path, 100, &text, &error), ERR_MISSING);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(error.source, ERR_FROM_ERRNO);
    assert_int_equal(error.code, ENOENT);
    assert_false(file_exists(path));
    put("x", 1);
    assert_true(file_exists(path));
    char below[100];
    snprintf(below, sizeof below, "%s/below", path); /* under something that is no folder */
    assert_int_equal(file_read(&arena, below, 100, &text, &error), ERR_MISSING);
    assert_false(file_exists(below));
    assert_true(file_exists(folder));
}

static void test_folder_is_no_file(void **state)
{
    (void)state;
    str text;
    assert_int_equal(file_read(&arena, folder, 100, &text, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, folder));
}

/* Root may read anything, so a child gives that up first. */
static void test_without_permission(void **state)
{
    (void)state;
    put("x", 1);
    assert_int_equal(chmod(path, 0), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        str text;
        if (getuid() == 0 && (chmod(folder, 0755) || setuid(65534)))
            _exit(2);
        _exit(file_read(&arena, path, 100, &text, &error) == ERR_FORBIDDEN ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_no_room(void **state)
{
    (void)state;
    str text;
    char memory[8];
    struct arena small = arena_over("small", memory, sizeof memory);
    put("x", 1);
    assert_int_equal(file_read(&small, path, 8, &text, &error), ERR_LIMIT);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(file_read(&small, path, 7, &text, &error), ERR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_all), TEST(test_cap_is_exact),      TEST(test_in_pieces),
        TEST(test_missing),   TEST(test_folder_is_no_file), TEST(test_without_permission),
        TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
