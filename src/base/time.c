/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t time_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t time_mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static str format(int64_t at_us, char out[TIME_TEXT_MAX], char separator, const char *zone)
{
    int64_t fraction = at_us % 1000000;
    if (fraction < 0)
        fraction += 1000000;
    time_t seconds = (time_t)((at_us - fraction) / 1000000);
    struct tm t;
    gmtime_r(&seconds, &t);
    int n = snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02d%c%02d:%02d:%02d", t.tm_year + 1900,
                     t.tm_mon + 1, t.tm_mday, separator, t.tm_hour, t.tm_min, t.tm_sec);
    if (fraction)
        n += snprintf(out + n, TIME_TEXT_MAX - (size_t)n, ".%06d", (int)fraction);
    n += snprintf(out + n, TIME_TEXT_MAX - (size_t)n, "%s", zone);
    return (str){out, (size_t)n};
}

str time_format_rfc3339(int64_t at_us, char out[TIME_TEXT_MAX])
{
    return format(at_us, out, 'T', "Z");
}

str time_format_python(int64_t at_us, char out[TIME_TEXT_MAX])
{
    return format(at_us, out, ' ', "+00:00");
}

str time_format_iso(int64_t at_us, char out[TIME_TEXT_MAX])
{
    return format(at_us, out, 'T', "+00:00");
}

/* Reads exactly `digits` digits and moves on. */
static bool number(str *s, size_t digits, int *out)
{
    if (s->n < digits)
        return false;
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        value = value * 10 + (s->p[i] - '0');
    }
    *s = str_skip(*s, digits);
    *out = value;
    return true;
}

static bool literal(str *s, const char *any_of)
{
    if (s->n == 0 || !strchr(any_of, s->p[0]) || s->p[0] == '\0')
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool civil_us(int year, int month, int day, int hour, int minute, int second,
                     int64_t *out_us)
{
    static const int days_in[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in[month - 1] + (month == 2 && leap) || hour > 23 || minute > 59 || second > 60)
        return false;
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_sec = second};
    *out_us = (int64_t)timegm(&t) * 1000000;
    return true;
}

static bool clock_time(str *s, int *hour, int *minute, int *second)
{
    return number(s, 2, hour) && literal(s, ":") && number(s, 2, minute) && literal(s, ":") &&
           number(s, 2, second);
}

static bool offset_us(str s, int64_t *out_us)
{
    int hours, minutes = 0;
    if (s.n == 0 || str_eq_nocase(s, STR("z"))) {
        *out_us = 0;
        return true;
    }
    int sign = s.p[0] == '-' ? -1 : 1;
    if (!literal(&s, "+-") || !number(&s, 2, &hours))
        return false;
    bool colon = literal(&s, ":");
    if ((colon || s.n) && (!number(&s, 2, &minutes) || s.n))
        return false;
    *out_us = (int64_t)sign * (hours * 60 + minutes) * 60000000;
    return hours < 24 && minutes < 60;
}

bool time_parse_rfc3339(str s, int64_t *out_us)
{
    int year, month, day, hour, minute, second;
    int64_t at_us, fraction_us = 0, zone_us;
    if (!number(&s, 4, &year) || !literal(&s, "-") || !number(&s, 2, &month) || !literal(&s, "-") ||
        !number(&s, 2, &day) || !literal(&s, "Tt ") || !clock_time(&s, &hour, &minute, &second) ||
        !civil_us(year, month, day, hour, minute, second, &at_us))
        return false;
    if (literal(&s, ".")) {
        int digit, unit = 100000;
        if (!number(&s, 1, &digit))
            return false;
        do {
            fraction_us += digit * unit;
            unit /= 10;
        } while (number(&s, 1, &digit));
    }
    if (!offset_us(s, &zone_us))
        return false;
    *out_us = at_us + fraction_us - zone_us;
    return true;
}

static bool month_name(str *s, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (str_starts(*s, (str){names + 3 * i, 3})) {
            *s = str_skip(*s, 3);
            *month = i + 1;
            return true;
        }
    return false;
}

bool time_parse_http(str s, int64_t *out_us)
{
    int year, month, day, hour, minute, second;
    str weekday, rest;
    if (str_cut(s, ',', &weekday, &rest)) {
        bool full_year = weekday.n == 3;
        s = rest;
        if (!literal(&s, " ") || !number(&s, 2, &day) || !literal(&s, " -") ||
            !month_name(&s, &month) || !literal(&s, " -") ||
            !number(&s, full_year ? 4 : 2, &year) || !literal(&s, " ") ||
            !clock_time(&s, &hour, &minute, &second) || !str_eq(s, STR(" GMT")))
            return false;
        if (!full_year)
            year += year < 70 ? 2000 : 1900;
    } else {
        s = str_skip(s, 3);
        if (!literal(&s, " ") || !month_name(&s, &month) || !literal(&s, " "))
            return false;
        if (literal(&s, " ") ? !number(&s, 1, &day) : !number(&s, 2, &day))
            return false;
        if (!literal(&s, " ") || !clock_time(&s, &hour, &minute, &second) || !literal(&s, " ") ||
            !number(&s, 4, &year) || s.n)
            return false;
    }
    return civil_us(year, month, day, hour, minute, second, out_us);
}
