/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/secrets.h"

#include "base/encode.h"

static void finish(struct secret_step *step, const struct kube_reply *reply)
{
    switch (reply->kind) {
    case ERR_NONE:
        step->on_done(step->ctx, SECRET_DONE, NULL);
        break;
    case ERR_RETRY:
    case ERR_AUTH:
    case ERR_CONFLICT:
        step->on_done(step->ctx, SECRET_RETRY, reply->err);
        break;
    default:
        step->on_done(step->ctx, SECRET_FAILED, reply->err);
        break;
    }
}

static void on_finished(void *ctx, const struct kube_reply *reply)
{
    struct secret_step *step = ctx;
    step->call = 0;
    finish(step, reply);
}

static void send(struct secret_step *step, enum http_method method, str name, str body,
                 kube_done_fn *on_done)
{
    struct arena *scratch = &step->w->tick;
    struct err e;
    struct kube_request request = {
        .method = method,
        .path = kube_path(scratch, "/api/v1", step->namespace, "secrets", name),
        .body = body,
        .content_type =
            method == HTTP_PATCH ? STR("application/strategic-merge-patch+json") : (str){0},
        .on_done = on_done,
        .ctx = step,
    };
    if (kube_send(step->kube, &request, &step->call, &e) != ERR_NONE)
        step->on_done(step->ctx, SECRET_RETRY, &e);
}

/* ---- the API key's Secret ------------------------------------------------------------------ */

static void put_data(struct secret_step *step, struct json_writer *out)
{
    struct arena scratch = *step->arena;
    struct buf value = buf_new(&scratch, step->value.n * 2 + 8);
    base64_encode(&value, step->value);
    json_object_begin(out);
    json_member_str(out, "value", buf_str(&value));
    json_object_end(out);
}

static void create(struct secret_step *step)
{
    struct buf body = buf_new(step->arena, step->value.n * 2 + 4 * KIB);
    struct json_writer out = json_writer(&body);
    json_object_begin(&out);
    json_member_cstr(&out, "apiVersion", "v1");
    json_member_cstr(&out, "kind", "Secret");
    json_key(&out, STR("metadata"));
    json_object_begin(&out);
    json_member_str(&out, "name", step->name);
    json_member_str(&out, "namespace", step->namespace);
    json_object_end(&out);
    json_key(&out, STR("data"));
    put_data(step, &out);
    json_object_end(&out);
    send(step, HTTP_POST, (str){0}, buf_str(&body), on_finished);
}

/* The Secret as read, with our value as its whole data. */
static void replace(struct secret_step *step, const struct kube_reply *reply)
{
    struct json root;
    struct err e;
    struct arena *scratch = reply->http->arena;
    str text = reply->http->body;
    if (json_parse(scratch, text, &root, &e) != ERR_NONE) {
        step->on_done(step->ctx, SECRET_FAILED, &e);
        return;
    }
    struct buf body = buf_new(step->arena, text.n + step->value.n * 2 + 4 * KIB);
    struct json_writer out = json_writer(&body);
    json_object_begin(&out);
    for (struct json_iter it = json_each(root); json_next(&it);) {
        if (json_str_is(it.key, STR("data")))
            continue;
        json_key(&out, json_str(scratch, it.key));
        json_put_raw(&out, json_raw(it.value));
    }
    json_key(&out, STR("data"));
    put_data(step, &out);
    json_object_end(&out);
    send(step, HTTP_PUT, step->name, buf_str(&body), on_finished);
}

static void on_read(void *ctx, const struct kube_reply *reply)
{
    struct secret_step *step = ctx;
    step->call = 0;
    if (reply->kind == ERR_MISSING)
        create(step);
    else if (reply->kind == ERR_NONE)
        replace(step, reply);
    else
        finish(step, reply);
}

void secret_put_api_key(struct secret_step *step)
{
    send(step, HTTP_GET, step->name, (str){0}, on_read);
}

/* ---- the environment's Secret -------------------------------------------------------------- */

static void on_env_created(void *ctx, const struct kube_reply *reply)
{
    struct secret_step *step = ctx;
    step->call = 0;
    if (reply->kind == ERR_CONFLICT && str_eq(reply->reason, STR("AlreadyExists")))
        step->on_done(step->ctx, SECRET_DONE, NULL);
    else
        finish(step, reply);
}

void secret_create_env(struct secret_step *step)
{
    struct buf body = buf_new(step->arena, MANIFEST_MAX);
    struct json_writer out = json_writer(&body);
    tree_write_json(&out, step->body);
    if (body.full) {
        struct err e;
        err_set(&e, ERR_LIMIT, "the environment's Secret is larger than %zu bytes",
                (size_t)MANIFEST_MAX);
        step->on_done(step->ctx, SECRET_FAILED, &e);
        return;
    }
    send(step, HTTP_POST, (str){0}, buf_str(&body), on_env_created);
}

void secret_set_owner(struct secret_step *step, str job_name, str job_uid)
{
    struct arena *scratch = &step->w->tick;
    struct buf body = buf_new(scratch, 4 * KIB);
    struct json_writer out = json_writer(&body);
    json_object_begin(&out);
    json_key(&out, STR("metadata"));
    json_object_begin(&out);
    json_key(&out, STR("ownerReferences"));
    json_array_begin(&out);
    json_object_begin(&out);
    json_member_cstr(&out, "apiVersion", "batch/v1");
    json_member_cstr(&out, "kind", "Job");
    json_member_str(&out, "name", job_name);
    json_member_str(&out, "uid", job_uid);
    json_object_end(&out);
    json_array_end(&out);
    json_object_end(&out);
    json_object_end(&out);
    send(step, HTTP_PATCH, step->name, buf_str(&body), on_finished);
}

void secret_delete(struct secret_step *step)
{
    send(step, HTTP_DELETE, step->name, (str){0}, on_finished);
}

void secret_step_cancel(struct secret_step *step)
{
    if (step->w && step->kube)
        kube_cancel(step->kube, step->call);
    step->call = 0;
}
