# Reckoner. `make demo`, `make test` and `make run` are all a newcomer needs; `make help` lists the rest.
# Those install missing Debian packages first, so they begin with a recipe and only then build, in a second make.
# Variants build side by side: BUILD names the folder, SANITIZE the sanitizers, OPT the optimisation.
VERSION  := 0.1.0
BUILD    ?= build/release
SANITIZE ?=
OPT      ?= -O2
CC       := gcc
PKGS     := libmicrohttpd libpq jansson libsodium libcrypto zlib liblz4
JOBS     := $(shell nproc)

# Seconds per fuzz target; the long random tests: how many times the rounds of `make test`, and the seed (empty: drawn
# and printed).
FUZZ_SECONDS ?= 20
SOAK_TIMES   ?= 10
SOAK_SEED    ?=

PREFIX     ?= /usr
SYSCONFDIR ?= /etc
UNITDIR    ?= /lib/systemd/system

# The pkg-config calls stand in variables that are expanded only when something is compiled: a fresh machine has no
# pkg-config until the dependencies are installed.
WARN    := -Wall -Wextra -Wconversion -Wshadow -Werror -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
           $(if $(SANITIZE),-Wno-format-truncation) # gcc 12 reports it falsely in instrumented code
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SAN     := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
DEFINES := -D_GNU_SOURCE -DRECKONER_VERSION='"$(VERSION)"'
CFLAGS   = -std=c17 -g $(OPT) $(WARN) $(HARDEN) $(SAN) $(DEFINES) -Iserver -I$(BUILD)/gen \
           $(shell pkg-config --cflags $(PKGS))
LDFLAGS := -pie -Wl,-z,relro,-z,now $(SAN)
LDLIBS   = $(shell pkg-config --libs $(PKGS)) -lpthread
CKLIBS   = $(shell pkg-config --libs check)

PROGRAMS := reckonerd reckoner-worker reckoner
MAINS    := $(PROGRAMS:%=server/%.c) server/reckoner-verify.c
# In reckoner-verify alone, in the place of another file.
ALONE    := server/base/sha256_sodium.c
SOURCES  := $(filter-out $(MAINS) $(ALONE),$(wildcard server/*.c server/*/*.c))
GEN      := $(BUILD)/gen/http/problems.h $(BUILD)/gen/domain/rules_table.h $(BUILD)/gen/store/migrations.h \
            $(BUILD)/gen/routes/terms_schema.h
MIGRATIONS := $(sort $(wildcard migrations/[0-9]*.sql))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard $(patsubst %,tests/%/test_*.c,unit property store)))
REPLAYS  := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/replay-%,$(wildcard tests/fuzz/fuzz_*.c)) \
            $(BUILD)/fuzz/replay-canary
TESTLIB  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))
# The programs whose source is there.
BUILT    := $(patsubst server/%.c,$(BUILD)/%,$(wildcard $(MAINS)))

.PHONY: help all tests demo run test bench bench-retro lint races rules fuzz-smoke soak fresh install clean
.SECONDARY:
.DELETE_ON_ERROR:

help:
	@echo 'make demo        one settled month through the API, checked to the penny (installs what is missing)'
	@echo 'make run         serve on loopback with the demonstration data until Ctrl-C'
	@echo 'make test        everything that must hold: sanitizer build, all tests'
	@echo 'make lint        layout, static analysis, house rules'
	@echo 'make bench       measurements against PostgreSQL itself'
	@echo 'make bench-retro a price change for a year behind, settled again for 240 accounts'
	@echo 'make races       daemon and worker with the thread sanitizer, under load'
	@echo 'make fuzz-smoke  every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds'
	@echo 'make soak        the random tests SOAK_TIMES=$(SOAK_TIMES) as long, SOAK_SEED=...'
	@echo 'make fresh       make demo and make test in empty Debian 12 systems, as root and as a user with sudo'
	@echo 'make rules       write api/rules.md and the schemas of rules anew from config/rules.tsv'
	@echo 'make all         build the programs into $(BUILD)'
	@echo 'make install     DESTDIR= PREFIX=$(PREFIX) SYSCONFDIR=$(SYSCONFDIR)'
	@echo 'make clean       remove what was built'

# What people call: dependencies, then a second make that builds, then the work.
demo:
	@deploy/dependencies.sh build run
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@python3 -B deploy/demo/demo.py $(BUILD)

run:
	@deploy/dependencies.sh build run
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@python3 -B deploy/run.py $(BUILD)

test:
	@deploy/dependencies.sh build run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) BUILD=build/test SANITIZE=address,undefined OPT=-O1 all tests
	@tests/run.sh build/test

bench:
	@deploy/dependencies.sh build run bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@tests/bench/run $(BUILD)
	@tests/bench/run $(BUILD) bundles

bench-retro:
	@deploy/dependencies.sh build run bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@tests/bench/run $(BUILD) retro

lint:
	@deploy/dependencies.sh build run test lint
	@$(MAKE) --no-print-directory -s $(GEN)
	@tests/lint.sh $(BUILD)

races:
	@deploy/dependencies.sh build run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) BUILD=build/races SANITIZE=thread OPT=-O1 all
	@TSAN_OPTIONS=halt_on_error=1:exitcode=66 tests/run.sh build/races test_load
	@TSAN_OPTIONS=halt_on_error=1:exitcode=66 tests/run.sh build/races test_submissions

fuzz-smoke:
	@deploy/dependencies.sh build fuzz
	@tests/fuzz.sh build/fuzz $(FUZZ_SECONDS)

