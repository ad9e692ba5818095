/* SPDX-License-Identifier: Apache-2.0 */

/* The main of a fuzz target that is built without libFuzzer: runs it over the files named and says
 * how many there were. A read beyond an input is seen, as the bytes behind it are poisoned. */

#include <stdio.h>

#include <sanitizer/asan_interface.h>

#include "base/file.h"
#include "fuzz.h"

#define BEHIND 64

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct err e;
    for (int i = 1; i < argc; i++) {
        str text;
        fuzz_arena(&arena, FILE_MAX + 2 * BEHIND);
        if (file_read(&arena, argv[i], FILE_MAX, &text, &e)) {
            fprintf(stderr, "%s\n", e.text);
            return 2;
        }
        ASAN_POISON_MEMORY_REGION(text.p + text.n, BEHIND);
        LLVMFuzzerTestOneInput((const uint8_t *)text.p, text.n);
        ASAN_UNPOISON_MEMORY_REGION(text.p + text.n, BEHIND);
    }
    printf("%d\n", argc - 1);
    return 0;
}
