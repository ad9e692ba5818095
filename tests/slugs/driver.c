/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes slugs, one a line: reads "KIND HEX" (name, plain, key or value; the text's bytes in hex),
 * writes the slug's bytes in hex.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "format/slug.h"

#define ARENA_SIZE (16 * MIB)
#define LINE_MAX_BYTES (1 * MIB)

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static str from_hex(char *text)
{
    size_t n = 0;
    for (; text[2 * n] && text[2 * n] != '\n'; n++)
        text[n] = (char)(digit_of(text[2 * n]) << 4 | digit_of(text[2 * n + 1]));
    return (str){text, n};
}

static str slug_of(const char *kind, struct arena *out, struct arena scratch, str text)
{
    if (!strcmp(kind, "name"))
        return slug_name(out, scratch, text);
    if (!strcmp(kind, "plain"))
        return slug_plain(out, scratch, text);
    if (!strcmp(kind, "key"))
        return slug_label_key(out, scratch, text);
    ASSERT(!strcmp(kind, "value"));
    return slug_label_value(out, scratch, text);
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    struct arena out, scratch;
    arena_reserve(&out, "out", ARENA_SIZE);
    arena_reserve(&scratch, "scratch", ARENA_SIZE);
    while (fgets(line, sizeof line, stdin)) {
        char *space = strchr(line, ' ');
        ASSERT(space);
        *space = '\0';
        str slug = slug_of(line, &out, scratch, from_hex(space + 1));
        ASSERT(slug.p);
        for (size_t i = 0; i < slug.n; i++)
            printf("%02x", (unsigned char)slug.p[i]);
        putchar('\n');
        arena_reset(&out);
    }
    return 0;
}
