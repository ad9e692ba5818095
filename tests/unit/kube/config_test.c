/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config_rig.h"

static void service_account(void **state)
{
    (void)state;
    write_file("sa/token", "tok\n");
    write_file("sa/ca.crt", CA_PEM);
    write_file("sa/namespace", "team-a\n");
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    struct kube_config_options o = {.service_account_dir = str_of(in_folder("sa")),
                                    .tcp_keepalive = true};
    assert_int_equal(load_with(o), ERR_NONE);
    assert_str(config->target.base_url, "https://[fd00::1]:443");
    assert_ptr_equal(config->target.tls, &config->tls);
    assert_int_equal(tls_trust_count(config->tls.trust), 1);
    assert_true(config->target.tcp_keepalive);
    assert_int_equal(config->credential, KUBE_TOKEN_FILE);
    assert_true(str_ends(config->token_file, STR("/sa/token")));
    assert_str(config->namespace, "team-a");
    assert_str(config->mark, CA_MARK);
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    unlink(in_folder("sa/namespace"));
    assert_int_equal(load_with(o), ERR_NONE);
    assert_str(config->target.base_url, "https://10.0.0.1:443");
    assert_str(config->namespace, "default");
    /* An empty token is no service account, nor is a pod without the two variables. */
    write_file("sa/token", " \n");
    snprintf(list, sizeof list, "%s/absent", folder);
    assert_error(load_with(o), ERR_MISSING, "absent");
    write_file("sa/token", "tok");
    unsetenv("KUBERNETES_SERVICE_PORT");
    assert_error(load_with(o), ERR_MISSING, "KUBERNETES_SERVICE_PORT");
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void the_home_folder(void **state)
{
    (void)state;
    write_file(".kube/config", one_context("{server: 'http://home'}", "{}"));
    struct kube_config_options o = {.kubeconfig_paths = STR("~/.kube/config")};
    assert_int_equal(load_with(o), ERR_NONE);
    assert_str(config->target.base_url, "http://home");
    assert_int_equal(config->credential, KUBE_ANONYMOUS);
    assert_int_equal(config->mark.n, 8);
}

static void no_context_is_no_configuration(void **state)
{
    (void)state;
    write_file("config", "apiVersion: v1\nkind: Config\ncontexts: []\ncurrent-context: ''\n");
    snprintf(list, sizeof list, "%s/config", folder);
    assert_error(load_with((struct kube_config_options){0}), ERR_MISSING, "KUBECONFIG");
    write_file("config", "");
    assert_error(load_with((struct kube_config_options){0}), ERR_MISSING, "/config");
}

static void a_document_of_a_block(void **state)
{
    (void)state;
    struct tree *tree;
    assert_int_equal(yaml_parse(&arena, str_of(one_context("{server: 'http://b'}", "{token: t}")),
                                &tree, &error),
                     ERR_NONE);
    struct kube_config_options o = {.tcp_keepalive = true};
    assert_int_equal(kube_config_from_tree(&arena, scratch(), tree, STR("c"), &o, &config, &error),
                     ERR_NONE);
    assert_str(config->target.base_url, "http://b");
    assert_str(config->source, "cluster_config, context c");
    assert_error(kube_config_from_tree(&arena, scratch(), tree, STR("d"), &o, &config, &error),
                 ERR_INVALID, "\"d\"");
    assert_error(kube_config_from_tree(&arena, scratch(), tree_object(&arena), (str){0}, &o,
                                       &config, &error),
                 ERR_INVALID, "no contexts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(service_account),
        TEST(the_home_folder),
        TEST(no_context_is_no_configuration),
        TEST(a_document_of_a_block),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
