/* SPDX-License-Identifier: Apache-2.0 */

/*
 * kubeconfig documents: what is accepted has a server URL, a namespace, a source and a mark of 8
 * digits, and a refusal has a text. The first byte chooses: one document, or two merged ones (cut
 * at a line "---").
 */

#include "fuzz.h"

#include "format/yaml.h"
#include "kube/kubeconfig.h"

static struct arena out, scratch;

static void add(struct kubeconfig *k, str text)
{
    struct tree *document;
    if (!yaml_parse(&out, text, &document, NULL) && tree_is(document, TREE_OBJECT))
        k->files[k->count++] = (struct kubeconfig_file){
            .document = document, .path = STR("/nowhere/config"), .folder = STR("/nowhere")};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kubeconfig k = {0};
    struct kube_config config = {0};
    struct kube_config_options options = {0};
    struct err e = {0};
    fuzz_arena(&out, 64 * MIB);
    fuzz_arena(&scratch, 16 * MIB);
    str text = {(const char *)data, size};
    ptrdiff_t cut = str_find(text, STR("\n---\n"));
    if (cut >= 0) {
        add(&k, str_skip(text, (size_t)cut + 5));
        text = str_sub(text, 0, (size_t)cut);
    }
    add(&k, text);
    if (!k.count)
        return 0;
    enum err_kind kind = kubeconfig_resolve(&out, scratch, &k, (str){0}, &options, &config, &e);
    if (kind) {
        ASSERT(e.kind && e.text[0]);
        return 0;
    }
    ASSERT(str_starts(config.target.base_url, STR("http")));
    ASSERT(config.namespace.n && config.source.n && config.mark.n == 8);
    ASSERT(config.credential != KUBE_EXEC || config.exec.command.n);
    return 0;
}
