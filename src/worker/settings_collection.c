/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settings_value.h"

#include "format/duration.h"
#include "format/pyrepr.h"

/* Texts, kept once each and in the order of their bytes, which is Python's order of str. */
struct items {
    str *at;
    size_t count;
    bool keep_all; /* a list: the same text may come again */
};

static enum err_kind add(struct setting_reader *r, struct items *items, str text)
{
    size_t i = 0;
    while (i < items->count && str_cmp(items->at[i], text) < 0)
        i++;
    if (!items->keep_all && i < items->count && str_eq(items->at[i], text))
        return ERR_NONE;
    if (items->count == SETTING_ITEMS_MAX)
        return err_set(r->e, ERR_LIMIT, "more than %d items", SETTING_ITEMS_MAX);
    for (size_t k = items->count++; k > i; k--)
        items->at[k] = items->at[k - 1];
    items->at[i] = text;
    return ERR_NONE;
}

static enum err_kind items_new(struct setting_reader *r, struct items *items)
{
    items->at = ARENA_ARRAY(&r->scratch, str, SETTING_ITEMS_MAX);
    return items->at ? ERR_NONE : err_set(r->e, ERR_LIMIT, "the settings are too large");
}

static enum err_kind join(struct setting_reader *r, const struct items *items, str *text)
{
    struct buf b = buf_new(&r->scratch, SETTING_TEXT_MAX);
    for (size_t i = 0; i < items->count; i++) {
        if (i)
            buf_byte(&b, ',');
        buf_put(&b, items->at[i]);
    }
    if (b.full)
        return err_set(r->e, ERR_LIMIT, "the value is too long");
    *text = str_copy(r->out, buf_str(&b));
    return ERR_NONE;
}

typedef enum err_kind item_fn(struct setting_reader *r, struct items *items,
                              const struct tree *given);

/* Each part between commas, trimmed, as a text of its own. */
static enum err_kind each_part(struct setting_reader *r, struct items *items, str given,
                               bool skip_empty, item_fn *take)
{
    str part;
    bool more = true;
    enum err_kind kind = ERR_NONE;
    while (!kind && more) {
        more = str_cut(given, ',', &part, &given);
        part = str_trim(part);
        struct tree item = {.type = TREE_STRING, .text = part};
        if (part.n || !skip_empty)
            kind = take(r, items, &item);
    }
    return kind;
}

static enum err_kind each_element(struct setting_reader *r, struct items *items,
                                  const struct tree *given, item_fn *take)
{
    enum err_kind kind = ERR_NONE;
    for (const struct tree *v = given->first; !kind && v; v = v->next)
        kind = take(r, items, v);
    return kind;
}

/* -- sets */

static enum err_kind take_code(struct setting_reader *r, struct items *items,
                               const struct tree *given)
{
    str text;
    if (!setting_int_of(r->out, given, &text))
        return setting_refuse(r, given, "is not a whole number");
    enum err_kind kind = setting_check_limits(r, text);
    return kind ? kind : add(r, items, text);
}

static enum err_kind take_name(struct setting_reader *r, struct items *items,
                               const struct tree *given)
{
    if (given->type != TREE_STRING)
        return setting_refuse(r, given, "is not a text");
    return add(r, items, given->text);
}

static enum err_kind read_set(struct setting_reader *r, struct items *items,
                              const struct tree *given, item_fn *take)
{
    if (!pyrepr_is_true(given))
        return ERR_NONE;
    if (given->type == TREE_STRING)
        return each_part(r, items, given->text, false, take);
    if (given->type == TREE_ARRAY)
        return each_element(r, items, given, take);
    if (given->type == TREE_OBJECT)
        return setting_refuse(r, given, "is not a list");
    return take(r, items, given);
}

/* true, false, or the names of what is to be cleaned. */
static enum err_kind read_vacuum(struct setting_reader *r, struct items *items,
                                 const struct tree *given)
{
    str word = given->type == TREE_STRING ? str_trim(given->text) : STR("?");
    str number;
    bool on = str_eq_nocase(word, STR("true")) || str_eq(word, STR("1"));
    bool off = str_eq_nocase(word, STR("false")) || str_eq(word, STR("0")) || word.n == 0;
    if (given->type == TREE_ARRAY)
        return each_element(r, items, given, take_name);
    if (given->type != TREE_STRING && setting_int_of(r->out, given, &number)) {
        on = str_eq(number, STR("1"));
        off = str_eq(number, STR("0"));
    }
    if (on || off)
        return add(r, items, on ? STR("True") : STR("False"));
    if (given->type == TREE_STRING)
        return each_part(r, items, given->text, true, take_name);
    return setting_refuse(r, given, "is neither true nor false nor a list of names");
}

/* -- label filters */

static enum err_kind take_pair(struct setting_reader *r, struct items *items,
                               const struct tree *given)
{
    str key, value;
    if (given->type != TREE_STRING || !str_cut(given->text, '=', &key, &value))
        return setting_refuse(r, given, "is not of the form key=value");
    key = str_trim(key);
    value = str_trim(value);
    str pair = str_printf(r->out, STR_FMT "=" STR_FMT, STR_ARG(key), STR_ARG(value));
    for (size_t i = 0; i < items->count; i++) { /* the last value of a key counts */
        if (str_starts(items->at[i], str_sub(pair, 0, key.n + 1))) {
            items->at[i] = pair;
            return ERR_NONE;
        }
    }
    return add(r, items, pair);
}

