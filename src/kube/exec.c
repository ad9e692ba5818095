/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "format/json_write.h"

#define STDERR_KEPT (4 * KIB) /* of what the plugin complains, for our line */
#define REAP_EVERY_MS 20      /* between its last output and its end */
#define HINT_MAX 160

extern char **environ;

struct kube_plugin {
    struct loop *loop;
    const struct kube_exec *exec;
    struct arena arena; /* of one run */
    kube_plugin_done_fn *on_done;
    void *ctx;
    pid_t pid;    /* 0: not running */
    int out, err; /* our ends of its pipes; -1: closed */
    struct buf out_text, err_text;
    struct loop_timer limit, reap;
};

/* ---- ExecCredential ------------------------------------------------------------------------ */

enum err_kind kube_exec_credential_read(struct arena *out, str text, str api_version,
                                        struct kube_exec_credential *credential, struct err *e)
{
    *credential = (struct kube_exec_credential){0};
    struct json root;
    if (json_parse(out, text, &root, e))
        return err_prefix(e, "its output is no JSON: ");
    if (!json_str_is(json_get(root, STR("kind")), STR("ExecCredential")))
        return err_set(e, ERR_INVALID, "its output is no ExecCredential");
    if (!json_str_is(json_get(root, STR("apiVersion")), api_version))
        return err_set(e, ERR_INVALID,
                       "its output has not the apiVersion " STR_FMT " that the kubeconfig asks for",
                       STR_ARG(api_version));
    struct json status = json_get(root, STR("status"));
    credential->token = str_trim(json_str(out, json_get(status, STR("token"))));
    credential->certificate_pem = json_str(out, json_get(status, STR("clientCertificateData")));
    credential->key_pem = json_str(out, json_get(status, STR("clientKeyData")));
    if (!credential->certificate_pem.n != !credential->key_pem.n)
        return err_set(e, ERR_INVALID,
                       "its output has only one of clientCertificateData and clientKeyData");
    if (!credential->token.n && !credential->certificate_pem.n)
        return err_set(e, ERR_INVALID, "its output has neither a token nor a client certificate");
    struct json expires = json_get(status, STR("expirationTimestamp"));
    if (!json_is_null(expires) &&
        !time_parse_rfc3339(json_str(out, expires), &credential->expires_us))
        return err_set(e, ERR_INVALID, "its expirationTimestamp is no RFC 3339 time");
    return ERR_NONE;
}

/* ---- the end of a run ---------------------------------------------------------------------- */

static void close_pipe(struct kube_plugin *p, int *fd)
{
    if (*fd < 0)
        return;
    loop_fd_remove(p->loop, *fd);
    close(*fd);
    *fd = -1;
}

static void put_down(struct kube_plugin *p)
{
    loop_timer_clear(p->loop, &p->limit);
    loop_timer_clear(p->loop, &p->reap);
    close_pipe(p, &p->out);
    close_pipe(p, &p->err);
    p->pid = 0;
}

