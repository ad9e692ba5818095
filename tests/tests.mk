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
