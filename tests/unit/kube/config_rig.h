/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_KUBE_CONFIG_RIG_H
#define UNIT_KUBE_CONFIG_RIG_H

/* What the tests of configurations share: files in a folder of the test, loaded or refused. */

#include "format/support.h"

#include "base/encode.h"
#include "format/yaml.h"
#include "kube/config.h"
#include "kube/folder.h"
#include "kube/pem.h"

static struct kube_config *config;
static char list[1024];

UNUSED static struct arena scratch(void)
{
    static struct arena memory;
    if (!memory.base)
        arena_reserve(&memory, "scratch", 16 * MIB);
    return memory;
}

UNUSED static enum err_kind load_with(struct kube_config_options o)
{
    config = NULL;
    if (!o.kubeconfig_paths.n)
        o.kubeconfig_paths = str_of(list);
    if (!o.service_account_dir.n)
        o.service_account_dir = str_of(in_folder("none"));
    o.home = str_of(folder);
    return kube_config_load(&arena, scratch(), &o, &config, &error);
}

UNUSED static void load_list(const char *first, const char *second)
{
    snprintf(list, sizeof list, "%s/%s", folder, first);
    if (second)
        snprintf(list + strlen(list), sizeof list - strlen(list), ":%s/%s", folder, second);
    if (load_with((struct kube_config_options){0}))
        fail_msg("%s", error.text);
}

UNUSED static void load_text(const char *text)
{
    write_file("config", text);
    load_list("config", NULL);
}

UNUSED static void refuse_text(const char *text, const char *part)
{
    write_file("config", text);
    snprintf(list, sizeof list, "%s/config", folder);
    assert_error(load_with((struct kube_config_options){0}), ERR_INVALID, part);
    if (!strstr(error.text, "kubeconfig"))
        fail_msg("no kubeconfig in %s", error.text);
}

UNUSED static const char *base64_of(const char *text)
{
    struct buf b = buf_new(&arena, 8192);
    base64_encode(&b, str_of(text));
    buf_byte(&b, '\0');
    return b.p;
}

/* One context "c" of cluster "k" and user "u". */
UNUSED static const char *one_context(const char *cluster, const char *user)
{
    return str_printf(&arena,
                      "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                      "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
                      "clusters: [{name: k, cluster: %s}]\nusers: [{name: u, user: %s}]\n",
                      cluster, user)
        .p;
}

#endif
