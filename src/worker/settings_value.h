/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_SETTINGS_VALUE_H
#define WORKER_SETTINGS_VALUE_H

/*
 * One value of a setting: checked by its type and limits, and brought into the form in which the
 * Python client passes it down (pydantic's rules for what is accepted, Python's for how it is
 * printed). For settings*.c alone.
 */

#include "format/tree.h"
#include "worker/settings_table.h"

struct setting_reader {
    struct arena *out; /* results; what a value needs meanwhile stays there too */
    struct arena scratch;
    const struct setting *setting;
    bool decode_unions; /* from the environment or .env: lists and the like may be JSON */
    str home;           /* folder of the user, for ~ */
    str prefect_home;   /* for $PREFECT_HOME */
    struct err *e;
};

/* Texts that stand for JSON become values: those of objects always, those of lists and numbers
 * where the source allows it (what is no JSON stays a text). */
enum err_kind setting_decode(struct setting_reader *r, const struct tree **given) MUST_CHECK;

/* Checks a decoded value, not null. *text: the normal form. *null: it is set, but nothing is passed
 * down (an infinite number). ERR_INVALID says what is wrong, without the setting's name, e.g.
 * "'x' is not a number". */
enum err_kind setting_read(struct setting_reader *r, const struct tree *given, str *text,
                           bool *null) MUST_CHECK;

/* Whether the value is an object, so that those of several sources are merged. */
bool setting_is_object(const struct setting *setting);
/* The members of `over` on top of those of `base`, or `over` alone where one of them is no object;
 * `base` may be NULL. NULL when the arena is full. */
struct tree *setting_merge(struct arena *out, struct tree *base, const struct tree *over);

/* "'<value>' <what>", the value cut or left out where it may be secret. */
enum err_kind setting_refuse(struct setting_reader *r, const struct tree *given, const char *what);

/* Whether the text (normal form of a number) is within setting->limits; says so where not. */
enum err_kind setting_check_limits(struct setting_reader *r, str number) MUST_CHECK;

/* Text of a whole number in its normal form; false for anything else. Digits may be grouped by
 * single underscores, ".0" may follow. */
bool setting_int_text(struct arena *out, str given, str *text);
/* Python's float(text), but for digits of other scripts. */
bool setting_float(str given, double *value);
bool setting_int_of(struct arena *out, const struct tree *given, str *text);
bool setting_float_of(const struct tree *given, double *value);
/* Python's float printed; *null where it is infinite or no number. */
str setting_float_text(struct arena *out, double value, bool *null);

/* Types that hold several values: settings_collection.c. */
enum err_kind setting_read_collection(struct setting_reader *r, const struct tree *given, str *text,
                                      bool *null) MUST_CHECK;

#endif
