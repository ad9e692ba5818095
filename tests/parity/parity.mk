# SPDX-License-Identifier: Apache-2.0
# Manifests compared with those of the Python worker, over random cases.

PARITY_DRIVER := $(B)/debug/tests/parity/driver

$(PARITY_DRIVER): tests/parity/driver.c $(B)/debug/libsrc.a $(B)/flags-debug
	@mkdir -p $(@D)
	$(say) CC-TEST $<
	$(q)$(CC_debug) $(CFLAGS_debug) -MMD -MP $< -o $@ $(LDFLAGS_debug) \
	    -Wl,--start-group $(B)/debug/libsrc.a $(LIBS_debug) -Wl,--end-group

.PHONY: parity
## parity: render N random cases with the Python worker and with ours (N=5000 SEED=7 HITS=20)
parity: $(PARITY_DRIVER) $(B)/debug/prefect-k8s-worker
	@python="$$(tests/venv '$(CACHE)' server-3.8 tests/e2e/prefect/server-3.8.txt)/bin/python" && \
	"$$python" tests/parity/run.py --driver $(abspath $(PARITY_DRIVER)) --python "$$python" \
	    --cli $(abspath $(B)/debug/prefect-k8s-worker) \
	    --count $(or $(N),450) --seed $(or $(SEED),1) --hits $(or $(HITS),0) $(PARITY_FLAGS)

TEST_SUITES += manifests
.PHONY: manifests manifests-update
## manifests: render the cases of tests/golden/manifest, whose results are the Python worker's
manifests: $(PARITY_DRIVER)
	@tests/golden/manifest/check.py $(PARITY_DRIVER) $(B)/results/manifests.txt

## manifests-update: write their results anew, by the Python worker (CASES="one another")
manifests-update:
	@python="$$(tests/venv '$(CACHE)' server-3.8 tests/e2e/prefect/server-3.8.txt)/bin/python" && \
	UPDATE_GOLDEN=1 "$$python" tests/golden/manifest/check.py --python "$$python" $(CASES)

# -- speed of the release build, and that rendering needs no heap

MANIFEST_BENCH := $(B)/release/tests/bench/manifest_bench
MANIFEST_BUDGET_US := 200

$(MANIFEST_BENCH): tests/bench/manifest_bench.c $(filter-out $(B)/release/main.o,$(OBJECTS_release))
	@mkdir -p $(@D)
	$(say) CC-BENCH $<
	$(q)$(CC_release) $(CFLAGS_release) -MMD -MP $< -o $@ $(LDFLAGS_release) \
	    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	    -Wl,--start-group $(filter-out $(B)/release/main.o,$(OBJECTS_release)) \
	    $(LIBS_release) -Wl,--end-group

.PHONY: bench-manifest
## bench-manifest: time the rendering of the default template against its budget
bench-manifest: $(MANIFEST_BENCH)
	@$(MANIFEST_BENCH) $(MANIFEST_BUDGET_US)

# A few hundred cases of a fixed seed go with the end-to-end tests.
e2e: parity

-include $(PARITY_DRIVER).d $(MANIFEST_BENCH).d
