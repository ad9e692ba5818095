/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/log.h"

#include "base/time.h"
#include "base/uuid.h"
#include "format/json_write.h"
#include "format/utf8.h"
#include "prefect/outbox.h"

#define TRUNCATED "... [truncated]"
#define TRUNCATION_ROOM 50 /* characters that the cut leaves for the mark */
#define FRAME_MAX (KIB)    /* a log without its message */

struct prefect_logs {
    bool enabled;
    size_t max_log_size;
    struct prefect_outbox *outbox;
};

struct prefect_logs *prefect_logs_open(struct arena *perm, struct loop *loop,
                                       struct prefect *prefect,
                                       const struct prefect_logs_options *options)
{
    struct prefect_logs *logs = arena_must(perm, sizeof *logs);
    logs->enabled = options->enabled;
    logs->max_log_size = options->max_log_size;
    if (!logs->enabled)
        return logs;
    /* The Python client sends when what it collected leaves no room for another log of full size.
     */
    size_t full_at = options->batch_size > options->max_log_size
                         ? options->batch_size - options->max_log_size
                         : 0;
    if (full_at < options->max_log_size)
        full_at = options->max_log_size;
    size_t batch_max = options->batch_size;
    if (batch_max > PREFECT_CALL_ARENA - 64 * KIB)
        batch_max = PREFECT_CALL_ARENA - 64 * KIB;
    if (batch_max < 2 * FRAME_MAX)
        batch_max = 2 * FRAME_MAX;
    struct prefect_outbox_options outbox = {
        .path = "/logs/",
        .what = "log line",
        .bytes_max = options->bytes_max,
        .batch_max = batch_max,
        .full_at = full_at,
        .delay_ms = options->batch_interval_s > 0 && options->batch_interval_s < 86400
                        ? (int64_t)(options->batch_interval_s * 1000)
                        : 0,
    };
    logs->outbox = prefect_outbox_open(perm, loop, prefect, &outbox);
    return logs;
}

/* Bytes that json.dumps makes of the text, without its quotes, and its characters. */
static size_t escaped_size(str text, size_t *characters)
{
    size_t size = 0;
    *characters = 0;
    while (text.n) {
        size_t length;
        uint32_t c = utf8_first(text, &length);
        if (c == UTF8_BAD)
            c = UTF8_REPLACEMENT;
        if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v'))
            size += 2;
        else if (c >= ' ' && c <= '~')
            size += 1;
        else
            size += c > 0xffff ? 12 : 6;
        ++*characters;
        text = str_skip(text, length);
    }
    return size;
}

static str first_characters(str text, size_t count)
{
    str rest = text;
    size_t length;
    while (count-- && rest.n) {
        utf8_first(rest, &length);
        rest = str_skip(rest, length);
    }
    return str_sub(text, 0, text.n - rest.n);
}

struct entry {
    enum log_level level;
    const char *logger;
    const struct uuid *flow_run_id;
    int64_t at_us;
};

/* All but the message, which comes last, and the closing brace. */
static void write_entry(struct json_writer *w, const struct entry *entry)
{
    char uuid[UUID_TEXT_LEN + 1], time[TIME_TEXT_MAX];
    json_object_begin(w);
    json_member_cstr(w, "name", entry->logger);
    json_member_i64(w, "level", entry->level);
    json_member_str(w, "timestamp", time_format_rfc3339(entry->at_us, time));
    json_member_str(w, "flow_run_id", uuid_format(entry->flow_run_id, uuid));
    json_member_null(w, "task_run_id");
    json_key(w, STR("message"));
}

/* What json.dumps makes of all but the message's text. */
static size_t frame_size(const struct entry *entry)
{
    char text[FRAME_MAX];
    struct buf b = buf_over(text, sizeof text);
    struct json_writer w = json_writer_python(&b);
    write_entry(&w, entry);
    json_put_cstr(&w, "");
    json_object_end(&w);
    return b.n;
}

static void put_truncated(struct json_writer *w, str message)
{
    struct buf *out = w->out;
    json_put_str(w, message);
    if (out->full)
        return;
    out->n--; /* the closing quote */
    buf_cstr(out, TRUNCATED "\"");
}

bool prefect_logs_put(struct prefect_logs *logs, enum log_level level, const char *logger,
                      const struct uuid *flow_run_id, int64_t at_us, str message)
{
    if (!logs->enabled)
        return true;
    struct entry entry = {level, logger, flow_run_id, at_us};
    size_t characters, size = frame_size(&entry) + escaped_size(message, &characters);
    struct json_writer w = json_writer(prefect_outbox_begin(logs->outbox));
    write_entry(&w, &entry);
    if (size > logs->max_log_size) {
        size_t less = size - logs->max_log_size + TRUNCATION_ROOM;
        put_truncated(&w, first_characters(message, characters > less ? characters - less : 0));
        size = logs->max_log_size;
    } else {
        json_put_str(&w, message);
    }
    json_object_end(&w);
    return prefect_outbox_commit(logs->outbox, size);
}

void prefect_logs_flush(struct prefect_logs *logs)
{
    if (logs->enabled)
        prefect_outbox_flush(logs->outbox);
}

bool prefect_logs_idle(const struct prefect_logs *logs)
{
    return !logs->enabled || prefect_outbox_idle(logs->outbox);
}
