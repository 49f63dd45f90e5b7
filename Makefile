# vouchfs. `make help` lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
UNITDIR ?= $(LIBDIR)/systemd/system
MANDIR  ?= $(PREFIX)/share/man
DOCDIR  ?= $(PREFIX)/share/doc/vouchfs
LIBEXECDIR ?= $(PREFIX)/libexec/vouchfs
# mount(8) and umount(8) look for their helpers in /sbin alone, whatever the prefix is.
HELPERDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)
VARIANT ?= release
CC      := gcc
B       := build/$(VARIANT)

# A variant is a directory below build/: flags of its own, objects of its own.
#   release  what is installed      test   the same with the hooks for clock and faults (include/base/clock.h, io.h)
#   asan     address and undefined-behaviour sanitizer, with the hooks
#   tsan     thread sanitizer, with the hooks      clang  the second compiler, with the hooks
#   fuzz     what `make fuzz` runs
#   cov      counts the lines that are executed, for `make mutation`     mut    what that changes, as a library
OPT_release := -O2 -D_FORTIFY_SOURCE=2
OPT_test    := $(OPT_release) -DVOUCHFS_TEST_HOOKS
OPT_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DVOUCHFS_TEST_HOOKS
OPT_tsan    := -O1 -g -fsanitize=thread -DVOUCHFS_TEST_HOOKS
OPT_clang   := $(OPT_test)
OPT_fuzz    := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DVOUCHFS_TEST_HOOKS
OPT_cov     := -O0 --coverage -DVOUCHFS_TEST_HOOKS -DVOUCHFS_COVERAGE
OPT_mut     := -O1 -fPIC -DVOUCHFS_TEST_HOOKS
ifneq ($(filter clang fuzz,$(VARIANT)),)
override CC := clang
endif
ifeq ($(OPT_$(VARIANT)),)
$(error unknown VARIANT "$(VARIANT)": release, test, asan, tsan, clang, fuzz, cov or mut)
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
# gcc alone: clang has no such warning, and that of Debian 12 wants a second flag for the other, which later ones refuse.
GCC_ONLY := -Wno-format-truncation -ftrivial-auto-var-init=zero
ifneq ($(CC),clang)
HARDEN += $(GCC_ONLY)
endif
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

PACKAGES := fuse3 openssl libzip zlib libdeflate inih libutf8proc jansson
# Optional, for sd_notify and the journal; `make HAVE_SYSTEMD=no` builds without it where it is.
HAVE_SYSTEMD = $(eval HAVE_SYSTEMD := $(shell pkg-config --exists libsystemd && echo yes))$(HAVE_SYSTEMD)
OPTIONAL = $(if $(filter yes,$(HAVE_SYSTEMD)),libsystemd)
# Asked once, and only by goals that compile.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(OPTIONAL)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) $(OPTIONAL)))$(PKG_LIBS)

# Of vouchfs-fetch alone, a program of its own.
CURL_CFLAGS = $(eval CURL_CFLAGS := $(shell pkg-config --cflags libcurl))$(CURL_CFLAGS)
CURL_LIBS   = $(eval CURL_LIBS := $(shell pkg-config --libs libcurl $(OPTIONAL)))$(CURL_LIBS)

