/* SPDX-License-Identifier: Apache-2.0 */
#include "format/slug_table.h"

#include <stdio.h>
#include <string.h>

#include "format/packed.h"
#include "format/slug_packed.h"
#include "format/unicode.h"

/* Not for threads: the first character that is not ASCII unpacks what is kept below. */
static struct {
    bool unpacked;
    struct {
        uint32_t character : 18;
        uint32_t at : 14; /* in parts; the next entry's is the end */
    } decompositions[SLUG_DECOMPOSITIONS + 1];
    uint16_t parts[SLUG_PARTS];
    struct {
        uint32_t first;
        uint16_t count;
        uint8_t class;
    } classes[SLUG_CLASSES];
    struct {
        uint16_t first; /* this spelling holds until the next entry */
        uint16_t at;    /* in text, terminated */
    } spellings[SLUG_SPELLINGS];
    size_t spellings_count;
    char text[SLUG_SPELLINGS_BYTES];
    size_t text_used;
} table;

/* -- decompositions */

/* How a part is written, beside the parts at its place in the two entries before. */
enum part_kind {
    PART_END,
    PART_SAME,      /* as one entry before */
    PART_NEXT,      /* the code point after that one */
    PART_AGO,       /* as two entries before */
    PART_AGO_NEXT,  /* the code point after that one */
    PART_SAME_PAGE, /* 8 bits: another one of the same 256 as the part before it */
    PART_ANY,       /* 8 and 8 bits */
};
#define PART_KIND_BITS 3

enum { COLUMN_GAP, COLUMN_KIND, COLUMN_LOW, COLUMN_HIGH };

struct sequence {
    uint32_t parts[SLUG_DECOMPOSITION_MAX + 1]; /* zeros from the end on */
    uint8_t kinds[SLUG_DECOMPOSITION_MAX + 1];
};

static uint32_t kind_context(const struct sequence *before, const struct sequence *now, size_t i)
{
    uint32_t place = i < 3 ? (uint32_t)i : 3;
    return packed_context(COLUMN_KIND,
                          place | before->kinds[i] << 2 | (i ? now->kinds[i - 1] << 5 : 0));
}

static uint32_t low_byte(struct packed *p, struct packed_model *m, uint32_t page, size_t i)
{
    bool kana_word = page == 0x30 && i;
    return page << 8 | packed_symbol(p, m, packed_context(COLUMN_LOW, page * 2 + kana_word), 8);
}

static uint32_t unpack_part(struct packed *p, struct packed_model *m, uint8_t kind, size_t i,
                            const struct sequence *now, const struct sequence last[2])
{
    uint32_t page = (i ? now->parts[i - 1] : last[0].parts[0]) >> 8;
    switch (kind) {
    case PART_SAME:
        return last[0].parts[i];
    case PART_NEXT:
        return last[0].parts[i] + 1;
    case PART_AGO:
        return last[1].parts[i];
    case PART_AGO_NEXT:
        return last[1].parts[i] + 1;
    case PART_SAME_PAGE:
        return low_byte(p, m, page, i);
    default:
        ASSERT(kind == PART_ANY);
        return low_byte(p, m, packed_symbol(p, m, packed_context(COLUMN_HIGH, page), 8), i);
    }
}

static void unpack_decompositions(void)
{
    struct packed p = packed_open(slug_decompositions, slug_decompositions_words, 0);
    struct packed_model m;
    struct sequence last[2] = {0}, now;
    uint32_t c = 0x7F, gap = 0;
    uint16_t used = 0;
    packed_model_init(&m);
    for (size_t entry = 0; entry < SLUG_DECOMPOSITIONS; entry++) {
        gap = packed_number(&p, &m, packed_context(COLUMN_GAP, gap < 3 ? gap : 3));
        c += gap + 1;
        table.decompositions[entry].character = c;
        table.decompositions[entry].at = used;
        memset(&now, 0, sizeof now);
        for (size_t i = 0;; i++) {
            uint32_t context = kind_context(&last[0], &now, i);
            now.kinds[i] = (uint8_t)packed_symbol(&p, &m, context, PART_KIND_BITS);
            if (now.kinds[i] == PART_END)
                break;
            ASSERT(i < SLUG_DECOMPOSITION_MAX && used < SLUG_PARTS);
            now.parts[i] = unpack_part(&p, &m, now.kinds[i], i, &now, last);
            table.parts[used++] = (uint16_t)now.parts[i];
        }
        last[1] = last[0];
        last[0] = now;
    }
    table.decompositions[SLUG_DECOMPOSITIONS].at = used;
}

