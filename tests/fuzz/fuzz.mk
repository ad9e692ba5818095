# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: tests/fuzz/NAME_fuzz.c, its inputs in corpus/NAME and regression/NAME.

FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_NAMES := $(FUZZ_SOURCES:tests/fuzz/%_fuzz.c=%)
FUZZ_REPLAY := $(FUZZ_NAMES:%=$(B)/debug/tests/fuzz/%)

# -- replay: every committed input through a build by gcc, under sanitizers

$(B)/debug/tests/fuzz/%: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(B)/debug/libsrc.a \
    $(B)/flags-debug | packages-test
	@mkdir -p $(@D)
	$(say) CC-FUZZ $<
	$(q)$(CC_debug) $(CFLAGS_debug) -Itests/fuzz -MMD -MP $< tests/fuzz/replay.c -o $@ \
	    $(LDFLAGS_debug) -Wl,--start-group $(B)/debug/libsrc.a $(LIBS_debug) -Wl,--end-group

TEST_SUITES += fuzz-replay
.PHONY: fuzz-replay fuzz-run fuzz-merge
## fuzz-replay: run every fuzz target over its committed inputs
fuzz-replay: $(FUZZ_REPLAY)
	@tests/fuzz/replay $(B)/results/fuzz-replay.txt $(B)/debug/tests/fuzz $(FUZZ_NAMES)

# -- fuzzing: the same targets under libFuzzer, by clang

FUZZ_CC := clang
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
# gcc is the judge of warnings.
FUZZ_CFLAGS := $(COMMON) -w -isystem $(VENDOR_GLIBC)/include -O1 -g \
    -fno-omit-frame-pointer $(FUZZ_SANITIZE)
FUZZ_OBJECTS := $(patsubst src/%.c,$(B)/fuzz/src/%.o,$(filter-out src/main.c,$(SOURCES_C)))

.PHONY: packages-fuzz
packages-fuzz:
	@tools/install-packages fuzz tests/fuzz/packages.txt

$(B)/fuzz/src/%.o: src/%.c $(B)/flags-debug | $(VENDOR_GLIBC)/sources.txt packages-fuzz
	@mkdir -p $(@D)
	$(say) CC-FUZZ $<
	$(q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/libsrc.a: $(FUZZ_OBJECTS)
	$(q)rm -f $@ && ar rcs $@ $^

$(B)/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(B)/fuzz/libsrc.a
	$(say) CC-FUZZ $<
	$(q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -Itests/fuzz -MMD -MP $< -o $@ \
	    -Wl,--start-group $(B)/fuzz/libsrc.a $(LIBS_debug) -Wl,--end-group

FUZZ_PROGRAM := $(if $(filter $(F),$(FUZZ_NAMES)),$(B)/fuzz/$(F)_fuzz,fuzz-names)
.PHONY: fuzz-names
fuzz-names:
	@echo 'say which: F=NAME, one of: $(filter-out canary,$(FUZZ_NAMES))' >&2; exit 1

## fuzz-run: fuzz the target F for T seconds (F=json T=60); what it finds is left in build/fuzz/found
fuzz-run: $(FUZZ_PROGRAM)
	@mkdir -p $(B)/fuzz/found $(B)/fuzz/corpus/$(F)
	@$< -max_total_time=$(or $(T),60) -timeout=10 -rss_limit_mb=3000 -print_final_stats=1 \
	    -artifact_prefix=$(B)/fuzz/found/$(F)- $(FUZZ_ARGS) \
	    $(B)/fuzz/corpus/$(F) $(wildcard tests/fuzz/corpus/$(F) tests/fuzz/regression/$(F))

## fuzz-merge: add the inputs of fuzz-run that reach new code to the committed ones (F=json)
fuzz-merge: $(FUZZ_PROGRAM)
	@mkdir -p tests/fuzz/corpus/$(F)
	@$< -set_cover_merge=1 -max_len=512 tests/fuzz/corpus/$(F) $(B)/fuzz/corpus/$(F)

-include $(FUZZ_OBJECTS:.o=.d) $(wildcard $(B)/fuzz/*.d $(B)/debug/tests/fuzz/*.d)