static enum err_kind read_pairs(struct setting_reader *r, struct items *items,
                                const struct tree *given)
{
    if (given->type == TREE_STRING)
        return each_part(r, items, given->text, true, take_pair);
    if (given->type != TREE_OBJECT)
        return setting_refuse(r, given, "is not of the form key=value,key=value");
    enum err_kind kind = ERR_NONE;
    for (const struct tree *v = given->first; !kind && v; v = v->next) {
        if (v->type != TREE_STRING)
            return setting_refuse(r, v, "is not a text");
        kind = add(r, items,
                   str_printf(r->out, STR_FMT "=" STR_FMT, STR_ARG(v->key), STR_ARG(v->text)));
    }
    return kind;
}

/* -- numbers of seconds */

static enum err_kind take_float(struct setting_reader *r, struct items *items,
                                const struct tree *given)
{
    double value;
    bool null;
    if (!setting_float_of(given, &value))
        return setting_refuse(r, given, "is not a number");
    return add(r, items, setting_float_text(r->out, value, &null));
}

/* An integer stays one; anything else is a float. */
static enum err_kind read_number(struct setting_reader *r, const struct tree *given, str *text,
                                 bool *null)
{
    double value;
    bool is_float = given->type == TREE_NUMBER && pyrepr_is_float(given->text);
    if (!is_float && setting_int_of(r->out, given, text))
        return ERR_NONE;
    if (!setting_float_of(given, &value))
        return setting_refuse(r, given, "is neither a number nor a list of numbers");
    *text = setting_float_text(r->out, value, null);
    return ERR_NONE;
}

/* "10, 20.5": floats; one alone is one; none is no value. */
static enum err_kind read_delay_text(struct setting_reader *r, struct items *items,
                                     const struct tree *given, str *text, bool *null)
{
    double value;
    enum err_kind kind = each_part(r, items, given->text, true, take_float);
    if (!kind && items->count == 1 && setting_float(items->at[0], &value)) {
        *text = setting_float_text(r->out, value, null);
        return ERR_NONE;
    }
    *null = items->count == 0;
    return kind ? kind : join(r, items, text);
}

static enum err_kind read_numbers(struct setting_reader *r, struct items *items,
                                  const struct tree *given, str *text, bool *null)
{
    items->keep_all = true;
    if (given->type == TREE_ARRAY) {
        enum err_kind kind = each_element(r, items, given, take_float);
        return kind ? kind : join(r, items, text);
    }
    if (given->type == TREE_STRING && r->setting->type == SETTING_DELAYS)
        return read_delay_text(r, items, given, text, null);
    return read_number(r, given, text, null);
}

/* -- objects */

static enum err_kind put_duration(struct setting_reader *r, struct json_writer *w,
                                  const struct tree *given)
{
    struct setting one = {.type = SETTING_SECONDS, .limits = ">0"};
    const struct setting *whole = r->setting;
    str text;
    bool null;
    r->setting = &one;
    enum err_kind kind = setting_read(r, given, &text, &null);
    r->setting = whole;
    if (!kind)
        json_put_str(w, text);
    return kind;
}

static enum err_kind read_object(struct setting_reader *r, const struct tree *given, str *text)
{
    struct tree *inner = NULL;
    struct err ignored;
    if (given->type == TREE_STRING && r->setting->type == SETTING_HEADERS &&
        !tree_parse_json(r->out, r->scratch, given->text, &inner, &ignored))
        given = inner;
    if (given->type != TREE_OBJECT)
        return setting_refuse(r, given, "is not a JSON object");
    struct buf b = buf_new(&r->scratch, SETTING_TEXT_MAX);
    struct json_writer w = json_writer_python(&b);
    json_object_begin(&w);
    for (const struct tree *v = given->first; v; v = v->next) {
        json_key(&w, v->key);
        if (r->setting->type == SETTING_HEADERS) {
            if (v->type != TREE_STRING)
                return err_set(r->e, ERR_INVALID, "the value of '" STR_FMT "' is not a text",
                               STR_ARG(v->key));
            json_put_str(&w, v->text);
            continue;
        }
        enum err_kind kind = put_duration(r, &w, v);
        if (kind)
            return kind;
    }
    json_object_end(&w);
    if (b.full)
        return err_set(r->e, ERR_LIMIT, "the value is too long");
    *text = str_copy(r->out, buf_str(&b));
    return ERR_NONE;
}

struct tree *setting_merge(struct arena *out, struct tree *base, const struct tree *over)
{
    struct tree *copy = tree_clone(out, over);
    if (!copy || !base || base->type != TREE_OBJECT || copy->type != TREE_OBJECT)
        return copy;
    for (struct tree *v = copy->first, *next; v; v = next) {
        next = v->next;
        tree_unlink(copy, v);
        if (!tree_set(out, base, v->key, v))
            return NULL;
    }
    return base;
}

static enum err_kind read_by_type(struct setting_reader *r, const struct tree *given, str *text,
                                  bool *null)
{
    struct items items = {0};
    enum err_kind kind = items_new(r, &items);
    if (kind)
        return kind;
    switch (r->setting->type) {
    case SETTING_CODES:
        kind = read_set(r, &items, given, take_code);
        break;
    case SETTING_NAMES:
        kind = read_set(r, &items, given, take_name);
        break;
    case SETTING_PAIRS:
        kind = read_pairs(r, &items, given);
        break;
    case SETTING_VACUUM:
        kind = read_vacuum(r, &items, given);
        break;
    case SETTING_NUMBERS:
    case SETTING_DELAYS:
        return read_numbers(r, &items, given, text, null);
    default:
        return read_object(r, given, text);
    }
    return kind ? kind : join(r, &items, text);
}

enum err_kind setting_read_collection(struct setting_reader *r, const struct tree *given, str *text,
                                      bool *null)
{
    size_t mark = arena_mark(&r->scratch);
    enum err_kind kind = read_by_type(r, given, text, null);
    arena_rewind(&r->scratch, mark);
    return kind;
}
