/* SPDX-License-Identifier: Apache-2.0 */
#include "command/render.h"

#include <stdio.h>

#include "worker/claim.h"

static const struct argument_option options[RENDER_OPTION_COUNT] = {
    [RENDER_WORK_POOL] = {"work-pool", 'p', ARGUMENT_TEXT, "FILE", NULL,
                          "the work pool, as GET /work_pools/NAME gives it"},
    [RENDER_FLOW_RUN] = {"flow-run", 'r', ARGUMENT_TEXT, "FILE", NULL,
                         "the flow run, as GET /flow_runs/ID gives it"},
    [RENDER_DEPLOYMENT] = {"deployment", 'd', ARGUMENT_TEXT, "FILE", NULL,
                           "the deployment, as GET /deployments/ID gives it"},
    [RENDER_FLOW] = {"flow", 'f', ARGUMENT_TEXT, "FILE", NULL,
                     "the flow, as GET /flows/ID gives it"},
    [RENDER_WORKER_NAME] = {"worker-name", 'n', ARGUMENT_TEXT, "NAME", NULL,
                            "the worker's name, for labels and environment"},
    [RENDER_VALUES] = {"values", 0, ARGUMENT_TEXT, "FILE", NULL,
                       "blocks and variables that the template refers to: "
                       "{\"blocks\": {\"TYPE/NAME\": DATA}, \"variables\": {\"NAME\": VALUE}}"},
    [RENDER_OUTPUT] = {"output", 'o', ARGUMENT_CHOICE, "FORMAT", "yaml|json",
                       "yaml or json; yaml without it"},
    [RENDER_EXPLAIN] = {"explain", 0, ARGUMENT_FLAG, NULL, NULL,
                        "say for each value where it came from"},
    [RENDER_SHOW_SECRETS] = {"show-secrets", 0, ARGUMENT_FLAG, NULL, NULL,
                             "print credentials, which are masked otherwise"},
};

const struct argument_syntax command_render_syntax = {options, RENDER_OPTION_COUNT, "[FLOW_RUN_ID]",
                                                      1};

/* -- what it takes */

static enum err_kind prepare(struct render *r, struct err *e)
{
    const struct settings *settings;
    struct settings_sources sources = {
        .environment = r->context->environment, .profile = r->context->profile, .folder = STR(".")};
    enum err_kind kind = settings_load(r->arena, r->scratch, &sources, &settings, e);
    if (!kind)
        kind = config_load_settings(r->arena, r->scratch, settings, &r->config, e);
    r->config.name = r->given[RENDER_WORKER_NAME].text;
    return kind;
}

static enum err_kind need_files(const struct render *r, struct err *e)
{
    bool pool = r->given[RENDER_WORK_POOL].given, run = r->given[RENDER_FLOW_RUN].given;
    if (pool && run)
        return ERR_NONE;
    return err_set(e, ERR_INVALID,
                   "%s is missing: give FLOW_RUN_ID to read the API, or --work-pool "
                   "and --flow-run to read files",
                   pool  ? "--flow-run"
                   : run ? "--work-pool"
                         : "the flow run");
}

static enum err_kind read_objects(struct render *r, const struct arguments *arguments,
                                  struct err *e)
{
    enum err_kind kind = render_read_files(r, e);
    if (kind || !arguments->operand_count)
        return kind;
    kind = render_api_open(r, e);
    return kind ? kind : render_api_objects(r, arguments->operands[0], e);
}

bool render_claim(const struct tree *state, struct uuid *claim)
{
    str worker, mark;
    return claim_parse(tree_text(tree_get(state, STR("message"))), &worker, &mark) &&
           uuid_parse(tree_text(tree_get(state, STR("id"))), claim);
}

/* -- references */

