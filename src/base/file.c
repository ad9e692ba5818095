/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"

static enum err_kind kind_of_errno(void)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return ERR_MISSING;
    return errno == EACCES || errno == EPERM ? ERR_FORBIDDEN : ERR_INVALID;
}

enum err_kind file_read(struct arena *out, const char *path, size_t cap, str *text, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, kind_of_errno(), "cannot open %s", path);
    size_t mark = arena_mark(out), n = 0;
    char *p = arena_bytes(out, cap + 1);
    enum err_kind kind = p ? ERR_NONE : err_set(e, ERR_LIMIT, "no room to read %s", path);
    while (!kind) {
        ssize_t got = read(fd, p + n, cap + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            kind = err_errno(e, kind_of_errno(), "cannot read %s", path);
        if (got <= 0)
            break;
        n += (size_t)got;
        if (n > cap)
            kind = err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, cap);
    }
    close(fd);
    arena_rewind(out, mark);
    if (kind)
        return kind;
    char *kept = arena_bytes(out, n + 1); /* the same bytes: nothing moved */
    ASSERT(kept == p);
    p[n] = '\0';
    *text = (str){p, n};
    return ERR_NONE;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