soak:
	@deploy/dependencies.sh build run test
	@$(MAKE) --no-print-directory -s -j$(JOBS) BUILD=build/test SANITIZE=address,undefined OPT=-O1 tests
	@tests/soak.sh build/test $(SOAK_TIMES) $(SOAK_SEED)

fresh:
	@tests/fresh.sh

all: $(BUILT)
tests: $(TESTS) $(REPLAYS)

$(BUILD)/gen/http/problems.h: api/errors.tsv api/problems.awk
	@mkdir -p $(@D)
	awk -f api/problems.awk $< > $@.new && mv $@.new $@

$(BUILD)/gen/domain/rules_table.h: config/thresholds.tsv config/rules.tsv config/rules.awk
	@mkdir -p $(@D)
	awk -v form=header -f config/rules.awk config/thresholds.tsv config/rules.tsv > $@.new && mv $@.new $@

# The schema of the terms, as the daemon serves it.
$(BUILD)/gen/routes/terms_schema.h: api/schemas/terms.json
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n" \\/' \
		-e '1i #define TERMS_SCHEMA \\' -e '$$a /* end */' $< > $@.new && mv $@.new $@

# The page and the schemas are committed; a test holds them against the table.
rules:
	config/rules.sh

# Names and digests of the migrations: the servers refuse a database that was made by others.
# The folder too: a migration that was renamed is no newer than before.
$(BUILD)/gen/store/migrations.h: $(MIGRATIONS) migrations
	@mkdir -p $(@D)
	sha256sum $(MIGRATIONS) | sed -e '1i #define MIGRATIONS_BUILT_IN \\' \
		-e 's|^\([0-9a-f]*\)  migrations/\(.*\)\.sql$$|    {"\2", "\1"}, \\|' -e '$$a /* end */' > $@.new && mv $@.new $@

# Which objects use a generated header is known from the compiler (.d); they only must exist first.
$(BUILD)/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests -MMD -MP -c $< -o $@

$(BUILD)/libreckoner.a: $(OBJECTS)
	@rm -f $@
	ar qcs $@ $^

$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/server/%.o $(BUILD)/libreckoner.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The verifier stands alone: it is copied to machines that have nothing of ours. A sanitizer cannot be linked
# statically, so a sanitizer build compiles its parts once more without.
VERIFY_SOURCES := $(wildcard server/base/*.c server/domain/*.c server/proof/*.c server/cli/bundle_*.c) \
                  $(addprefix server/signing/,minisign.c pem.c public_key.c)
PLAIN          := $(if $(SANITIZE),$(BUILD)/plain,$(BUILD))

$(BUILD)/plain/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(CC) $(filter-out $(SAN),$(CFLAGS)) -MMD -MP -c $< -o $@

$(BUILD)/plain/libreckoner.a: $(VERIFY_SOURCES:%.c=$(BUILD)/plain/%.o)
	@rm -f $@
	ar qcs $@ $^

$(BUILD)/reckoner-verify: $(PLAIN)/server/reckoner-verify.o $(ALONE:%.c=$(PLAIN)/%.o) $(PLAIN)/libreckoner.a
	$(CC) -static-pie -Wl,-z,relro,-z,now -o $@ $^ $(shell pkg-config --libs --static jansson libsodium)

$(TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TESTLIB) $(BUILD)/libreckoner.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(CKLIBS)

# A fuzz target that is run on given files, without a fuzzer.
$(BUILD)/fuzz/replay-%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libreckoner.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/replay-canary: $(BUILD)/tests/fuzz/canary.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libreckoner.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A fuzz target is compiled with clang and CC, SANITIZE, FUZZ set by tests/fuzz.sh.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libreckoner.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(BUILD)/libreckoner.a $(LDLIBS)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(SYSCONFDIR)/reckoner
	install -m 0755 $(BUILD)/reckoner $(BUILD)/reckoner-verify $(DESTDIR)$(PREFIX)/bin/
	install -m 0755 $(BUILD)/reckonerd $(BUILD)/reckoner-worker $(DESTDIR)$(PREFIX)/sbin/
	test -e $(DESTDIR)$(SYSCONFDIR)/reckoner/reckoner.conf || \
		install -m 0644 config/reckoner.conf $(DESTDIR)$(SYSCONFDIR)/reckoner/
	install -d $(DESTDIR)$(PREFIX)/share/reckoner/migrations $(DESTDIR)$(PREFIX)/share/reckoner/reference
	install -m 0644 migrations/*.sql $(DESTDIR)$(PREFIX)/share/reckoner/migrations/
	install -m 0644 config/*.csv $(DESTDIR)$(PREFIX)/share/reckoner/reference/
	install -d $(DESTDIR)$(PREFIX)/share/doc/reckoner/api $(DESTDIR)$(PREFIX)/share/doc/reckoner/examples
	install -m 0644 README.md LICENSE config/reckoner.conf $(DESTDIR)$(PREFIX)/share/doc/reckoner/
	cp -R --no-preserve=ownership,mode api/. $(DESTDIR)$(PREFIX)/share/doc/reckoner/api/
	install -m 0644 deploy/nginx/*.conf $(DESTDIR)$(PREFIX)/share/doc/reckoner/examples/
	install -d $(DESTDIR)$(UNITDIR)
	install -m 0644 deploy/systemd/*.service $(DESTDIR)$(UNITDIR)/

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(TESTS:=.d) $(TESTLIB:.o=.d) $(MAINS:%.c=$(BUILD)/%.d) $(wildcard $(BUILD)/fuzz/*.d) \
         $(wildcard $(BUILD)/plain/server/*.d $(BUILD)/plain/server/*/*.d) \
         $(wildcard $(BUILD)/tests/fuzz/*.d)
