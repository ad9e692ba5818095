/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pid.h"

bool pid_split(str pid, str *namespace, str *job)
{
    ptrdiff_t colon = str_rfind_char(pid, ':');
    if (colon < 0)
        return false;
    *job = str_skip(pid, (size_t)colon + 1);
    *namespace = str_sub(pid, 0, (size_t)colon);
    colon = str_rfind_char(*namespace, ':');
    if (colon >= 0)
        *namespace = str_skip(*namespace, (size_t)colon + 1);
    return job->n && namespace->n;
}

bool pid_names(str pid, str namespace, str job)
{
    str its_namespace, its_job;
    return pid_split(pid, &its_namespace, &its_job) && str_eq(its_namespace, namespace) &&
           str_eq(its_job, job);
}
