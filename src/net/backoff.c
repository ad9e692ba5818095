/* SPDX-License-Identifier: Apache-2.0 */
#include "net/backoff.h"

#include <math.h>

#include "base/random.h"

static int64_t to_ms(double ms)
{
    return ms < (double)INT64_MAX ? (int64_t)llround(ms) : INT64_MAX;
}

/* A draw from the exponential distribution with this mean, cut to [low, high]: the inverse of its
 * distribution function at a uniform point between the function's values at both bounds. */
static double draw(double average, double low, double high)
{
    double from = -expm1(-low / average), to = -expm1(-high / average);
    double value = -log1p(-(from + (to - from) * random_unit())) * average;
    return fmin(fmax(value, low), high);
}

int64_t backoff_jitter_ms(int64_t average_ms, double factor)
{
    if (average_ms <= 0)
        return 0;
    if (!(factor > 0))
        return average_ms;
    double average = (double)average_ms;
    /* log2(2^(1+f) / (2^(1+f) - 1)), in a form that does not overflow for large factors. */
    double low = average * -log1p(-exp2(-(1 + factor))) / M_LN2;
    return to_ms(draw(average, low, average * (1 + factor)));
}

int64_t backoff_at_least_ms(int64_t floor_ms, double factor)
{
    if (floor_ms <= 0)
        return 0;
    if (!(factor > 0))
        return floor_ms;
    double low = (double)floor_ms, high = low * (1 + factor);
    int64_t ms = to_ms(draw((low + high) / 2, low, high));
    return ms < floor_ms ? floor_ms : ms;
}

int64_t backoff_exponential_ms(int64_t base_ms, int attempt, int64_t cap_ms)
{
    int64_t ms = base_ms;
    for (int i = 0; i < attempt && ms < cap_ms; i++)
        if (__builtin_mul_overflow(ms, 2, &ms))
            ms = cap_ms;
    return backoff_jitter_ms(ms < cap_ms ? ms : cap_ms, 0.3);
}
