# SPDX-License-Identifier: ISC
# Tacit.  `make help` lists the targets.

CC       ?= cc
BUILD    ?= build$(if $(SANITIZE),/$(notdir $(CC))-$(subst $(comma),-,$(SANITIZE)))
OPT      ?= -O3
comma    := ,
Q        := $(if $(V),,@)
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CFLAGS   += -std=c11 -D_GNU_SOURCE $(OPT) -g -fPIC -ffp-contract=off -fno-math-errno -pthread $(WARN) \
            $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPPFLAGS += -I. -MMD -MP
LDFLAGS  += -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS     := -lsodium -lm

# A file's last name part says which instructions it may use; it is called only after the CPU was asked.
FLAGS_aesni := -maes -msse4.1
FLAGS_avx2  := -mavx2 -mfma
FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl
FLAGS_vaes  := -mavx2 -maes -mvaes
FLAGS_vaes512 := $(FLAGS_avx512) -maes -mvaes
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
	@echo 'make clean        removes build/        (V=1 shows the commands)'

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

.PHONY: tests benches
tests: $(TESTS) $(BUILD)/test/ct
benches: $(BENCHES)

clean:
	rm -rf build

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC   $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(isa_flags) -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	@echo '  AS   $<'
	$(Q)$(CC) $(CPPFLAGS) -g -fPIC -c -o $@ $<

$(BUILD)/libtacit.a: $(LIB_OBJ)
	@rm -f $@
	@echo '  AR   $@'
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libtacit.so: $(LIB_OBJ)
	@echo '  LD   $@'
	$(Q)$(CC) -shared $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tacit: $(CLI_OBJ) $(BUILD)/libtacit.a
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# What one test's link needs besides: LDFLAGS_<its name>.
LDFLAGS_test_garble := -Wl,--wrap=crh_hash,--wrap=crh_hash_pair

# Tests that fail an allocation wrap aligned_alloc (and mem_free, to count); insecure objects live in test/ and never in the library.
$(BUILD)/test/test_%: $(BUILD)/obj/test/test_%.o $(call obj,$(HELP_SRC)) $(BUILD)/libtacit.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=aligned_alloc,--wrap=mem_free $(LDFLAGS_$(@F)) -o $@ $^ -lcheck -lsubunit $(LIBS)

# Runs the library on secrets under tools that follow them (test/check_ct.sh): only the folders that it speaks of, wrapped at their borders.
CT_OBJ  := $(call obj,$(CT_SRC) test/insecure_leak.c $(wildcard $(addsuffix /*.c,base ckks ot gc convert)))
CT_WRAP := $(shell sed -n 's/^WRAP.[a-z]*, \([a-z0-9_]*\),.*/\1/p' test/ct_wrap.c) prg_init
$(BUILD)/test/ct: $(CT_OBJ)
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS) $(CT_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(LIBS)

# Benchmarks garble the circuits that the tests check.
$(BUILD)/bench/bench_%: $(BUILD)/obj/bench/bench_%.o $(call obj,$(BHELP_SRC) test/aes_circuit.c test/sha256_circuit.c) $(BUILD)/libtacit.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
