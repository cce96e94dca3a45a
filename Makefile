# SPDX-License-Identifier: ISC
# Tacit.  `make help` lists the targets.

# CFLAGS, CPPFLAGS and LDFLAGS are the builder's, from the command line or the environment; what the code cannot do without stands apart.
# A warning is an error in a checkout with our own flags, not where OPT or CFLAGS were given; WERROR= turns that off.
CC       ?= cc
BUILD    ?= build$(if $(SANITIZE),/$(notdir $(lastword $(CC)))-$(subst $(comma),-,$(SANITIZE)))
WERROR   := $(if $(wildcard .git),$(if $(filter-out undefined,$(origin CFLAGS) $(origin OPT)),,-Werror))
OPT      ?= -O3
PREFIX   ?= /usr/local
comma    := ,
Q        := $(if $(V),,@)
CFLAGS   ?= $(OPT) -g
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla $(WERROR)
OUR_CPPFLAGS := -I. -D_GNU_SOURCE
OUR_CFLAGS  := -std=c11 -fPIC -ffp-contract=off -fno-math-errno -pthread $(WARN) \
               $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OUR_LDFLAGS := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS     := -lsodium -lm
COMPILE   = $(CC) $(CPPFLAGS) $(CFLAGS) $(OUR_CPPFLAGS) $(OUR_CFLAGS)
LINK      = $(CC) $(CFLAGS) $(LDFLAGS) $(OUR_LDFLAGS)

MACHINE  := $(shell $(CC) -dumpmachine 2>/dev/null)
ifneq ($(MACHINE),)
ifeq ($(filter x86_64%,$(MACHINE)),)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
$(error Tacit runs on x86-64 (AES-NI, AVX2, VAES and AVX-512 are used where they are there); $(CC) compiles for $(MACHINE))
endif
endif
endif

# A file's last name part says which instructions it may use; it is called only after the CPU was asked.
FLAGS_aesni := -maes -msse4.1 -mpclmul
FLAGS_avx2  := -mavx2 -mfma
FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl
FLAGS_vaes  := -mavx2 -maes -mvaes -mvpclmulqdq
FLAGS_vaes512 := $(FLAGS_avx512) -maes -mvaes -mvpclmulqdq
FLAGS_ifma  := $(FLAGS_avx512) -mavx512ifma
FLAGS_gfni  := $(FLAGS_avx512) -mgfni
FLAGS_pclmul := -mpclmul -msse4.1
isa_flags    = $(FLAGS_$(lastword $(subst _, ,$(basename $(notdir $<)))))

