/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "prefect/work_pool.h"

#define POOL_ID "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

static struct buf out;
static struct json_writer w;

static void writer(void)
{
    out = buf_new(&arena, 64 * KIB);
    w = json_writer(&out);
}

static void a_pool_is_read(void **state)
{
    (void)state;
    struct prefect_work_pool p;
    str text = STR("{\"id\":\"" POOL_ID "\",\"name\":\"p\",\"type\":\"kubernetes\",\"is_paused\":"
                   "true,\"status\":\"PAUSED\",\"base_job_template\":{\"a\": {}}}");
    assert_int_equal(prefect_work_pool_parse(&arena, text, &p, &error), ERR_NONE);
    assert_str(p.name, "p");
    assert_str(p.type, "kubernetes");
    assert_true(p.is_paused);
    assert_str(p.status, "PAUSED");
    assert_str(p.base_job_template, "{\"a\": {}}");
    text = STR("{\"id\":\"" POOL_ID "\",\"base_job_template\":{}}");
    assert_int_equal(prefect_work_pool_parse(&arena, text, &p, &error), ERR_NONE);
    assert_int_equal(p.base_job_template.n, 0);
    assert_error(prefect_work_pool_parse(&arena, STR("[]"), &p, &error), ERR_INVALID, "id");
}

static void bodies_of_pools(void **state)
{
    (void)state;
    str queues[] = {STR_INIT("a")};
    writer();
    prefect_work_pool_create_body(&w, STR("p"), (str){0});
    assert_str(buf_str(&out), "{\"name\":\"p\",\"type\":\"kubernetes\"}");
    writer();
    prefect_work_pool_create_body(&w, STR("p"), STR("{\"x\":1}"));
    assert_str(buf_str(&out),
               "{\"name\":\"p\",\"type\":\"kubernetes\",\"base_job_template\":{\"x\":1}}");
    writer();
    prefect_work_pool_template_body(&w, STR("{}"));
    assert_str(buf_str(&out), "{\"base_job_template\":{}}");
    writer();
    prefect_work_queues_filter_body(&w, NULL, 0);
    assert_str(buf_str(&out), "{\"work_queues\":null,\"limit\":null,\"offset\":null}");
    writer();
    prefect_work_queues_filter_body(&w, queues, 1);
    assert_str(buf_str(&out), "{\"work_queues\":{\"name\":{\"any_\":[\"a\"]}},\"limit\":null,"
                              "\"offset\":null}");
    writer();
    prefect_heartbeat_body(&w, &(struct prefect_heartbeat){STR("W"), 30, false, false});
    assert_str(buf_str(&out), "{\"name\":\"W\",\"heartbeat_interval_seconds\":30}");
    writer();
    prefect_heartbeat_body(&w, &(struct prefect_heartbeat){STR("W"), 30, true, true});
    assert_str(buf_str(&out),
               "{\"name\":\"W\",\"heartbeat_interval_seconds\":30,\"metadata\":{\"integrations\":"
               "[{\"name\":\"prefect-kubernetes\",\"version\":\"0.8.0\"}]},\"return_id\":true}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pool_is_read),
        TEST(bodies_of_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