static enum err_kind fetch(struct render *r, const struct manifest_error *error, struct err *e)
{
    struct manifest_value *value = ARENA_NEW(r->arena, struct manifest_value);
    if (!value)
        return err_set(e, ERR_LIMIT, "too many blocks and variables");
    value->reference = error->needed;
    value->value = render_value(r, &error->needed);
    value->next = r->known;
    r->known = value;
    if (value->value)
        return ERR_NONE;
    if (!r->api)
        return err_set(e, ERR_INVALID,
                       "%s; give it by --values FILE, or FLOW_RUN_ID to read the API",
                       error->err.text);
    enum err_kind kind = render_api_reference(r, &error->needed, &value->value, e);
    return kind == ERR_MISSING ? ERR_NONE : kind;
}

static enum err_kind build(struct render *r, struct err *e)
{
    static struct manifest_error error;
    struct manifest_input input = {
        .work_pool = r->work_pool,
        .flow_run = r->flow_run,
        .deployment = r->deployment,
        .flow = r->flow,
        .config = &r->config,
        .claim = r->claim,
        .server_major = r->server_major,
        .environment = (const char *const *)r->context->environment,
    };
    for (int fetched = 0; fetched <= RENDER_REFERENCES_MAX; fetched++) {
        input.values = r->known;
        enum err_kind kind = manifest_build(r->arena, r->scratch, &input, &r->manifest, &error);
        if (!kind)
            return ERR_NONE;
        if (kind != ERR_MISSING)
            return err_set(e, kind, "%s", error.err.text);
        kind = fetch(r, &error, e);
        if (kind)
            return kind;
    }
    return err_set(e, ERR_LIMIT, "the template refers to more than %d blocks and variables",
                   RENDER_REFERENCES_MAX);
}

/* -- what it says */

static void warn(const struct render *r)
{
    const struct manifest *m = &r->manifest;
    const char *called = r->context->called;
    for (const struct manifest_warning *it = m->warnings; it; it = it->next)
        fprintf(stderr, "%s render: warning: " STR_FMT "\n", called, STR_ARG(it->text));
    if (m->plain_api_key)
        fprintf(stderr,
                "%s render: warning: the API key stands in the Job in plain text; set "
                "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_SECRET_FOR_API_KEY=true, or name a "
                "Secret by ..._API_KEY_SECRET_NAME and ..._API_KEY_SECRET_KEY\n",
                called);
    if (m->plain_auth_string)
        fprintf(stderr,
                "%s render: warning: the API's auth string stands in the Job in plain text; name a "
                "Secret by PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET_NAME and "
                "..._API_AUTH_STRING_SECRET_KEY\n",
                called);
}

static int run(struct render *r, const struct arguments *arguments)
{
    struct err e;
    enum err_kind kind = prepare(r, &e);
    if (!kind)
        kind = read_objects(r, arguments, &e);
    /* A run that nobody has claimed gets its name as if the claim had the nil UUID. */
    if (!kind && !r->api)
        (void)render_claim(tree_get(r->flow_run, STR("state")), &r->claim);
    if (!kind)
        kind = build(r, &e);
    if (kind)
        return command_fail(r->context, EXIT_FAILED, "%s", e.text);
    if (!render_print(r))
        return command_fail(r->context, EXIT_FAILED, "standard output can't be written");
    warn(r);
    return EXIT_OK;
}

int command_render(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena arena, scratch;
    static struct render r;
    struct arguments arguments;
    struct err e;
    arena_reserve(&arena, "render", RENDER_ARENA);
    arena_reserve(&scratch, "render scratch", RENDER_ARENA);
    enum err_kind kind =
        arguments_parse(&arena, &command_render_syntax, argc, argv, &arguments, &e);
    if (kind)
        return command_refuse(context, kind, &e);
    r = (struct render){.context = context,
                        .arena = &arena,
                        .scratch = scratch,
                        .given = arguments.values,
                        .secrets = arguments.values[RENDER_SHOW_SECRETS].on,
                        .explain = arguments.values[RENDER_EXPLAIN].on,
                        .json = str_eq(arguments.values[RENDER_OUTPUT].text, STR("json")),
                        .server_major = 3};
    if (!arguments.operand_count && need_files(&r, &e) != ERR_NONE)
        return command_refuse(context, ERR_INVALID, &e);
    int code = run(&r, &arguments);
    render_api_close(&r);
    return code;
}