FOLDERS  := base net ckks ot gc convert nn
LIB_SRC  := $(sort $(wildcard $(FOLDERS:=/*.c)))
CLI_SRC  := $(sort $(wildcard cli/*.c))
TEST_SRC := $(sort $(wildcard test/test_*.c))
CT_SRC   := $(sort $(wildcard test/ct_*.c) test/secret.c)
HELP_SRC := $(sort $(filter-out $(TEST_SRC) $(CT_SRC),$(wildcard test/*.c)))
BENCH_SRC := $(sort $(wildcard bench/bench_*.c))
BHELP_SRC := $(sort $(filter-out $(BENCH_SRC),$(wildcard bench/*.c)))

obj      = $(addprefix $(BUILD)/obj/,$(addsuffix .o,$(basename $(1))))
LIB_OBJ := $(call obj,$(LIB_SRC))
CLI_OBJ := $(call obj,$(CLI_SRC) $(wildcard cli/*.S))
TESTS   := $(TEST_SRC:%.c=$(BUILD)/%)
BENCHES := $(BENCH_SRC:%.c=$(BUILD)/%)

.PHONY: all demo check bench deps help clean
.SECONDARY:
.DELETE_ON_ERROR:

all: deps
	@$(MAKE) --no-print-directory binaries

.PHONY: binaries
binaries: $(BUILD)/libtacit.a $(BUILD)/libtacit.so $(if $(CLI_SRC),$(BUILD)/tacit)

help:
	@echo 'make              $(BUILD)/libtacit.a, $(BUILD)/libtacit.so, $(BUILD)/tacit'
	@echo 'make demo         private predictions: server and client, two processes on loopback'
	@echo 'make check        all tests, constant time too (SANITIZE=address,undefined and CC=clang work too)'
	@echo 'make bench        every benchmark, quick settings'
	@echo 'make deps         installs what is missing (compiler, libsodium, check) with apt'
	@echo 'make install      bin, lib and include below $$(DESTDIR)$$(PREFIX), PREFIX=$(PREFIX)'
	@echo 'make clean        removes build/        (V=1 shows the commands)'
	@echo 'OPT=-O2, or CFLAGS, CPPFLAGS and LDFLAGS as packagers give them: what the code needs is added'

deps:
	@sh ./test/deps.sh

demo: deps
	@$(MAKE) --no-print-directory binaries
	@$(BUILD)/tacit demo

check:
	@sh ./test/deps.sh check
	@$(MAKE) --no-print-directory binaries tests
	@sh ./test/run.sh $(BUILD) $(TESTS)

bench: deps
	@$(MAKE) --no-print-directory binaries benches
	@set -e; for b in $(BENCHES); do echo "== $$b"; $$b; done

# Headers keep their folders: -I$(PREFIX)/include/tacit.
.PHONY: install
install: binaries
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(FOLDERS:%=$(DESTDIR)$(PREFIX)/include/tacit/%)
	install -m 755 $(BUILD)/tacit $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libtacit.a $(BUILD)/libtacit.so $(DESTDIR)$(PREFIX)/lib
	for f in $(FOLDERS); do install -m 644 $$f/*.h $(DESTDIR)$(PREFIX)/include/tacit/$$f; done

.PHONY: tests benches
tests: $(TESTS) $(BUILD)/test/ct $(BUILD)/test/rude
benches: $(BENCHES)

clean:
	rm -rf build

# Objects of other flags are built anew.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@
FORCE:

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'
	$(Q)$(COMPILE) $(isa_flags) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  AS   $<'
	$(Q)$(CC) $(CPPFLAGS) $(OUR_CPPFLAGS) -MMD -MP -g -fPIC -c -o $@ $<

$(BUILD)/libtacit.a: $(LIB_OBJ)
	@rm -f $@
	@echo '  AR   $@'
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libtacit.so: $(LIB_OBJ)
	@echo '  LD   $@'
	$(Q)$(LINK) -shared -o $@ $^ $(LIBS)

$(BUILD)/tacit: $(CLI_OBJ) $(BUILD)/libtacit.a
	@echo '  LD   $@'
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# What one test's link needs besides: LDFLAGS_<its name>.
LDFLAGS_test_failures := -Wl,--wrap=getrandom
LDFLAGS_test_cut := -Wl,--wrap=recv,--wrap=send,--wrap=poll
LDFLAGS_test_garble := -Wl,--wrap=crh_hash,--wrap=crh_hash_pair

# Tests that fail an allocation wrap aligned_alloc (and mem_free, to count); insecure objects live in test/ and never in the library.
$(BUILD)/test/test_%: $(BUILD)/obj/test/test_%.o $(call obj,$(HELP_SRC)) $(BUILD)/libtacit.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(LINK) -Wl,--wrap=aligned_alloc,--wrap=mem_free $(LDFLAGS_$(@F)) -o $@ $^ -lcheck -lsubunit $(LIBS)

# What test/check_*.sh use against a server.
$(BUILD)/test/rude: $(BUILD)/obj/test/tool/rude.o $(BUILD)/libtacit.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Runs the library on secrets under tools that follow them (test/check_ct.sh): only the folders that it speaks of, wrapped at their borders.
CT_OBJ  := $(call obj,$(CT_SRC) test/insecure_leak.c test/gcm_emulated_aesni.c $(wildcard $(addsuffix /*.c,base ckks ot gc convert)))
CT_WRAP := $(shell sed -n 's/^WRAP.[a-z_]*, \([a-z0-9_]*\),.*/\1/p' test/ct_wrap.c) prg_init
$(BUILD)/test/ct: $(CT_OBJ)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(LINK) $(CT_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(LIBS)

# Benchmarks garble the circuits that the tests check.
$(BUILD)/bench/bench_%: $(BUILD)/obj/bench/bench_%.o $(call obj,$(BHELP_SRC) test/aes_circuit.c test/sha256_circuit.c) $(BUILD)/libtacit.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(LINK) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