/* -- combining classes */

enum { COLUMN_DISTANCE, COLUMN_COUNT, COLUMN_CLASS };

static void unpack_classes(void)
{
    struct packed p = packed_open(slug_classes, slug_classes_words, 0);
    struct packed_model m;
    uint32_t c = 0x300;
    packed_model_init(&m);
    for (size_t i = 0; i < SLUG_CLASSES; i++) {
        c += packed_number(&p, &m, packed_context(COLUMN_DISTANCE, 0));
        uint32_t count = 1 + packed_number(&p, &m, packed_context(COLUMN_COUNT, 0));
        table.classes[i].first = c;
        table.classes[i].count = (uint16_t)count;
        table.classes[i].class = (uint8_t)packed_symbol(&p, &m, packed_context(COLUMN_CLASS, 0), 8);
        c += count;
    }
}

/* -- spellings */

enum spelling_kind {
    SPELLING_SAME,
    SPELLING_LOWER, /* as before, in small letters */
    SPELLING_DASH,
    SPELLING_NONE,
    SPELLING_LOWER_32, /* as 32 code points before, in small letters */
    SPELLING_96,       /* as 96 code points before: kana */
    SPELLING_NEW       /* characters of 7 bits up to a NUL */
};
#define SPELLING_KIND_BITS 3

enum { COLUMN_SPELLING, COLUMN_BYTE };

/* The spelling of a code point that was unpacked, or that of the one before it. */
static const char *spelling_of(uint32_t c)
{
    size_t low = 0, high = table.spellings_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table.spellings[middle].first <= c)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? table.text + table.spellings[low - 1].at : "";
}

static void append_spelling(uint32_t c, const char *spelling, bool lower)
{
    size_t n = strlen(spelling) + 1;
    ASSERT(table.spellings_count < SLUG_SPELLINGS && table.text_used + n <= SLUG_SPELLINGS_BYTES);
    char *text = table.text + table.text_used;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(lower && spelling[i] >= 'A' && spelling[i] <= 'Z' ? spelling[i] | 0x20
                                                                           : spelling[i]);
    table.spellings[table.spellings_count].first = (uint16_t)c;
    table.spellings[table.spellings_count++].at = (uint16_t)table.text_used;
    table.text_used += n;
}

static void new_spelling(struct packed *p, struct packed_model *m, uint32_t c)
{
    char text[SLUG_SPELLING_MAX + 1] = "";
    uint32_t before = 0;
    for (size_t i = 0;; i++) {
        ASSERT(i < sizeof text);
        before = packed_symbol(p, m, packed_context(COLUMN_BYTE, before + (i ? 128 : 0)), 7);
        text[i] = (char)before;
        if (!before)
            break;
    }
    append_spelling(c, text, false);
}

static void unpack_spelling(struct packed *p, struct packed_model *m, uint32_t c, uint32_t kind)
{
    switch (kind) {
    case SPELLING_SAME:
        break;
    case SPELLING_LOWER:
        append_spelling(c, spelling_of(c - 1), true);
        break;
    case SPELLING_DASH:
        append_spelling(c, "-", false);
        break;
    case SPELLING_NONE:
        append_spelling(c, "", false);
        break;
    case SPELLING_LOWER_32:
        append_spelling(c, spelling_of(c - 32), true);
        break;
    case SPELLING_96:
        append_spelling(c, spelling_of(c - 96), false);
        break;
    default:
        ASSERT(kind == SPELLING_NEW);
        new_spelling(p, m, c);
    }
}

static ptrdiff_t find_decomposition(uint32_t c)
{
    size_t low = 0, high = SLUG_DECOMPOSITIONS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table.decompositions[middle].character < c)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < SLUG_DECOMPOSITIONS && table.decompositions[low].character == c;
    return found ? (ptrdiff_t)low : -1;
}

static void unpack_spellings(void)
{
    struct packed p = packed_open(slug_spellings, slug_spellings_words, 0);
    struct packed_model m;
    uint32_t kind = 0, before = 0;
    packed_model_init(&m);
    for (size_t i = 0; i < SLUG_BLOCKS; i++)
        for (uint32_t c = slug_blocks[i].first; c <= slug_blocks[i].last; c++) {
            if (find_decomposition(c) >= 0)
                continue;
            uint32_t context = packed_context(COLUMN_SPELLING, kind | before << 3);
            before = kind;
            kind = packed_symbol(&p, &m, context, SPELLING_KIND_BITS);
            unpack_spelling(&p, &m, c, kind);
        }
}

