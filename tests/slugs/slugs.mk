# SPDX-License-Identifier: Apache-2.0
# Slugs beside the Python worker's, and whether their tables are what tools/slug-table makes.

TEST_SUITES += slugs slug-table
.PHONY: slugs slug-table packages-slugs

packages-slugs:
	@tools/install-packages slugs tests/slugs/packages.txt

## slugs: compare slugs with the Python worker's, every code point and random texts (SEED=n)
slugs: $(B)/debug/slugs | packages-slugs
	@mkdir -p $(B)/results && echo '0 1' >$(B)/results/$@.txt
	@"$$(tests/venv '$(CACHE)' slugs tests/slugs/requirements.txt)"/bin/python \
	    tests/slugs/compare.py $< $(B)/results/$@.txt $(if $(SEED),--seed $(SEED))

$(B)/debug/slugs: tests/slugs/driver.c $(B)/debug/libsrc.a $(B)/flags-debug
	$(say) CC-TEST $<
	$(q)$(CC_debug) $(CFLAGS_debug) -MMD -MP $< -o $@ $(LDFLAGS_debug) $(B)/debug/libsrc.a \
	    $(LIBS_debug)

## slug-table: check that the slugs' tables are what tools/slug-table makes of its sources
slug-table: | packages-slugs
	@mkdir -p $(B)/results && echo '0 1' >$(B)/results/$@.txt
	@/usr/bin/python3 tools/slug-table --check
	@echo '1 0' >$(B)/results/$@.txt
