/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/encode.h"
#include "worker/manifest_build.h"

/* metadata.name, which the Python worker leaves to Kubernetes: a function of the run and its claim,
 * so that whoever creates the same Job again meets the first one. */

#define SUFFIX_LEN 12

/* Letters and digits out of hashes; bytes of 252 and above are skipped, so that none of the 36 is
 * likelier than another. */
static void suffix_of(const struct uuid *flow_run, const struct uuid *claim, int attempt,
                      char suffix[SUFFIX_LEN])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t text[sizeof flow_run->bytes + sizeof claim->bytes + 2], hash[32];
    size_t n = 0;
    memcpy(text, flow_run->bytes, sizeof flow_run->bytes);
    memcpy(text + sizeof flow_run->bytes, claim->bytes, sizeof claim->bytes);
    text[sizeof text - 2] = (uint8_t)attempt;
    for (uint8_t round = 0; n < SUFFIX_LEN; round++) {
        text[sizeof text - 1] = round;
        sha256((str){(const char *)text, sizeof text}, hash);
        for (size_t i = 0; i < sizeof hash && n < SUFFIX_LEN; i++)
            if (hash[i] < 252)
                suffix[n++] = digits[hash[i] % 36];
    }
}

str manifest_name(struct arena *out, str prefix, const struct uuid *flow_run,
                  const struct uuid *claim, int attempt)
{
    char suffix[SUFFIX_LEN];
    suffix_of(flow_run, claim, attempt, suffix);
    size_t keep = KUBE_NAME_MAX - SUFFIX_LEN;
    if (prefix.n > keep) {
        while (keep > 0 && ((unsigned char)prefix.p[keep] & 0xC0) == 0x80)
            keep--; /* not within a character */
        prefix.n = keep;
    }
    return str_printf(out, STR_FMT "%.*s", STR_ARG(prefix), SUFFIX_LEN, suffix);
}

enum err_kind build_name(struct build *b)
{
    struct manifest *m = b->m;
    struct tree *metadata = tree_get(b->job, STR("metadata"));
    const struct tree *own = tree_get(metadata, STR("name"));
    const struct tree *generate = tree_get(metadata, STR("generateName"));
    struct uuid flow_run;
    m->job = b->job;
    /* What Kubernetes would not take for a name, or for a prefix, is its own to refuse. */
    m->own_name = (own && !tree_is_null(own) && !str_eq(tree_text(own), STR(""))) ||
                  !tree_is(generate, TREE_STRING) ||
                  (own && !tree_is_null(own) && own->type != TREE_STRING);
    if (m->own_name)
        return ERR_NONE;
    if (!uuid_parse(build_text(b->in->flow_run, "id"), &flow_run))
        return build_fail(b, "ValidationError", "the flow run's id is no UUID");
    m->name_prefix = generate->text;
    uint8_t origin = generate->origin;
    tree_remove(metadata, STR("generateName"));
    str name = manifest_name(b->out, m->name_prefix, &flow_run, &b->in->claim, 0);
    if (!name.p ||
        !build_set(b, metadata, "name", tree_str(b->out, name), (enum tree_origin)origin))
        return build_full(b);
    return ERR_NONE;
}