static void kill_group(struct kube_plugin *p)
{
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* The last line that is not blank. */
static str last_line(str text)
{
    text = str_trim(text);
    ptrdiff_t at = str_rfind_char(text, '\n');
    return str_trim(at < 0 ? text : str_skip(text, (size_t)at + 1));
}

/* "exec plugin x: <text>" and its hint. */
static void complete_error(const struct kube_plugin *p, struct err *e)
{
    e->kind = ERR_AUTH;
    err_prefix(e, "exec plugin " STR_FMT ": ", STR_ARG(p->exec->command));
    str hint = str_sub(str_trim(p->exec->install_hint), 0, HINT_MAX);
    size_t n = strlen(e->text);
    struct buf b = buf_over(e->text + n, sizeof e->text - n - 1);
    buf_cstr(&b, " (its hint: ");
    for (size_t i = 0; i < hint.n; i++)
        buf_byte(&b, (unsigned char)hint.p[i] < ' ' ? ' ' : hint.p[i]);
    buf_cstr(&b, ")");
    e->text[hint.n && !b.full ? n + b.n : n] = '\0';
}

static void fail(struct kube_plugin *p, struct err *e)
{
    put_down(p);
    complete_error(p, e);
    p->on_done(p->ctx, NULL, e); /* which may start it again */
    if (!p->pid)
        arena_reset(&p->arena);
}

static void finish(struct kube_plugin *p, int status, bool known)
{
    struct err e = {0};
    str said = str_sub(last_line(buf_str(&p->err_text)), 0, 200);
    struct kube_exec_credential credential;
    if (known && WIFSIGNALED(status))
        err_set(&e, ERR_AUTH, "ended by signal %d", WTERMSIG(status));
    else if (known && WEXITSTATUS(status) != 0)
        err_set(&e, ERR_AUTH, "exit status %d%s" STR_FMT, WEXITSTATUS(status), said.n ? ": " : "",
                STR_ARG(said));
    else if (!kube_exec_credential_read(&p->arena, buf_str(&p->out_text), p->exec->api_version,
                                        &credential, &e)) {
        put_down(p);
        p->on_done(p->ctx, &credential, NULL);
        if (!p->pid)
            arena_reset(&p->arena);
        return;
    }
    fail(p, &e);
}

static int64_t timeout_ms(const struct kube_plugin *p)
{
    return p->exec->timeout_ms ? p->exec->timeout_ms : KUBE_EXEC_TIMEOUT_MS;
}

static void on_limit(void *ctx)
{
    struct kube_plugin *p = ctx;
    struct err e;
    kill_group(p);
    err_set(&e, ERR_AUTH, "no answer in %.3g s, stopped", (double)timeout_ms(p) / 1000);
    fail(p, &e);
}

static void on_reap(void *ctx)
{
    struct kube_plugin *p = ctx;
    int status = 0;
    pid_t got = waitpid(p->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        loop_timer_set(p->loop, &p->reap, REAP_EVERY_MS, on_reap, p);
        return;
    }
    /* ECHILD: a general reaper was faster; then the output alone decides. */
    finish(p, status, got > 0);
}

/* ---- while it runs ------------------------------------------------------------------------- */

/* Takes what there is, cut at the buffer's end where `cut`; false at the end of the stream. */
static bool drain(int fd, struct buf *text, bool cut)
{
    char chunk[4096];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got > 0)
            buf_put(text,
                    str_sub((str){chunk, (size_t)got}, 0, cut ? text->cap - text->n : (size_t)got));
        else if (got == 0 || (errno != EINTR && errno != EAGAIN))
            return false;
        else if (errno == EAGAIN)
            return true;
    }
}

static void on_readable(void *ctx, int fd, short revents)
{
    struct kube_plugin *p = ctx;
    (void)revents;
    bool is_out = fd == p->out;
    bool open = drain(fd, is_out ? &p->out_text : &p->err_text, !is_out);
    if (is_out && p->out_text.full) {
        struct err e;
        kill_group(p);
        err_set(&e, ERR_AUTH, "it printed more than %zu KiB", KUBE_EXEC_OUTPUT_MAX / KIB);
        fail(p, &e);
        return;
    }
    if (open)
        return;
    close_pipe(p, is_out ? &p->out : &p->err);
    if (p->out < 0 && p->err < 0)
        on_reap(p);
}

/* ---- the start of a run -------------------------------------------------------------------- */

/* {"kind":"ExecCredential","apiVersion":...,"spec":{"cluster":...,"interactive":false}} */
static str exec_info(struct arena *out, const struct kube_exec *exec)
{
    struct buf b = buf_new(out, 64 * KIB);
    buf_cstr(&b, "KUBERNETES_EXEC_INFO=");
    struct json_writer w = json_writer(&b);
    json_object_begin(&w);
    json_member_cstr(&w, "kind", "ExecCredential");
    json_member_str(&w, "apiVersion", exec->api_version);
    json_key(&w, STR("spec"));
    json_object_begin(&w);
    if (exec->cluster) {
        json_key(&w, STR("cluster"));
        tree_write_json(&w, exec->cluster);
    }
    json_member_bool(&w, "interactive", false);
    json_object_end(&w);
    json_object_end(&w);
    buf_byte(&b, '\0');
    return b.full ? (str){0} : buf_str(&b);
}

static char *text_of(struct arena *out, const struct tree *v)
{
    return (char *)str_copy(out, tree_text(v)).p;
}

static char **arguments(struct arena *out, const struct kube_exec *exec)
{
    size_t count = exec->args ? exec->args->count : 0, n = 0;
    char **argv = ARENA_ARRAY(out, char *, count + 2);
    if (!argv)
        return NULL;
    argv[n++] = (char *)str_copy(out, exec->command).p;
    for (const struct tree *v = exec->args ? exec->args->first : NULL; v; v = v->next)
        argv[n++] = text_of(out, v);
    for (size_t i = 0; i < n; i++)
        if (!argv[i])
            return NULL;
    return argv;
}