/* -- Han */

/* Readings are in the order of their code points, SLUG_HAN_BLOCK a coded block: a tree of 9 bits
 * whose chances were counted beforehand. */
static size_t spell_han(uint32_t place, char out[SLUG_SPELLING_MAX])
{
    uint32_t reading = 0;
    size_t block = place / SLUG_HAN_BLOCK;
    struct packed p = packed_open(slug_han, slug_han_words, slug_han_blocks[block]);
    for (uint32_t i = 0; i <= place % SLUG_HAN_BLOCK; i++) {
        uint32_t node = 1;
        while (node < 1u << 9)
            node = node << 1 | packed_bit(&p, (uint32_t)slug_han_chances[node] << 8 | 128);
        reading = node - (1u << 9);
    }
    if (!reading)
        return 0;
    /* "AAiAn...": each begins with a capital */
    const char *from = slug_han_readings;
    for (; reading > 1; reading--)
        from += 1 + strspn(from + 1, "abcdefghijklmnopqrstuvwxyz");
    size_t n = 1 + strspn(from + 1, "abcdefghijklmnopqrstuvwxyz");
    ASSERT(n < SLUG_SPELLING_MAX);
    memcpy(out, from, n);
    out[n] = ' ';
    return n + 1;
}

/* -- what slug.c asks */

static void unpack(void)
{
    if (table.unpacked)
        return;
    unpack_decompositions();
    unpack_classes();
    unpack_spellings();
    table.unpacked = true;
}

#define HANGUL_FIRST 0xAC00
#define HANGUL_LAST 0xD7A3
#define HANGUL_VOWELS 21
#define HANGUL_FINALS 28

static size_t decompose_hangul(uint32_t c, uint32_t out[SLUG_DECOMPOSITION_MAX])
{
    uint32_t place = c - HANGUL_FIRST, last = place % HANGUL_FINALS;
    out[0] = 0x1100 + place / (HANGUL_FINALS * HANGUL_VOWELS);
    out[1] = 0x1161 + place / HANGUL_FINALS % HANGUL_VOWELS;
    out[2] = 0x11A7 + last;
    return last ? 3 : 2;
}

size_t slug_decompose(uint32_t c, uint32_t out[SLUG_DECOMPOSITION_MAX])
{
    if (c < 0x80)
        return 0;
    if (c >= HANGUL_FIRST && c <= HANGUL_LAST)
        return decompose_hangul(c, out);
    unpack();
    ptrdiff_t found = find_decomposition(c);
    if (found < 0)
        return 0;
    size_t n = 0;
    for (size_t at = table.decompositions[found].at; at < table.decompositions[found + 1].at; at++)
        out[n++] = table.parts[at];
    return n;
}

uint8_t slug_combining_class(uint32_t c)
{
    if (c < table.classes[0].first && table.unpacked)
        return 0;
    unpack();
    for (size_t i = 0; i < SLUG_CLASSES && table.classes[i].first <= c; i++)
        if (c - table.classes[i].first < table.classes[i].count)
            return table.classes[i].class;
    return 0;
}

static size_t put(char out[SLUG_SPELLING_MAX], const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

/* Letters and digits of scripts that have no readings here. */
static size_t spell_other(uint32_t c, char out[SLUG_SPELLING_MAX])
{
    int digit = unicode_digit(c);
    if (digit >= 0) {
        out[0] = (char)('0' + digit);
        return 1;
    }
    if (unicode_is_word(c))
        return (size_t)snprintf(out, SLUG_SPELLING_MAX, "u%04x", (unsigned)c);
    return slug_combining_class(c) ? 0 : put(out, "-");
}

size_t slug_spell(uint32_t c, char out[SLUG_SPELLING_MAX])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    unpack();
    for (size_t i = 0; i < SLUG_HAN_RANGES; i++)
        if (c >= slug_han_ranges[i].first && c <= slug_han_ranges[i].last) {
            size_t n = spell_han(slug_han_ranges[i].place + c - slug_han_ranges[i].first, out);
            if (n)
                return n;
        }
    if (c > 0xFFFF)
        return 0;
    for (size_t i = 0; i < SLUG_BLOCKS; i++)
        if (c >= slug_blocks[i].first && c <= slug_blocks[i].last)
            return put(out, spelling_of(c));
    return spell_other(c, out);
}
