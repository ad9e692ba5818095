/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "prefect/flow_run.h"

#define RUN_ID "11111111-2222-4333-8444-555555555555"
#define POOL_ID "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

static struct buf out;
static struct json_writer w;

static void writer(void)
{
    out = buf_new(&arena, 64 * KIB);
    w = json_writer(&out);
}

static struct uuid uuid_of(const char *text)
{
    struct uuid u;
    assert_true(uuid_parse(str_of(text), &u));
    return u;
}

static void a_run_is_read(void **state)
{
    (void)state;
    struct prefect_flow_run r;
    str text = STR("{\"id\":\"" RUN_ID "\",\"name\":\"fast-\\u00e4\",\"flow_id\":\"" POOL_ID
                   "\",\"deployment_id\":null,\"tags\":[\"a\",\"b\"],\"job_variables\":{\"x\":1},"
                   "\"state\":{\"id\":\"" POOL_ID "\",\"type\":\"RUNNING\",\"name\":\"Running\"},"
                   "\"state_type\":\"PENDING\",\"start_time\":\"2026-01-02T03:04:05Z\","
                   "\"infrastructure_pid\":\"ns:job\",\"run_count\":2,\"labels\":null}");
    assert_int_equal(prefect_flow_run_parse(&arena, text, &r, &error), ERR_NONE);
    assert_str(r.name, "fast-\xc3\xa4");
    assert_true(uuid_is_nil(&r.deployment_id));
    assert_int_equal(r.state_type, PREFECT_RUNNING);
    assert_str(r.state_name, "Running");
    assert_int_equal(r.start_time_us, 1767323045000000);
    assert_int_equal(r.end_time_us, 0);
    assert_str(r.infrastructure_pid, "ns:job");
    assert_int_equal(r.run_count, 2);
    assert_int_equal(json_count(r.tags), 2);
    assert_true(json_is(r.job_variables, JSON_OBJECT));
    assert_int_equal(json_type(r.labels), JSON_ABSENT);
    assert_int_equal(r.text.n, text.n);
    assert_error(prefect_flow_run_parse(&arena, STR("{\"id\":\"x\"}"), &r, &error), ERR_INVALID,
                 "no valid id");
}

static void a_scheduled_run_has_no_state(void **state)
{
    (void)state;
    struct prefect_scheduled_run s;
    str text = STR("{\"work_pool_id\":\"" POOL_ID "\",\"work_queue_id\":\"" RUN_ID
                   "\",\"flow_run\":{\"id\":\"" RUN_ID "\",\"state\":null,\"state_type\":"
                   "\"SCHEDULED\",\"state_name\":\"Late\"}}");
    assert_int_equal(prefect_scheduled_run_parse(&arena, text, &s, &error), ERR_NONE);
    assert_false(s.run.state.present);
    assert_int_equal(s.run.state_type, PREFECT_SCHEDULED);
    assert_str(s.run.state_name, "Late");
    struct uuid pool = uuid_of(POOL_ID);
    assert_true(uuid_eq(&s.work_pool_id, &pool));
}

static void bodies_of_runs(void **state)
{
    (void)state;
    str queues[] = {STR_INIT("a"), STR_INIT("b")};
    writer();
    prefect_scheduled_body(&w, NULL, 0, 1795475647160059);
    assert_str(buf_str(&out), "{\"work_queue_names\":[],\"scheduled_before\":\"2026-11-23 "
                              "23:14:07.160059+00:00\"}");
    writer();
    prefect_scheduled_body(&w, queues, 2, 1795475647000000);
    assert_str(buf_str(&out), "{\"work_queue_names\":[\"a\",\"b\"],\"scheduled_before\":"
                              "\"2026-11-23 23:14:07+00:00\"}");
    writer();
    struct uuid pool = uuid_of(POOL_ID);
    prefect_labels_body(&w, STR("W"), STR("P"), &pool);
    assert_str(buf_str(&out), "{\"prefect.worker.name\":\"W\",\"prefect.worker.type\":"
                              "\"kubernetes\",\"prefect.work-pool.name\":\"P\","
                              "\"prefect.work-pool.id\":\"" POOL_ID "\"}");
    writer();
    prefect_infrastructure_pid_body(&w, STR("ns:job"));
    assert_str(buf_str(&out), "{\"infrastructure_pid\":\"ns:job\"}");
}

static void filters_select(void **state)
{
    (void)state;
    struct uuid ids[] = {uuid_of(RUN_ID), uuid_of(POOL_ID)};
    enum prefect_state_type types[] = {PREFECT_CANCELLED};
    str names[] = {STR_INIT("Cancelling")};
    writer();
    prefect_flow_run_filter_body(&w, &(struct prefect_flow_run_filter){.ids = ids, .id_count = 2});
    assert_str(buf_str(&out),
               "{\"flow_runs\":{\"id\":{\"any_\":[\"" RUN_ID "\",\"" POOL_ID "\"]}}}");
    writer();
    prefect_flow_run_filter_body(&w, &(struct prefect_flow_run_filter){
                                         .types = types,
                                         .type_count = 1,
                                         .state_names = names,
                                         .state_name_count = 1,
                                         .work_pool_id = ids[1],
                                         .sort = "ID_DESC",
                                         .limit = 200,
                                         .offset = 400,
                                     });
    assert_str(buf_str(&out),
               "{\"flow_runs\":{\"state\":{\"type\":{\"any_\":[\"CANCELLED\"]},\"name\":"
               "{\"any_\":[\"Cancelling\"]}}},\"work_pools\":{\"id\":{\"any_\":[\"" POOL_ID
               "\"]}},\"sort\":\"ID_DESC\",\"limit\":200,\"offset\":400}");
}

static void paths_are_encoded(void **state)
{
    (void)state;
    assert_str(prefect_path(&arena, "/work_pools/", STR("my pool/\xc3\xa4"), "/x"),
               "/work_pools/my%20pool%2F%C3%A4/x");
    struct uuid id = uuid_of(RUN_ID);
    assert_str(prefect_path_id(&arena, "/flow_runs/", &id, "/set_state"),
               "/flow_runs/" RUN_ID "/set_state");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_read),     TEST(a_scheduled_run_has_no_state),
        TEST(bodies_of_runs),    TEST(filters_select),
        TEST(paths_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