/* Is `entry` ("NAME=value") replaced by one of ours? */
static bool is_replaced(const struct kube_exec *exec, const char *entry)
{
    str name, value;
    str_cut(str_of(entry), '=', &name, &value);
    if (str_eq(name, STR("KUBERNETES_EXEC_INFO")))
        return true;
    for (const struct tree *v = exec->env ? exec->env->first : NULL; v; v = v->next)
        if (str_eq(tree_text(tree_get(v, STR("name"))), name))
            return true;
    return false;
}

static char **environment(struct arena *out, const struct kube_exec *exec)
{
    size_t count = (exec->env ? exec->env->count : 0) + 2, n = 0;
    for (char **entry = environ; *entry; entry++)
        count++;
    char **envp = ARENA_ARRAY(out, char *, count);
    if (!envp)
        return NULL;
    for (char **entry = environ; *entry; entry++)
        if (!is_replaced(exec, *entry))
            envp[n++] = *entry;
    for (const struct tree *v = exec->env ? exec->env->first : NULL; v; v = v->next) {
        str entry =
            str_printf(out, STR_FMT "=" STR_FMT, STR_ARG(tree_text(tree_get(v, STR("name")))),
                       STR_ARG(tree_text(tree_get(v, STR("value")))));
        if (!entry.p)
            return NULL;
        envp[n++] = (char *)entry.p;
    }
    envp[n++] = (char *)exec_info(out, exec).p;
    return envp[n - 1] ? envp : NULL;
}

/* The signals that the worker blocks for its signalfd must reach the program, and so must their
 * usual effect; its own group lets us stop what it starts, too. */
static int spawn(pid_t *pid, char **argv, char **envp, int out, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int failure = posix_spawnp(pid, argv[0], &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static enum err_kind watch_pipe(struct kube_plugin *p, int fd, int *place, struct err *e)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    enum err_kind kind = loop_fd_add(p->loop, fd, POLLIN, on_readable, p, e);
    if (kind)
        close(fd);
    else
        *place = fd;
    return kind;
}

/* Pipes, process, descriptors in the loop. */
static enum err_kind run(struct kube_plugin *p, char **argv, char **envp, struct err *e)
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC))
        return err_errno(e, ERR_AUTH, "no pipe");
    if (pipe2(err, O_CLOEXEC)) {
        close(out[0]);
        close(out[1]);
        return err_errno(e, ERR_AUTH, "no pipe");
    }
    int failure = spawn(&p->pid, argv, envp, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    if (failure) {
        p->pid = 0;
        close(out[0]);
        close(err[0]);
        errno = failure;
        return err_errno(e, ERR_AUTH, failure == ENOENT ? "not found" : "cannot be started");
    }
    enum err_kind kind = watch_pipe(p, out[0], &p->out, e);
    if (kind)
        close(err[0]);
    else
        kind = watch_pipe(p, err[0], &p->err, e);
    if (kind) {
        kill_group(p);
        put_down(p);
    }
    return kind;
}

struct kube_plugin *kube_plugin_new(struct arena *perm, struct loop *loop,
                                    const struct kube_exec *exec)
{
    struct kube_plugin *p = arena_must(perm, sizeof *p);
    p->loop = loop;
    p->exec = exec;
    p->out = p->err = -1;
    arena_reserve(&p->arena, "exec plugin", KUBE_EXEC_ARENA);
    return p;
}

enum err_kind kube_plugin_start(struct kube_plugin *p, kube_plugin_done_fn *on_done, void *ctx,
                                struct err *e)
{
    ASSERT(!p->pid);
    arena_reset(&p->arena);
    p->on_done = on_done;
    p->ctx = ctx;
    char **argv = arguments(&p->arena, p->exec);
    char **envp = environment(&p->arena, p->exec);
    p->out_text = buf_new(&p->arena, KUBE_EXEC_OUTPUT_MAX);
    p->err_text = buf_new(&p->arena, STDERR_KEPT);
    struct err local;
    e = e ? e : &local;
    enum err_kind kind = ERR_AUTH;
    if (argv && envp && !p->err_text.full)
        kind = run(p, argv, envp, e);
    else
        err_set(e, ERR_AUTH, "its arguments and environment are too large");
    if (kind) {
        complete_error(p, e);
        return ERR_AUTH;
    }
    loop_timer_set(p->loop, &p->limit, timeout_ms(p), on_limit, p);
    return ERR_NONE;
}

bool kube_plugin_running(const struct kube_plugin *p)
{
    return p->pid != 0;
}

void kube_plugin_stop(struct kube_plugin *p)
{
    if (!p->pid)
        return;
    kill_group(p);
    put_down(p);
}
