# SPDX-License-Identifier: Apache-2.0
# Component tests: the real binary between stand-ins of both APIs (tests/standin, tests/component).

TEST_SUITES += component
.PHONY: component

# BIN=build/prefect-k8s-worker takes the release build; K='-k name' or K='test_watch.py' a part.
COMPONENT_BIN = $(abspath $(or $(BIN),$(B)/debug/prefect-k8s-worker))

## component: run the binary against stand-ins of both APIs (BIN= another build, K= pytest's words)
component: $(if $(BIN),$(BIN),$(B)/debug/prefect-k8s-worker) | packages-test
	@python="$$(tests/venv '$(CACHE)' tests tests/requirements.txt)"/bin/python; \
	tests/component/run "$$python" '$(COMPONENT_BIN)' $(B)/results/component.txt 3 $(K)

# Settings against the Python client; UPDATE_GOLDEN=1 writes the committed cases instead.
.PHONY: parity-settings
SETTINGS_TEST = $(B)/debug/tests/unit/worker/settings_golden_test

## parity-settings: N random environments, passed down by the Python client and by ours (SEED=)
parity-settings: $(SETTINGS_TEST)
	@python="$$(tests/venv '$(CACHE)' server-3.8 tests/e2e/prefect/server-3.8.txt)"/bin/python; \
	$(if $(UPDATE_GOLDEN),$$python tests/golden/settings/generate.py, \
	    $$python tests/golden/settings/generate.py --random-only --out '$(B)/settings.json' \
	        --seed '$(or $(SEED),1)' --count '$(or $(N),300)' && \
	    SETTINGS_CASES='$(B)/settings.json' $(SETTINGS_TEST))
