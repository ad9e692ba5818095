/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pyrepr.h"
#include "format/shlex.h"
#include "worker/template_check_parts.h"

/* Fields of job_configuration, and what the worker wants to find in the Job's manifest. */

static const struct check_path root = {.key = STR_INIT("job_configuration")};
static const struct check_path manifest_path = {.up = &root, .key = STR_INIT("job_manifest")};

/* -- fields */

enum wanted { WANT_TEXT, WANT_TEXT_OR_NULL, WANT_TEXTS, WANT_ENV, WANT_OBJECT, WANT_ANY };

static const struct {
    const char *name;
    enum wanted wanted;
} fields[] = {
    {"command", WANT_TEXT_OR_NULL},
    {"env", WANT_ENV},
    {"labels", WANT_TEXTS},
    {"name", WANT_TEXT_OR_NULL},
    {"annotations", WANT_TEXTS},
    {"namespace", WANT_TEXT},
    {"job_manifest", WANT_OBJECT},
    {"cluster_config", WANT_ANY},
    {"job_watch_timeout_seconds", WANT_ANY},
    {"pod_watch_timeout_seconds", WANT_ANY},
    {"stream_output", WANT_ANY},
};

static void check_members_are_text(struct check *c, const struct check_path *path,
                                   const struct tree *object)
{
    for (const struct tree *it = object->first; it; it = it->next) {
        struct check_path place = {.up = path, .key = it->key};
        const struct tree *value = check_known(c, it);
        if (value && value->type != TREE_STRING)
            check_fault(c, &place, it, "must be text, but is a %s: put quotes around it",
                        pyrepr_type(value));
    }
}

static void check_field(struct check *c, const struct check_path *path, const struct tree *node,
                        enum wanted wanted)
{
    const struct tree *value = check_known(c, node);
    if (!value || wanted == WANT_ANY)
        return;
    bool text = value->type == TREE_STRING, object = value->type == TREE_OBJECT;
    bool null = value->type == TREE_NULL;
    if (wanted == WANT_TEXT && !text)
        check_fault(c, path, node, "must be text");
    else if (wanted == WANT_TEXT_OR_NULL && !text && !null)
        check_fault(c, path, node, "must be text or null");
    else if (wanted == WANT_OBJECT && !object)
        check_fault(c, path, node, "must be an object");
    else if (wanted == WANT_ENV && !object && value->type != TREE_ARRAY)
        check_fault(c, path, node, "must be an object of names and values, or a list of entries");
    else if (wanted == WANT_TEXTS && !object)
        check_fault(c, path, node, "must be an object of texts");
    else if (wanted == WANT_TEXTS)
        check_members_are_text(c, path, value);
}

static void check_fields(struct check *c)
{
    for (const struct tree *it = c->configuration->first; it; it = it->next) {
        struct check_path path = {.up = &root, .key = it->key};
        size_t i = 0;
        while (i < ARRAY_LEN(fields) && !str_eq(it->key, str_of(fields[i].name)))
            i++;
        if (i == ARRAY_LEN(fields))
            check_warning(c, &path, it, "is no field of the worker, so it has no effect");
        else
            check_field(c, &path, it, fields[i].wanted);
    }
}

/* -- the skeleton of the Job */

/* `node` has to be `wanted`, which is written as in YAML. Unknown values pass. */
static void check_equals(struct check *c, const struct check_path *path, const struct tree *holder,
                         const struct tree *wanted, const char *written)
{
    const struct tree *node = tree_get(holder, path->key);
    if (!node) {
        check_fault(c, path, holder, "is missing: the worker wants %s here", written);
        return;
    }
    const struct tree *value = check_known(c, node);
    if (value && !tree_eq(value, wanted))
        check_fault(c, path, node, "must be %s", written);
}

static void check_text_is(struct check *c, const struct check_path *up, const struct tree *holder,
                          const char *key, const char *wanted)
{
    struct check_path path = {.up = up, .key = str_of(key)};
    struct tree value = {.type = TREE_STRING, .text = str_of(wanted)};
    check_equals(c, &path, holder, &value, wanted);
}

static void check_is_one(struct check *c, const struct check_path *up, const struct tree *holder,
                         const char *key)
{
    struct check_path path = {.up = up, .key = str_of(key)};
    struct tree value = {.type = TREE_NUMBER, .text = STR_INIT("1")};
    check_equals(c, &path, holder, &value, "1");
}

/* An object below `holder`; NULL where it is none, which is said, or can't be told. */
static const struct tree *object_at(struct check *c, const struct check_path *path,
                                    const struct tree *holder, bool required)
{
    const struct tree *node = tree_get(holder, path->key);
    if (!node) {
        if (required)
            check_fault(c, path, holder, "is missing");
        return NULL;
    }
    const struct tree *value = check_known(c, node);
    if (value && value->type != TREE_OBJECT) {
        check_fault(c, path, node, "must be an object");
        return NULL;
    }
    return value;
}

/* -- names */

static bool is_legal_prefix(str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
        if (!plain && !(i > 0 && (ch == '-' || ch == '.')))
            return false;
    }
    return true;
}