VERSION := 0.1.0
ALL_CFLAGS = -std=gnu17 -g -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=312 -DVOUCHFS_VERSION='"$(VERSION)"' \
	-DVOUCHFS_LIBEXECDIR='"$(LIBEXECDIR)"' \
	$(if $(OPTIONAL),-DHAVE_SYSTEMD) -Iinclude $(PKG_CFLAGS) $(WARN) $(HARDEN) -pthread $(OPT_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS = $(LDHARDEN) -pthread $(filter -fsanitize% --coverage,$(OPT_$(VARIANT))) $(LDFLAGS)

SOURCES  := $(sort $(wildcard src/*/*.c))
MAIN     := src/cli/main.c
OBJECTS  := $(SOURCES:src/%.c=$B/%.o)
MAINS    := $(MAIN) src/fetch/main.c
LIB_OBJS := $(filter-out $(MAINS:src/%.c=$B/%.o),$(OBJECTS))
FETCH_O  := $(filter $B/fetch/%,$(OBJECTS))
UNIT     := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT:tests/unit/%.c=$B/tests/%)
HELPERS  := $(sort $(filter-out $(UNIT),$(wildcard tests/unit/*.c)))
HELPER_O := $(HELPERS:tests/unit/%.c=$B/tests/%.o)
FUZZ     := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ:tests/fuzz/%.c=$B/fuzz/%)
# What all targets share; without libFuzzer a main of our own, which runs the seeds.
FUZZ_O   := $(patsubst tests/fuzz/%.c,$B/fuzz/%.o,$(filter-out $(FUZZ) $(if $(filter fuzz,$(VARIANT)),%/replay.c,),$(wildcard tests/fuzz/*.c)))
UNIT_O   := $(UNIT:tests/unit/%.c=$B/tests/%.o)

# `make V=1` shows whole commands.
Q := $(if $(V),,@)

# Compiles with all cores, whatever -j was given.
BUILD := $(MAKE) --no-print-directory -j$(shell nproc)

.DEFAULT_GOAL := all
.PHONY: all build-only build-unit build-bench build-fuzz demo test unit e2e check crash load long mutation print-flags fuzz fuzz-run bench bench-quick lint format deb check-deb check-trixie install install-only uninstall clean help deps-% tamper restarts power model sweep
.SECONDARY:

## make            build the release binary, build/release/vouchfs
all: deps-build
	@$(BUILD) build-only

build-only: $B/vouchfs $B/vouchfs-fetch

deps-%:
	@.ci/deps $*

$B/vouchfs: $(filter-out $(FETCH_O),$(OBJECTS))
	@echo '  LD      $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$B/vouchfs-fetch: $(FETCH_O) $(filter $B/base/%,$(OBJECTS))
	@echo '  LD      $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CURL_LIBS)

$(FETCH_O): ALL_CFLAGS += $(CURL_CFLAGS)

$B/libvouchfs.a: $(LIB_OBJS)
	@rm -f $@
	@echo '  AR      $@'
	$(Q)ar qcsD $@ $^

$B/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$B/tests/%.o: tests/unit/%.c Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -c -o $@ $<

$B/tests/test_%: $B/tests/test_%.o $(HELPER_O) $B/libvouchfs.a
	@echo '  LD      $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka $(if $(filter test_fetch_%,$(@F)),$(CURL_LIBS))

$B/tests/tamper_look: tests/tamper/look.c tests/tamper/memo.c $B/libvouchfs.a
	@mkdir -p $(@D)
	@echo '  LD      $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,--wrap=EVP_DigestVerify,--wrap=X509_self_signed,--wrap=X509_verify_cert -o $@ $^ $(PKG_LIBS)

# For unit tests whose allocations fail. Without sanitizers: it is called before they are ready.
$B/tests/failing_malloc.o: tests/sweep/failing_malloc.c tests/sweep/failing_malloc.h Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) -fno-sanitize=all -c -o $@ $<

$B/tests/test_notify $B/tests/test_out_of_memory $B/tests/test_slots_out_of_memory: $B/tests/failing_malloc.o

$B/fuzz/%.o: tests/fuzz/%.c Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -Itests/fuzz -MMD -MP -c -o $@ $<

$B/fuzz/%: $B/fuzz/%.o $(FUZZ_O) $(HELPER_O) $B/libvouchfs.a
	@echo '  LD      $@'
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(PKG_LIBS) -lcmocka

-include $(OBJECTS:.o=.d) $(UNIT_O:.o=.d) $(HELPER_O:.o=.d) $(wildcard $B/fuzz/*.d)

## make demo       the main job from nothing, as a guided tour
demo: deps-demo
	@$(BUILD) build-only
	@tests/demo/run build/release/vouchfs

## make test       unit tests and end-to-end tests on a real mount
test: deps-test
	@$(BUILD) VARIANT=release build-only
	@$(BUILD) VARIANT=test build-only build-unit build-fuzz build-parsers
	@$(MAKE) --no-print-directory VARIANT=test unit replay e2e

build-unit: $(UNIT_BIN) $B/tests/tamper_look

unit: $(UNIT_BIN)
	@printf '%s\n' $(UNIT_BIN) | xargs -P "$$(nproc)" -I{} \
		sh -c 'said=$$({} 2>&1); code=$$?; printf "%s\n" "$$said"; exit $$((code != 0))'

# What the fuzz targets have found or begin with, each once.
.PHONY: replay
replay: $(FUZZ_BIN)
	@printf '%s\n' $(FUZZ:tests/fuzz/fuzz_%.c=%) | xargs -P "$$(nproc)" -I{} \
		sh -c 'said=$$($B/fuzz/fuzz_{} $$(ls -d tests/fuzz/seeds/{} tests/data/{} 2>/dev/null) 2>&1) || { printf "%s\n" "$$said"; exit 1; }; \
			printf "%s\n" "$$said" | tail -n 1'

e2e: $B/vouchfs $B/parsers/judge
	@FAULT_STEP=$(FAULT_STEP) VOUCHFS=$(CURDIR)/$B/vouchfs tests/e2e/run $(if $(CI),--tap) $(or $(E2E),tests/e2e)

## make check      everything: lint, both compilers, the sanitizers, all tests
check: deps-check lint
	@$(MAKE) --no-print-directory test
	@$(BUILD) VARIANT=clang build-only build-unit
	@$(MAKE) --no-print-directory VARIANT=clang unit
	@$(BUILD) VARIANT=asan build-only build-unit build-fuzz build-parsers
	@$(MAKE) --no-print-directory VARIANT=asan unit replay e2e
	@$(BUILD) VARIANT=fuzz build-fuzz

## make crash      daemon and signer killed, and their disk failing, at every step (the long form)
crash: deps-test
	@$(BUILD) VARIANT=test build-only build-unit
	@build/test/tests/test_store_crash
	@$(MAKE) --no-print-directory VARIANT=test FAULT_STEP=1 E2E="tests/e2e/faults.bats tests/e2e/signer_faults.bats" e2e

## make power      power cuts, as root: the ext4 shutdown ioctl at every POWER_STEP-th call (1) of every change, the
##                 same with seeded bugs, and every block write in User-Mode Linux
POWER_STEP ?= 1
power: deps-rigs
	@$(BUILD) VARIANT=test build-only
	@tests/power/run --vouchfs build/test/vouchfs --step $(POWER_STEP) --recoveries 10 --enough 8 long

## make model      a slot with writers, a reader, a revoker and crashes, exhaustively by spin; MODEL_SECONDS (3600) for
##                 each run
MODEL_SECONDS ?= 3600
model: deps-test
	@tests/model/steps
	@MODEL_SECONDS=$(MODEL_SECONDS) tests/model/run long

## make load       uploaders, readers, reloads, revocations, rollbacks, fio and stress-ng on one mount for LOAD_SECONDS
##                 (1800), as root: nothing hangs, nothing leaks, no wrong byte
LOAD_SECONDS ?= 1800
load: deps-rigs
	@$(BUILD) VARIANT=test build-only
	@tests/load/run build/test/vouchfs $(LOAD_SECONDS)

## make restarts   RESTARTS=100 daemons killed under load, and as many upgrades: wrong bytes, lost deployments, hangs
RESTARTS ?= 100
restarts: deps-test
	@$(BUILD) VARIANT=test build-only build-unit
	@rm -f build/restarts && RESTARTS=$(RESTARTS) RESTARTS_FIGURES=$(CURDIR)/build/restarts \
		$(MAKE) --no-print-directory VARIANT=test E2E="-f load tests/e2e/restart.bats" e2e
	@grep '^kills\|^upgrades' build/restarts

## make tamper     a store and its audit log, changed at rest: every TAMPER_STRIDE (1) bytes, every TAMPER_EVERY (1) cases
##                 of twelve operators, TAMPER_PLACES (10,000) random places of TAMPER_SLOTS (2,000) slots
TAMPER_STRIDE ?= 1
TAMPER_EVERY ?= 1
TAMPER_PLACES ?= 10000
TAMPER_SLOTS ?= 2000
tamper: deps-test
	@$(BUILD) VARIANT=test build-only build/test/tests/tamper_look
	@TAMPER_STRIDE=$(TAMPER_STRIDE) TAMPER_EVERY=$(TAMPER_EVERY) TAMPER_RECORDS=1 TAMPER_PLACES=$(TAMPER_PLACES) \
		TAMPER_SLOTS=$(TAMPER_SLOTS) TAMPER_BYTES=100000 VOUCHFS=$(CURDIR)/build/test/vouchfs \
		tests/e2e/run $(if $(CI),--tap) tests/e2e/tamper.bats

## make sweep      nine operations with a fault at every system call (SWEEP_STEP=1: each, 2: every second) and every
##                 SWEEP_ALLOCATIONS-th allocation (5), as root; prints a table and a line of figures
SWEEP_STEP ?= 1
SWEEP_ALLOCATIONS ?= 5
sweep: deps-test
	@$(BUILD) VARIANT=test build-only build/test/tests/test_out_of_memory
	@SWEEP_STEP=1 build/test/tests/test_out_of_memory
	@SWEEP_STEP=$(SWEEP_STEP) SWEEP_ALLOCATIONS=$(SWEEP_ALLOCATIONS) tests/sweep/run build/test/vouchfs

## make long       the long forms: crash, 1,000 deployments (READING_DEPLOYMENTS) under readers, three times, and
##                 DAMAGE_SECONDS (300) of random changes of the store under readers,
##                 SCALE_FUNCTIONS (20,000) really deployed, SCALE_DEPLOYMENTS (10,000) in a row
READING_DEPLOYMENTS ?= 1000
DAMAGE_SECONDS ?= 300
SCALE_FUNCTIONS ?= 20000
SCALE_DEPLOYMENTS ?= 10000
long: crash
	@READING_DEPLOYMENTS=$(READING_DEPLOYMENTS) VOUCHFS=$(CURDIR)/build/test/vouchfs \
		tests/e2e/run $(if $(CI),--tap) -f "deployments under readers" tests/e2e/reading.bats
	@DAMAGE_SECONDS=$(DAMAGE_SECONDS) VOUCHFS=$(CURDIR)/build/test/vouchfs \
		tests/e2e/run $(if $(CI),--tap) tests/e2e/damage.bats
	@SCALE_FUNCTIONS=$(SCALE_FUNCTIONS) SCALE_DEPLOYMENTS=$(SCALE_DEPLOYMENTS) VOUCHFS=$(CURDIR)/build/test/vouchfs \
		tests/e2e/run $(if $(CI),--tap) tests/e2e/scale.bats

## make mutation   MUTANTS (300) changes of the sources that decide (MUTATE="src/policy src/gate": of those), one at a
##                 time: do the unit tests notice
MUTANTS ?= 300
mutation: deps-check
	@$(BUILD) VARIANT=cov build-unit
	@$(BUILD) VARIANT=mut $(OBJECTS:$B/%=build/mut/%) $(HELPER_O:$B/%=build/mut/%) $(UNIT_O:$B/%=build/mut/%)
	@MUTANTS=$(MUTANTS) tests/mutation/run

# For tests/mutation/run: flags to compile, to link, and libraries.
print-flags:
	@: $(info $(ALL_CFLAGS))$(info $(filter-out -pie,$(ALL_LDFLAGS)))$(info $(PKG_LIBS) $(CURL_LIBS))

## make fuzz       each fuzz target for FUZZ_SECONDS (60), FUZZ_JOBS (1) at a time; TARGETS="zip cms": those alone
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
fuzz: deps-check
	@$(BUILD) VARIANT=fuzz build-fuzz
	@$(MAKE) --no-print-directory VARIANT=fuzz fuzz-run

build-fuzz: $(FUZZ_BIN)

fuzz-run: build-fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_JOBS=$(FUZZ_JOBS) tests/fuzz/run $B $(TARGETS)

## make parsers    mutants of benign archives until PARSERS_COUNT (10,000) pass the gate, and what five parsers make of
##                 those; PARSERS_SEED begins it, PARSERS_MORE names directories with other archives
.PHONY: parsers build-parsers
PARSERS_COUNT ?= 10000
PARSERS_SEED ?= 1
parsers: deps-rigs
	@$(BUILD) VARIANT=test build-parsers
	@tests/parsers/run build/test/parsers/judge --count $(PARSERS_COUNT) --seed $(PARSERS_SEED) $(PARSERS_MORE:%=--more %)

build-parsers: $B/parsers/judge

$B/parsers/%: tests/parsers/%.c $B/libvouchfs.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

## make bench      tables of ratios and costs, two pictures, and results.json, all in build/bench; BENCH="run" or
##                 "tree starts" measures some groups, BENCH_RUNS (5) pairs each
## make bench-quick  the same in two minutes, from little: to see that nothing broke, no figures to quote
bench-quick: export BENCH_QUICK := 1
bench bench-quick: deps-bench
	@$(BUILD) VARIANT=release build-only build-bench
	@tests/bench/run build/release/vouchfs $(BENCH)

build-bench: build/bench/bare_fuse

build/bench/bare_fuse: tests/bench/bare_fuse.c src/fs/receive.c src/fs/receive.h Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) $(shell pkg-config --libs fuse3)

## make lint       layers, formatting, clang-tidy, shellcheck
lint: deps-check
	@tests/lint/layers
	@tests/lint/paths
	@clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	@printf '%s\n' $(SOURCES) | xargs -P 2 -I{} clang-tidy --quiet {} -- $(filter-out $(GCC_ONLY),$(ALL_CFLAGS)) 2>/dev/null
	@shellcheck -x -e SC2016,SC2030,SC2031,SC2154 .ci/deps .ci/run conf/sandbox/vouchfs-bwrap conf/completions/vouchfs $$(git ls-files 'tests/*' | xargs grep -lIE '^#!.*(sh|bats)$$')

## make format     rewrite the sources by .clang-format
format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

# What is installed: source:destination:mode, a word each. Units are told where the program is.
installed_as = $(foreach file,$(wildcard $1),$(file):$2/$(notdir $(file)):$3)
INSTALLED = build/release/vouchfs:$(BINDIR)/vouchfs:0755 \
	build/release/vouchfs-fetch:$(LIBEXECDIR)/vouchfs-fetch:0755 \
	$(foreach page,$(wildcard conf/man/*.[1-9]),$(call installed_as,$(page),$(MANDIR)/man$(subst .,,$(suffix $(page))),0644)) \
	$(call installed_as,conf/systemd/*.service conf/systemd/*.timer,$(UNITDIR),0644) \
	$(call installed_as,conf/systemd/*.catalog,$(LIBDIR)/systemd/catalog,0644) \
	$(call installed_as,conf/sysusers.d/*,$(LIBDIR)/sysusers.d,0644) \
	$(call installed_as,conf/tmpfiles.d/*,$(LIBDIR)/tmpfiles.d,0644) \
	$(call installed_as,conf/completions/*,$(PREFIX)/share/bash-completion/completions,0644) \
	$(call installed_as,conf/vouchfs.conf,$(DOCDIR)/examples,0644) \
	$(call installed_as,conf/prometheus/*,$(DOCDIR)/examples/prometheus,0644) \
	$(call installed_as,conf/hooks/*,$(DOCDIR)/examples/hooks,0755) \
	$(call installed_as,conf/sandbox/*,$(DOCDIR)/examples/sandbox,0755)
# The program by other names, for mount(8) and umount(8).
MOUNT_HELPERS = mount.vouchfs mount.fuse.vouchfs umount.vouchfs umount.fuse.vouchfs
part = $(word $1,$(subst :, ,$2))
define install_one
install -D -m $(call part,3,$1) $(call part,1,$1) $(DESTDIR)$(call part,2,$1)

endef

## make install    to DESTDIR and PREFIX (/usr/local); what is to be done once after it is said at the end
install: all
	@$(MAKE) --no-print-directory install-only
	$(if $(DESTDIR),,@printf '%s\n' 'Installed. Once, as root:' '  systemd-sysusers && systemd-tmpfiles --create' \
		'  systemctl daemon-reload && journalctl --update-catalog' 'Then, on a deployment host: vouchfs init')

install-only:
	$(foreach entry,$(INSTALLED),$(call install_one,$(entry)))
	sed -i 's|@bindir@|$(BINDIR)|' $(addprefix $(DESTDIR),$(filter %.service,$(foreach entry,$(INSTALLED),$(call part,2,$(entry)))))
	install -d $(DESTDIR)$(HELPERDIR)
	for helper in $(MOUNT_HELPERS); do \
		ln -sf $(BINDIR)/vouchfs $(DESTDIR)$(HELPERDIR)/$$helper; \
		test -e conf/man/$$helper.8 || ln -sf mount.vouchfs.8 $(DESTDIR)$(MANDIR)/man8/$$helper.8; \
	done

## make uninstall  what install put there
uninstall:
	rm -f $(foreach entry,$(INSTALLED),$(DESTDIR)$(call part,2,$(entry)))
	rm -f $(addprefix $(DESTDIR)$(HELPERDIR)/,$(MOUNT_HELPERS)) $(patsubst %,$(DESTDIR)$(MANDIR)/man8/%.8,$(MOUNT_HELPERS))
	rm -rf $(DESTDIR)$(DOCDIR)

## make deb        Debian packages, binary and source, in build/deb; `make check-deb` tries the binary one
DEB := build/deb/vouchfs-$(VERSION)
deb: deps-deb
	@dpkg-parsechangelog -l conf/debian/changelog -S Version | grep -q '^$(VERSION)-' || \
		{ echo 'conf/debian/changelog is not about $(VERSION)' >&2; exit 1; }
	rm -rf build/deb
	mkdir -p $(DEB)
	tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB)
	tar -cz -C build/deb -f build/deb/vouchfs_$(VERSION).orig.tar.gz vouchfs-$(VERSION)
	cp -r conf/debian $(DEB)/debian
	cd $(DEB) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc
	lintian --fail-on error build/deb/*.changes

## make check-deb  install, upgrade, remove and purge the package in a fresh Debian (SUITE, this machine's), as root
## make check-trixie  build and test in a Debian 13 (TARGETS="test"), as root; both take what MIRROR has, apt's by default
check-deb: deps-deb deps-roots
	@test -n "$(wildcard build/deb/*.deb)" || $(MAKE) --no-print-directory deb
	@tests/roots/check-deb build/deb/*.deb

check-trixie: deps-roots
	@tests/roots/check-trixie $(or $(TARGETS),test)

## make clean      remove build/
clean:
	rm -rf build

## make help       this list
help:
	@sed -n 's/^## //p' Makefile
