/* SPDX-License-Identifier: Apache-2.0 */
#include "format/support.h"

#include "worker/suspicion.h"

static void looks_become_rare(void **state)
{
    (void)state;
    assert_int_equal(suspicion_delay_ms(0), 10000);
    assert_int_equal(suspicion_delay_ms(1), 20000);
    assert_int_equal(suspicion_delay_ms(2), 40000);
    assert_int_equal(suspicion_delay_ms(3), 60000);
    assert_int_equal(suspicion_delay_ms(255), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(looks_become_rare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