static void check_names(struct check *c, const struct check_path *up, const struct tree *metadata)
{
    const struct tree *generate = tree_get(metadata, STR("generateName"));
    const struct tree *name = tree_get(metadata, STR("name"));
    struct check_path path = {.up = up, .key = STR_INIT("generateName")};
    if (tree_is(generate, TREE_STRING) && !template_has_placeholder(generate) &&
        !str_eq(generate->text, STR("-")) && !str_eq(generate->text, STR("None-")) &&
        !is_legal_prefix(generate->text))
        check_fault(c, &path, generate,
                    "\"" STR_FMT "\" can't begin a name: Kubernetes takes lower case letters, "
                    "digits, dashes and dots",
                    STR_ARG(str_sub(generate->text, 0, 100)));
    path.key = STR("name");
    if (tree_is(name, TREE_STRING) && name->text.n && !template_has_placeholder(name))
        check_warning(
            c, &path, name,
            "every run gets this same name, so only one Job can exist at a time; leave it "
            "out, and each gets a name of its own");
}

static void check_metadata(struct check *c, const struct check_path *up, const struct tree *holder,
                           bool names)
{
    struct check_path path = {.up = up, .key = STR_INIT("metadata")};
    const struct tree *metadata = object_at(c, &path, holder, false);
    if (!metadata)
        return;
    struct check_path labels_path = {.up = &path, .key = STR_INIT("labels")};
    const struct tree *labels = object_at(c, &labels_path, metadata, false);
    if (labels)
        check_members_are_text(c, &labels_path, labels);
    struct check_path notes_path = {.up = &path, .key = STR_INIT("annotations")};
    (void)object_at(c, &notes_path, metadata, false);
    if (names)
        check_names(c, &path, metadata);
}

/* -- containers */

static void check_arguments(struct check *c, const struct check_path *up,
                            const struct tree *container)
{
    struct check_path path = {.up = up, .key = STR_INIT("args")};
    const struct tree *args = tree_get(container, STR("args"));
    const struct tree *value = args ? check_known(c, args) : NULL;
    struct arena scratch = c->scratch;
    struct tree *words;
    struct err e;
    if (!value || value->type == TREE_NULL || value->type == TREE_ARRAY)
        return;
    if (value->type != TREE_STRING)
        check_fault(c, &path, args, "must be a command line or a list of words");
    else if (shlex_split(&scratch, value->text, &words, &e) == ERR_INVALID)
        check_fault(c, &path, args, "can't be split into words: %s", e.text);
}

static void check_first_container(struct check *c, const struct check_path *path,
                                  const struct tree *container)
{
    if (container->type != TREE_OBJECT) {
        check_fault(c, path, container, "must be an object");
        return;
    }
    check_text_is(c, path, container, "name", "prefect-job");
    check_arguments(c, path, container);
}

/* Only the first container's env becomes the list that Kubernetes wants. */
static void check_other_env(struct check *c, const struct check_path *path,
                            const struct tree *container)
{
    struct check_path place = {.up = path, .key = STR_INIT("env")};
    const struct tree *env = tree_get(container, STR("env"));
    struct template_placeholder p;
    if (tree_is(env, TREE_STRING) && template_whole(env->text, &p) && str_eq(p.name, STR("env")))
        check_warning(c, &place, env,
                      "only the first container's env is made into a list; here Kubernetes gets an "
                      "object, which it refuses, or nothing");
}

static void check_list(struct check *c, const struct check_path *up, const struct tree *pod,
                       const char *key, bool main)
{
    struct check_path path = {.up = up, .key = str_of(key)};
    const struct tree *node = tree_get(pod, str_of(key)),
                      *list = node ? check_known(c, node) : NULL;
    if (!node && main)
        check_fault(c, &path, pod, "is missing: the first container runs the flow");
    if (list && list->type != TREE_ARRAY) {
        check_fault(c, &path, node, "must be a list");
        return;
    }
    if (list && main && !list->first)
        check_fault(c, &path, node, "is empty: the first container runs the flow");
    size_t index = 0;
    for (const struct tree *it = list ? list->first : NULL; it; it = it->next, index++) {
        struct check_path place = {.up = &path, .index = index};
        if (main && index == 0)
            check_first_container(c, &place, it);
        else
            check_other_env(c, &place, it);
    }
}

static void check_spec(struct check *c, const struct tree *job)
{
    struct check_path spec_path = {.up = &manifest_path, .key = STR_INIT("spec")};
    struct check_path template_path = {.up = &spec_path, .key = STR_INIT("template")};
    struct check_path pod_path = {.up = &template_path, .key = STR_INIT("spec")};
    const struct tree *spec = object_at(c, &spec_path, job, true);
    const struct tree *template = spec ? object_at(c, &template_path, spec, true) : NULL;
    const struct tree *pod = template ? object_at(c, &pod_path, template, true) : NULL;
    if (template)
        check_metadata(c, &template_path, template, false);
    if (!pod)
        return;
    check_is_one(c, &pod_path, pod, "parallelism");
    check_is_one(c, &pod_path, pod, "completions");
    check_text_is(c, &pod_path, pod, "restartPolicy", "Never");
    check_list(c, &pod_path, pod, "containers", true);
    check_list(c, &pod_path, pod, "initContainers", false);
}

void check_job(struct check *c)
{
    check_fields(c);
    const struct tree *job = tree_get(c->configuration, STR("job_manifest"));
    if (!job) {
        check_fault(c, &manifest_path, c->configuration, "is missing: it is the Job to create");
        return;
    }
    job = check_known(c, job);
    if (!tree_is(job, TREE_OBJECT))
        return; /* said by check_fields, or not known here */
    check_text_is(c, &manifest_path, job, "apiVersion", "batch/v1");
    check_text_is(c, &manifest_path, job, "kind", "Job");
    check_metadata(c, &manifest_path, job, true);
    check_spec(c, job);
}
