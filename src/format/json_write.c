/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/number.h"
#include "format/utf8.h"

struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){.out = out};
}

struct json_writer json_writer_python(struct buf *out)
{
    return (struct json_writer){.out = out, .spaced = true, .ascii = true};
}

static bool in_object(const struct json_writer *w)
{
    return w->depth > 0 && w->depth <= JSON_DEPTH_MAX && w->object[w->depth];
}

static void comma(struct json_writer *w)
{
    int level = w->depth <= JSON_DEPTH_MAX ? w->depth : JSON_DEPTH_MAX;
    if (w->need_comma[level] && w->depth > 0)
        buf_cstr(w->out, w->spaced ? ", " : ",");
    w->need_comma[level] = true;
}

/* In front of each value. */
static void before_value(struct json_writer *w)
{
    ASSERT(!in_object(w) || w->after_key);
    if (!w->after_key)
        comma(w);
    w->after_key = false;
}

static void begin(struct json_writer *w, bool object)
{
    before_value(w);
    w->depth++;
    if (w->depth > JSON_DEPTH_MAX) {
        w->out->full = true;
    } else {
        w->need_comma[w->depth] = false;
        w->object[w->depth] = object;
    }
    buf_byte(w->out, object ? '{' : '[');
}

static void end(struct json_writer *w, bool object)
{
    ASSERT(w->depth > 0 && !w->after_key);
    ASSERT(w->depth > JSON_DEPTH_MAX || w->object[w->depth] == object);
    w->depth--;
    buf_byte(w->out, object ? '}' : ']');
}

void json_object_begin(struct json_writer *w)
{
    begin(w, true);
}

void json_object_end(struct json_writer *w)
{
    end(w, true);
}

void json_array_begin(struct json_writer *w)
{
    begin(w, false);
}

void json_array_end(struct json_writer *w)
{
    end(w, false);
}

/* A UTF-16 code unit. */
static void put_unit(struct json_writer *w, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    buf_put(w->out, (str){(char[]){'\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15],
                                   digits[unit >> 4 & 15], digits[unit & 15]},
                          6});
}

/* One character that cannot stand as it is. */
static void put_escaped(struct json_writer *w, uint32_t c)
{
    static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    const char *at = c && c < 0x80 ? strchr(bytes, (int)c) : NULL;
    if (at) {
        buf_put(w->out, (str){(char[]){'\\', names[at - bytes]}, 2});
    } else if (c > 0xFFFF) {
        c -= 0x10000;
        put_unit(w, 0xD800 + (c >> 10));
        put_unit(w, 0xDC00 + (c & 0x3FF));
    } else {
        put_unit(w, c);
    }
}

static void put_quoted(struct json_writer *w, str s)
{
    buf_byte(w->out, '"');
    size_t plain = 0, n; /* bytes in front of s.p that are copied as they are */
    while (plain < s.n) {
        unsigned char byte = (unsigned char)s.p[plain];
        if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
            plain++;
            continue;
        }
        uint32_t c = utf8_first(str_skip(s, plain), &n);
        if (c != UTF8_BAD && c >= 0x7F && !w->ascii) {
            plain += n;
            continue;
        }
        buf_put(w->out, str_sub(s, 0, plain));
        if (c != UTF8_BAD)
            put_escaped(w, c);
        else if (w->ascii)
            put_escaped(w, UTF8_REPLACEMENT);
        else
            buf_cstr(w->out, "\xEF\xBF\xBD");
        s = str_skip(s, plain + n);
        plain = 0;
    }
    buf_put(w->out, s);
    buf_byte(w->out, '"');
}

void json_key(struct json_writer *w, str key)
{
    ASSERT(w->depth > JSON_DEPTH_MAX || (in_object(w) && !w->after_key));
    comma(w);
    put_quoted(w, key);
    buf_cstr(w->out, w->spaced ? ": " : ":");
    w->after_key = true;
}

void json_put_str(struct json_writer *w, str value)
{
    before_value(w);
    put_quoted(w, value);
}

void json_put_cstr(struct json_writer *w, const char *value)
{
    if (value)
        json_put_str(w, str_of(value));
    else
        json_put_null(w);
}

void json_put_printf(struct json_writer *w, const char *format, ...)
{
    char text[JSON_PRINTF_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        w->out->full = true;
        n = 0;
    }
    json_put_str(w, (str){text, (size_t)n});
}

void json_put_i64(struct json_writer *w, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    json_put_raw(w, (str){text, (size_t)n});
}

void json_put_f64(struct json_writer *w, double value)
{
    if (value - value != 0) {
        json_put_null(w);
        return;
    }
    char text[NUMBER_REPR_MAX];
    size_t n = number_repr(text, value);
    json_put_raw(w, (str){text, n});
}

void json_put_bool(struct json_writer *w, bool value)
{
    json_put_raw(w, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, STR("null"));
}

void json_put_raw(struct json_writer *w, str json_text)
{
    before_value(w);
    buf_put(w->out, json_text);
}

void json_member_str(struct json_writer *w, const char *key, str value)
{
    json_key(w, str_of(key));
    json_put_str(w, value);
}

void json_member_cstr(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, str_of(key));
    json_put_cstr(w, value);
}

void json_member_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, str_of(key));
    json_put_i64(w, value);
}

void json_member_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, str_of(key));
    json_put_bool(w, value);
}

void json_member_null(struct json_writer *w, const char *key)
{
    json_key(w, str_of(key));
    json_put_null(w);
}

void json_member_raw(struct json_writer *w, const char *key, str json_text)
{
    json_key(w, str_of(key));
    json_put_raw(w, json_text);
}
