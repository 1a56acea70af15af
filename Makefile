# Reckoner. `make demo`, `make test`, `make run` are all a newcomer needs; `make help` lists the rest.
# Variants build side by side: BUILD names the folder, SANITIZE the sanitizers, OPT the optimisation.
BUILD    ?= build/release
SANITIZE ?=
OPT      ?= -O2
CC       ?= gcc
PKGS     := libmicrohttpd libpq jansson libsodium

WARN   := -Wall -Wextra -Wconversion -Wshadow -Werror -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE -D_GLIBCXX_ASSERTIONS \
          $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fno-common
SAN    := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS := -std=c17 -D_GNU_SOURCE -g $(OPT) $(WARN) $(HARDEN) $(SAN) -Iserver -I$(BUILD)/gen $(shell pkg-config --cflags $(PKGS))
LDFLAGS := -pie -Wl,-z,relro,-z,now $(SAN)
LDLIBS := $(shell pkg-config --libs $(PKGS)) -lpthread

PROGRAMS := reckonerd reckoner-worker reckoner
MAINS    := $(PROGRAMS:%=server/%.c)
SOURCES  := $(filter-out $(MAINS),$(wildcard server/*.c server/*/*.c))
GEN      := $(BUILD)/gen/http/problems.h $(BUILD)/gen/domain/rules_table.h
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c tests/property/test_*.c tests/store/test_*.c))

.PHONY: all tests clean
.SECONDARY:
all: $(PROGRAMS:%=$(BUILD)/%)
tests: $(TESTS)

$(BUILD)/gen/http/problems.h: api/errors.tsv api/problems.awk
	@mkdir -p $(@D)
	awk -f api/problems.awk $< > $@.new && mv $@.new $@
$(BUILD)/gen/domain/rules_table.h: config/rules.tsv config/rules.awk
	@mkdir -p $(@D)
	awk -f config/rules.awk $< > $@.new && mv $@.new $@

$(BUILD)/%.o: %.c $(GEN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libreckoner.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/server/%.o $(BUILD)/libreckoner.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libreckoner.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests -MMD -MP -MF $@.d -o $@ $< $(BUILD)/libreckoner.a $(LDFLAGS) $(LDLIBS) $(shell pkg-config --libs check)

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(TESTS:=.d)
