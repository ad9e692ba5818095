/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config_rig.h"

static void everything_embedded(void **state)
{
    (void)state;
    const char *cluster = str_printf(&arena,
                                     "{server: 'https://k:6443/prefix/', "
                                     "certificate-authority-data: %s, tls-server-name: real.name, "
                                     "proxy-url: 'http://proxy:3128'}",
                                     base64_of(CA_PEM))
                              .p;
    const char *user = str_printf(&arena,
                                  "{token: ' abc ', client-certificate-data: %s, "
                                  "client-key-data: %s}",
                                  base64_of(CLIENT_PEM), base64_of(CLIENT_KEY_PEM))
                           .p;
    load_text(one_context(cluster, user));
    assert_str(config->target.base_url, "https://k:6443/prefix");
    assert_str(config->tls.server_name, "real.name");
    assert_str(config->target.proxy.https_url, "http://proxy:3128");
    assert_str(config->mark, CA_MARK);
    assert_str(config->namespace, "default");
    assert_non_null(config->tls.identity);
    assert_int_equal(config->credential, KUBE_TOKEN);
    assert_str(config->token, "abc");
    assert_true(str_has(config->source, STR("/config, context c")));
}

static void files_are_relative_to_the_kubeconfig(void **state)
{
    (void)state;
    write_file("deep/ca.pem", CA_PEM);
    write_file("deep/client.pem", CLIENT_PEM);
    write_file("deep/client.key", CLIENT_KEY_PEM);
    write_file("deep/config",
               one_context("{server: 'https://k', certificate-authority: ca.pem}",
                           "{tokenFile: tok, client-certificate: ./client.pem, client-key: "
                           "client.key}"));
    load_list("deep/config", NULL);
    assert_str(config->mark, CA_MARK);
    assert_non_null(config->tls.identity);
    assert_int_equal(config->credential, KUBE_TOKEN_FILE);
    assert_true(str_ends(config->token_file, STR("/deep/tok")));
    assert_true(str_starts(config->token_file, str_of(folder)));
}

static void a_list_is_merged(void **state)
{
    (void)state;
    write_file("one", "current-context: first\n"
                      "contexts: [{name: x, context: {cluster: k, user: u, namespace: n1}}]\n"
                      "clusters: [{name: k, cluster: {server: 'http://one'}}]\n");
    write_file("two", "current-context: x\n"
                      "contexts: [{name: x, context: {cluster: other}}]\n"
                      "clusters: [{name: k, cluster: {server: 'http://two'}}]\n"
                      "users: [{name: u, user: {username: me, password: pw}}]\n");
    load_list("one", "two");
    assert_str(config->target.base_url, "http://one");
    assert_null(config->target.tls);
    assert_str(config->namespace, "n1");
    assert_int_equal(config->credential, KUBE_BASIC);
    assert_str(config->username, "me");
    assert_str(config->password, "pw");
    write_file("three", one_context("{server: 'http://three'}", "{}"));
    load_list("absent", "three");
    assert_str(config->target.base_url, "http://three");
}

static void contexts_by_name(void **state)
{
    (void)state;
    write_file("config", "current-context: gone\n"
                         "contexts: [{name: a, context: {cluster: k}}]\n"
                         "clusters: [{name: k, cluster: {server: 'http://one'}}]\n");
    snprintf(list, sizeof list, "%s/config", folder);
    assert_error(load_with((struct kube_config_options){0}), ERR_INVALID, "\"gone\"");
    assert_int_equal(load_with((struct kube_config_options){.context = STR("a")}), ERR_NONE);
    assert_true(str_ends(config->source, STR("context a")));
    refuse_text("contexts: [{name: a, context: {cluster: k}}]\n", "current-context");
    refuse_text("current-context: a\ncontexts: [{name: a, context: {cluster: k}}]\n",
                "no cluster \"k\"");
    refuse_text("current-context: a\ncontexts: [{name: a, context: {cluster: k, user: u}}]\n"
                "clusters: [{name: k, cluster: {server: 'http://one'}}]\n",
                "no user \"u\"");
}

static void what_cannot_be_used_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *cluster, *user, *part;
    } cases[] = {
        {"{server: 'k:6443'}", "{}", "no http:// or https://"},
        {"{}", "{}", "no http:// or https://"},
        {"{server: 'http://k', proxy-url: 'socks5://p'}", "{}", "socks5://p"},
        {"{server: 'https://k', certificate-authority: gone.pem}", "{}", "gone.pem"},
        {"{server: 'https://k', certificate-authority-data: '%%%'}", "{}",
         "certificate-authority-data"},
        {"{server: 'https://k', certificate-authority-data: 'eA=='}", "{}",
         "certificate-authority-data"},
        {"{server: 'http://k'}", "{client-certificate-data: eA==}", "no client-key"},
        {"{server: 'http://k'}", "{client-key-data: eA==}", "no client-certificate"},
        {"{server: 'http://k'}", "{auth-provider: {name: gcp}}", "\"gcp\""},
        {"{server: 'http://k'}",
         "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}", "v1alpha1"},
        {"{server: 'http://k'}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}",
         "no command"},
        {"{server: 'http://k'}",
         "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: "
         "Always}}",
         "terminal"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refuse_text(one_context(cases[i].cluster, cases[i].user), cases[i].part);
    refuse_text("a: [\n", "config");
    refuse_text("just text", "no mapping");
}

static void a_plugin_is_described(void **state)
{
    (void)state;
    const char *cluster =
        str_printf(&arena,
                   "{server: 'https://k', certificate-authority-data: %s, extensions: [{name: "
                   "client.authentication.k8s.io/exec, extension: {audience: a}}]}",
                   base64_of(CA_PEM))
            .p;
    load_text(one_context(
        cluster,
        "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/tool, args: [a, "
        "'1'], env: [{name: E, value: v}], installHint: get it, provideClusterInfo: true, "
        "interactiveMode: IfAvailable}}"));
    assert_int_equal(config->credential, KUBE_EXEC);
    assert_true(str_ends(config->exec.command, STR("/bin/tool")));
    assert_true(str_starts(config->exec.command, str_of(folder)));
    assert_int_equal(config->exec.args->count, 2);
    assert_int_equal(config->exec.env->count, 1);
    assert_str(config->exec.install_hint, "get it");
    assert_true(str_eq(tree_text(tree_get(config->exec.cluster, STR("certificate-authority-data"))),
                       str_of(base64_of(CA_PEM))));
    assert_str(tree_text(tree_path(config->exec.cluster, "config.audience")), "a");
    assert_str(tree_text(tree_get(config->exec.cluster, STR("server"))), "https://k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_embedded),
        TEST(files_are_relative_to_the_kubeconfig),
        TEST(a_list_is_merged),
        TEST(contexts_by_name),
        TEST(what_cannot_be_used_is_named),
        TEST(a_plugin_is_described),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
