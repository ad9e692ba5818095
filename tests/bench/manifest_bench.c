/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the default template takes to render, and that it needs no heap:
 *     manifest_bench BUDGET_US
 * One line a figure; exit 1 when the median is over the budget or anything was allocated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/manifest.h"

#define ROUNDS 2000

/* The linker sends every call here (--wrap). */
static size_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    allocations++;
    return __real_realloc(p, size);
}

static struct arena perm, arena, scratch;
static struct config config;

static void configure(void)
{
    static char home[] = "HOME=/nonexistent", key[] = "PREFECT_API_KEY=pnu_123456789";
    static char url[] = "PREFECT_API_URL=http://127.0.0.1:4200/api";
    static char *const environment[] = {home, key, url, NULL};
    struct settings_sources sources = {.environment = environment, .folder = STR("/nonexistent")};
    const struct settings *settings;
    struct err e;
    if (settings_load(&perm, scratch, &sources, &settings, &e) != ERR_NONE ||
        config_load_settings(&perm, scratch, settings, &config, &e) != ERR_NONE)
        exit(2);
    config.name = STR("worker-1");
}

static struct tree *parse(str json)
{
    struct tree *v;
    struct err e;
    if (tree_parse_json(&perm, scratch, json, &v, &e) != ERR_NONE)
        exit(2);
    return v;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t once(const struct manifest_input *input, size_t *bytes)
{
    struct manifest manifest;
    struct manifest_error error;
    arena.used = 0;
    int64_t began = now_ns();
    if (manifest_build(&arena, scratch, input, &manifest, &error) != ERR_NONE)
        exit(2);
    int64_t took = now_ns() - began;
    *bytes = arena.used;
    return took;
}

int main(int argc, char **argv)
{
    static int64_t took[ROUNDS];
    double budget_us = argc > 1 ? strtod(argv[1], NULL) : 200;
    size_t bytes = 0;
    arena_reserve(&perm, "perm", 16 * MIB);
    arena_reserve(&arena, "manifest", 16 * MIB);
    arena_reserve(&scratch, "scratch", 16 * MIB);
    configure();
    struct tree *pool = parse(STR("{\"id\":\"44444444-4444-4444-4444-444444444444\","
                                  "\"name\":\"my pool\",\"base_job_template\":null}"));
    tree_set(&perm, pool, STR("base_job_template"), parse(manifest_default_template()));
    struct manifest_input input = {
        .work_pool = pool,
        .flow_run = parse(STR("{\"id\":\"11111111-1111-1111-1111-111111111111\",\"name\":\"otter\","
                              "\"flow_id\":\"22222222-2222-2222-2222-222222222222\","
                              "\"job_variables\":{\"image\":\"img:1\",\"env\":{\"A\":\"1\"}}}")),
        .deployment = parse(STR("{\"id\":\"33333333-3333-3333-3333-333333333333\",\"name\":\"d\","
                                "\"updated\":\"2024-05-06T07:08:09.123456Z\","
                                "\"job_variables\":{\"cpu_limit\":\"1\"}}")),
        .flow = parse(STR("{\"id\":\"22222222-2222-2222-2222-222222222222\",\"name\":\"f\"}")),
        .config = &config,
        .server_major = 3};
    once(&input, &bytes);
    allocations = 0;
    for (int i = 0; i < ROUNDS; i++)
        took[i] = once(&input, &bytes);
    size_t allocated = allocations;
    qsort(took, ROUNDS, sizeof took[0], by_size);
    double median_us = (double)took[ROUNDS / 2] / 1000;
    printf("default template: median %.1f us, 99 %% %.1f us (budget %.0f us)\n", median_us,
           (double)took[ROUNDS * 99 / 100] / 1000, budget_us);
    printf("arena: %zu bytes; heap allocations: %zu\n", bytes, allocated);
    return median_us > budget_us || allocated ? 1 : 0;
}
