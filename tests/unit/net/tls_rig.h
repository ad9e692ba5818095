/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_NET_TLS_RIG_H
#define UNIT_NET_TLS_RIG_H

/* Starts tls_peer.py and knows its servers and files. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "net/http_rig.h"

#define PEER_SCRIPT "tests/unit/net/tls_peer.py"
#define PEER_SERVERS 64

static struct {
    pid_t pid;
    int stdin_fd;
    char folder[64];
    struct {
        char name[32];
        int port;
    } servers[PEER_SERVERS];
    int count;
} peer;

static inline int port_of(const char *name)
{
    for (int i = 0; i < peer.count; i++)
        if (strcmp(peer.servers[i].name, name) == 0)
            return peer.servers[i].port;
    fail_msg("tls_peer.py has no server '%s'", name);
    return 0;
}

static inline str peer_file(const char *name)
{
    char path[128];
    struct err e;
    str text = {0};
    snprintf(path, sizeof path, "%s/%s", peer.folder, name);
    if (file_read(&perm, path, 256 * KIB, &text, &e))
        fail_msg("%s", e.text);
    return text;
}

static inline bool peer_start(void)
{
    int in[2], out[2];
    strcpy(peer.folder, "/tmp/pkw-tls-XXXXXX");
    if (!mkdtemp(peer.folder) || pipe(in) != 0 || pipe(out) != 0)
        return false;
    peer.pid = fork();
    if (peer.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp("python3", "python3", "-W", "ignore", PEER_SCRIPT, peer.folder, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    peer.stdin_fd = in[1];
    FILE *lines = fdopen(out[0], "r");
    char name[32];
    int port;
    while (fscanf(lines, "%31s", name) == 1 && strcmp(name, "ready") != 0 &&
           fscanf(lines, "%d", &port) == 1 && peer.count < PEER_SERVERS) {
        strcpy(peer.servers[peer.count].name, name);
        peer.servers[peer.count++].port = port;
    }
    fclose(lines);
    return strcmp(name, "ready") == 0;
}

static inline void peer_stop(void)
{
    close(peer.stdin_fd);
    waitpid(peer.pid, NULL, 0);
    DIR *folder = opendir(peer.folder);
    for (struct dirent *d; folder && (d = readdir(folder));)
        unlinkat(dirfd(folder), d->d_name, 0);
    if (folder)
        closedir(folder);
    rmdir(peer.folder);
}

static inline const struct tls_trust *trust_in(const char *file)
{
    const struct tls_trust *trust = NULL;
    struct err e;
    if (tls_trust_from_pem(&perm, peer_file(file), file, &trust, &e))
        fail_msg("%s", e.text);
    return trust;
}

static inline const struct tls_identity *identity_in(const char *certificate, const char *key)
{
    const struct tls_identity *identity = NULL;
    struct err e;
    if (tls_identity_from_pem(&perm, peer_file(certificate), peer_file(key), certificate, &identity,
                              &e))
        fail_msg("%s", e.text);
    return identity;
}

/* GET https://HOST:PORT/ of one server, with this configuration. */
static inline void fetch(const char *server, const char *host, const struct tls_config *config,
                         struct got *got)
{
    static char url[128];
    static struct http_target target;
    snprintf(url, sizeof url, "https://%s:%d", host, port_of(server));
    target = (struct http_target){.base_url = str_of(url), .tls = config};
    exchange((struct http_request){.target = &target, .path = STR("/x")}, got);
}

static inline int tls_rig_open(void **state)
{
    return rig_open(state) == 0 && peer_start() ? 0 : -1;
}

static inline int tls_rig_close(void **state)
{
    peer_stop();
    return rig_close(state);
}

#endif
