/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_TREE_H
#define FORMAT_TREE_H

/*
 * An editable tree of JSON values: templates and manifests. Nodes live in one arena and are never
 * freed on their own. Members keep their order; setting an existing key keeps its place (as a
 * Python dict). A node remembers where it came from, for `render --explain` and for errors.
 */

#include "format/json.h"
#include "format/json_write.h"

enum tree_type { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_STRING, TREE_ARRAY, TREE_OBJECT };

/* Where a value came from. */
enum tree_origin {
    TREE_FROM_NOWHERE,
    TREE_FROM_TEMPLATE,   /* job_configuration of the base job template */
    TREE_FROM_DEFAULT,    /* default of a variable in the template's schema */
    TREE_FROM_DEPLOYMENT, /* the deployment's job variables */
    TREE_FROM_RUN,        /* the flow run's job variables */
    TREE_FROM_SETTING,    /* a Prefect setting of the worker, passed down */
    TREE_FROM_BLOCK,
    TREE_FROM_VARIABLE,
    TREE_FROM_WORKER, /* computed by the worker: labels, names, environment */
};

struct tree {
    struct tree *next;  /* sibling */
    struct tree *first; /* child of an array or object */
    struct tree *last;
    str key;        /* of a member, decoded */
    str text;       /* string: decoded; number: its literal, as written */
    uint32_t count; /* children */
    uint32_t line;  /* 1-based line of the source file, 0 unknown */
    uint8_t type;   /* enum tree_type */
    uint8_t origin; /* enum tree_origin */
    bool boolean;
    bool secret; /* masked in output for people */
};

/* All constructors return NULL when `out` is full; all setters accept a NULL value then and pass
 * the failure on, so that one check at the end of a construction is enough. */
struct tree *tree_null(struct arena *out);
struct tree *tree_bool(struct arena *out, bool value);
struct tree *tree_i64(struct arena *out, int64_t value);
struct tree *tree_number(struct arena *out, str literal); /* the literal must stay valid */
struct tree *tree_str(struct arena *out, str text);       /* text must stay valid (not copied) */
struct tree *tree_array(struct arena *out);
struct tree *tree_object(struct arena *out);

/* Accessors accept NULL (no such value) and values of other types. */
struct tree *tree_get(const struct tree *object, str key);
struct tree *tree_path(const struct tree *v, const char *dotted); /* plain keys only */
struct tree *tree_at(const struct tree *array, size_t index);
bool tree_is(const struct tree *v, enum tree_type type);
bool tree_is_null(const struct tree *v); /* null or absent */
str tree_text(const struct tree *v);     /* text of a string; empty for anything else */
bool tree_i64_value(const struct tree *v, int64_t *out); /* integer literal */

/* Replaces or appends a member; `value` gets the key (copied into `out` when it is new) and must
 * not be in another tree. Gives `value`. */
struct tree *tree_set(struct arena *out, struct tree *object, str key, struct tree *value);
/* Appends a member without looking for the key or copying it: for readers, which end each object
 * with tree_merge_duplicates. */
struct tree *tree_add(struct tree *object, str key, struct tree *value);
/* Of members with the same key the last one counts, in the place of the first. Borrows from `out`;
 * false when that is full. */
bool tree_merge_duplicates(struct arena *out, struct tree *object) MUST_CHECK;
struct tree *tree_append(struct tree *array, struct tree *value);
/* Puts `value` where `old` stands in `parent` (same key). */
void tree_replace(struct tree *parent, struct tree *old, struct tree *value);
bool tree_remove(struct tree *object, str key);
void tree_unlink(struct tree *parent, struct tree *child);

/* Strings and keys are shared with the original. NULL for NULL, for a full arena and for a tree
 * deeper than JSON_DEPTH_MAX. */
struct tree *tree_clone(struct arena *out, const struct tree *v);
/* Marks a whole subtree. */
void tree_set_origin(struct tree *v, enum tree_origin origin);

/* Same JSON value: numbers by value (1 equals 1.0), objects without regard to order. */
bool tree_eq(const struct tree *a, const struct tree *b);

/* Copies a parsed value; strings and numbers become views of the document's text or of `out`. */
enum err_kind tree_from_json(struct arena *out, struct json v, struct tree **tree,
                             struct err *e) MUST_CHECK;
/* json_parse and tree_from_json in one; tokens are borrowed from `scratch`. `text` must stay valid
 * as long as the tree. */
enum err_kind tree_parse_json(struct arena *out, struct arena scratch, str text, struct tree **tree,
                              struct err *e) MUST_CHECK;

/* NULL is null. Numbers as Python's json module would after reading them: 1e2 becomes 100.0. What
 * is nested too deeply shows as a full buffer, here and in the other writers. */
void tree_write_json(struct json_writer *w, const struct tree *v);
/* Indented by `indent` spaces a level, as json.dumps(indent=...). */
void tree_write_json_pretty(struct buf *out, const struct tree *v, int indent);
/* Block style, quoted where PyYAML's or Kubernetes' loader would read another type. */
void tree_write_yaml(struct buf *out, const struct tree *v);

#endif
