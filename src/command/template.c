/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/file.h"
#include "command/command.h"
#include "format/yaml.h"
#include "worker/manifest.h"
#include "worker/template_check.h"

static const struct argument_option options[] = {
    {"output", 'o', ARGUMENT_CHOICE, "FORMAT", "json|yaml", "json or yaml; json without it"},
};

const struct argument_syntax command_template_syntax = {options, ARRAY_LEN(options), NULL, 0};
const struct argument_syntax command_template_check_syntax = {NULL, 0, "FILE", 1};

/* -- template */

static int print(const struct command_context *context, str text)
{
    fwrite(text.p, 1, text.n, stdout);
    return fflush(stdout) || ferror(stdout)
               ? command_fail(context, EXIT_FAILED, "standard output can't be written")
               : EXIT_OK;
}

int command_template(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena arena, scratch;
    struct arguments arguments;
    struct tree *template;
    struct err e;
    arena_reserve(&arena, "template", START_ARENA);
    arena_reserve(&scratch, "template scratch", START_ARENA);
    enum err_kind kind =
        arguments_parse(&arena, &command_template_syntax, argc, argv, &arguments, &e);
    if (kind)
        return command_refuse(context, kind, &e);
    str json = manifest_default_template();
    if (!str_eq(arguments.values[0].text, STR("yaml")))
        return print(context, json);
    kind = tree_parse_json(&arena, scratch, json, &template, &e);
    ASSERT(!kind);
    struct buf text = buf_new(&arena, 8 * json.n);
    tree_write_yaml(&text, template);
    ASSERT(!text.full);
    return print(context, buf_str(&text));
}

/* -- template check */

static enum err_kind read_template(struct arena *arena, struct arena scratch, str path,
                                   struct tree **template, struct err *e)
{
    str name = str_copy(arena, path), text;
    enum err_kind kind = name.p ? file_read(arena, name.p, FILE_MAX, &text, e)
                                : err_set(e, ERR_LIMIT, "the path is too long");
    if (kind)
        return kind;
    bool json = str_ends(path, STR(".json"));
    kind = json ? tree_parse_json(arena, scratch, text, template, e)
                : yaml_parse(arena, text, template, e); /* JSON is YAML too, and gets lines so */
    if (!kind && !tree_is(*template, TREE_OBJECT))
        kind = err_set(e, ERR_INVALID, "it holds no object");
    return kind ? err_prefix(e, STR_FMT ": ", STR_ARG(path)) : ERR_NONE;
}

/* A whole work pool may be given as well. */
static const struct tree *template_of(const struct tree *given)
{
    const struct tree *inner = tree_get(given, STR("base_job_template"));
    return tree_is(inner, TREE_OBJECT) ? inner : given;
}

/* One line a fault, as compilers write them; gives the number of those that are no warnings. */
static size_t say(str path, const struct template_fault *faults)
{
    size_t wrong = 0;
    for (; faults; faults = faults->next) {
        printf(STR_FMT ":", STR_ARG(path));
        if (faults->line)
            printf("%u:", (unsigned)faults->line);
        printf(" %s: " STR_FMT ": " STR_FMT "\n", faults->warning ? "warning" : "error",
               STR_ARG(faults->path), STR_ARG(faults->text));
        wrong += !faults->warning;
    }
    return wrong;
}

int command_template_check(const struct command_context *context, int argc, char *const *argv)
{
    static struct arena arena, scratch;
    struct arguments arguments;
    struct tree *given;
    struct template_fault *faults;
    struct err e;
    arena_reserve(&arena, "template", RENDER_ARENA);
    arena_reserve(&scratch, "template scratch", RENDER_ARENA);
    enum err_kind kind =
        arguments_parse(&arena, &command_template_check_syntax, argc, argv, &arguments, &e);
    if (!kind && !arguments.operand_count)
        kind = err_set(&e, ERR_INVALID, "name the FILE that holds the template");
    if (kind)
        return command_refuse(context, kind, &e);
    str path = arguments.operands[0];
    kind = read_template(&arena, scratch, path, &given, &e);
    if (!kind)
        kind = template_check(&arena, scratch, template_of(given), &faults, &e);
    if (kind)
        return command_fail(context, EXIT_FAILED, "%s", e.text);
    size_t wrong = say(path, faults);
    if (!faults)
        printf(STR_FMT ": no faults found\n", STR_ARG(path));
    if (fflush(stdout) || ferror(stdout))
        return command_fail(context, EXIT_FAILED, "standard output can't be written");
    return wrong ? EXIT_FAILED : EXIT_OK;
}
