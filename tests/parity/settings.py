# SPDX-License-Identifier: Apache-2.0
"""Environments that the worker may run in. Prefect reads its settings once, so a reference process
serves the cases of one of them."""

PREFIX = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_"
API = {"PREFECT_API_URL": "http://127.0.0.1:4200/api"}
OWN = {"PARITY_SET": "from the environment", "PARITY_EMPTY": ""}
KEYS = {"PREFECT_API_KEY": "pnu_key", "PREFECT_API_AUTH_STRING": "user:pass"}

ENVIRONMENTS = [
    {},
    KEYS,
    {**KEYS, PREFIX + "CREATE_SECRET_FOR_API_KEY": "true"},
    {
        **KEYS,
        PREFIX + "API_KEY_SECRET_NAME": "keys",
        PREFIX + "API_KEY_SECRET_KEY": "prefect",
        PREFIX + "API_AUTH_STRING_SECRET_NAME": "auth",
        PREFIX + "API_AUTH_STRING_SECRET_KEY": "basic",
    },
    {**KEYS, PREFIX + "API_KEY_SECRET_NAME": "keys", PREFIX + "CREATE_SECRET_FOR_API_KEY": "1"},
    {**KEYS, PREFIX + "STORE_ENV_AS_SECRET": "true"},
    {
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "prefect_logging_level": "debug",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "b, a",
        "PREFECT_CLIENT_CUSTOM_HEADERS": '{"X-B": "1", "X-A": "ü"}',
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "yes",
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500,404",
        "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS": "[1, 2.5]",
        "PREFECT_UNKNOWN_SETTING": "x",
    },
    {"PREFECT_CLOUD_API_URL": API["PREFECT_API_URL"], "PREFECT_API_KEY": "pnu_cloud"},
    {"PREFECT_DEBUG_MODE": "true", "PREFECT_LOGGING_LEVEL": "WARNING"},
]


def environment(index, home):
    base = {"PATH": "/usr/bin:/bin", "HOME": home, "PREFECT_HOME": f"{home}/prefect"}
    return {**base, **API, **OWN, **ENVIRONMENTS[index % len(ENVIRONMENTS)]}
