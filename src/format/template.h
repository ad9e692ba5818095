/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_TEMPLATE_H
#define FORMAT_TEMPLATE_H

/*
 * Placeholders in the strings of a value tree, as Prefect's work pools use them: "{{ name }}" with
 * blanks as one likes inside the braces; name is made of letters and digits of any script and of
 * _ . - [ ] $. Anything else between braces is plain text.
 *
 *     name                        a value, by its path: a.b[0].c
 *     $NAME                       an environment variable of the worker
 *     prefect.blocks.TYPE.NAME    a block document, left for a later pass
 *     prefect.variables.NAME      a variable, left for a later pass
 */

#include "base/arena.h"
#include "format/tree.h"

enum template_kind { TEMPLATE_VALUE, TEMPLATE_ENVIRONMENT, TEMPLATE_BLOCK, TEMPLATE_VARIABLE };

#define TEMPLATE_BLOCK_PREFIX "prefect.blocks."
#define TEMPLATE_VARIABLE_PREFIX "prefect.variables."

struct template_placeholder {
    str text; /* with its braces; a view of the template */
    str name;
    enum template_kind kind;
};

/* The first placeholder at or after *at, and moves *at behind it. False when there is none. */
bool template_next(str text, size_t *at, struct template_placeholder *found);
/* The whole text is one placeholder: its value keeps its type. */
bool template_whole(str text, struct template_placeholder *found);
/* A placeholder of any kind stands in a string of the tree. */
bool template_has_placeholder(const struct tree *v);
/* First part of a path: the variable that it begins with. A view of `name`. */
str template_first_key(str name);

/* The value at a path, or NULL. Path: parts at '.', where '[' counts as '.' and ']' as nothing; a
 * part that int() accepts is an index (of an array or of the characters of a string, negative from
 * the end) and nothing else, so it never finds a member; any other part is a member's key. A
 * single character is built in *character, which must live as long as the result. */
const struct tree *template_lookup(const struct tree *values, str path, struct tree *character);

struct template_context {
    struct arena *out; /* results */
    struct arena scratch;
    const struct tree *values;      /* object: variables by name */
    const char *const *environment; /* NAME=value ..., NULL at the end; may be NULL */
    bool full;                      /* set: arena or TEMPLATE_TEXT_MAX, the result is void */
};

/* A copy of `template` with the placeholders of kind VALUE and ENVIRONMENT filled in. NULL: the
 * whole was a placeholder without a value (or c->full). Members and elements that come out so are
 * dropped. Keys are not looked at; values put in are not looked at again. Nodes keep the origin of
 * what they came from. */
struct tree *template_apply(struct template_context *c, const struct tree *template);

/* Value of an environment variable, false where it is not set. */
bool template_environment(const char *const *environment, str name, str *value);

#endif
