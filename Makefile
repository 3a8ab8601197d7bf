# An image pipeline for nginx.  "make help" is the table of contents.
#
# Everything that is built lies under build/<variant>/.  A variant is a set of
# values (see "variants"), the commands are the same for all of them.

BUILD ?= release
JOBS  ?= $(shell nproc)

# to build against another nginx: its source tree, and how it was configured
NGINX_SRC   ?= $(NGINX_SRC_$(BUILD))
NGINX_FLAGS ?= . $(NGINX_DEV)/conf_flags
# the nginx that runs the tests and the demo
NGINX       ?= $(NGINX_$(BUILD))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

MAKEFLAGS += --no-builtin-rules


# variants

NGINX_DEV   := /usr/share/nginx/src

HARDEN      := -fstack-protector-strong -D_FORTIFY_SOURCE=2
FRAMES      := -g3 -fno-omit-frame-pointer

# what nginx's own code cannot do without is excepted (notes of nginx core:
# ngx_pstrdup() of an empty string, unaligned stores of HTTP/2)
SANITIZE    := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZE    += -fno-sanitize=nonnull-attribute,pointer-overflow,shift,alignment

CC_release  := gcc
OPT_release := -O2 -g $(HARDEN)
LD_release  := -Wl,-z,relro -Wl,-z,now
NGINX_release     := /usr/sbin/nginx
NGINX_SRC_release := $(NGINX_DEV)

CC_debug    := gcc
OPT_debug   := -O0 $(FRAMES)
LD_debug    :=
NGINX_debug       := /usr/sbin/nginx
NGINX_SRC_debug   := $(NGINX_DEV)

CC_asan     := gcc
OPT_asan    := -O1 $(FRAMES) $(SANITIZE)
OPT_asan    += -DNGX_DEBUG_PALLOC=1 -DNGX_DEBUG_MALLOC=1
LD_asan     := -fsanitize=address,undefined
NGINX_asan        := $(CURDIR)/build/asan/nginx
NGINX_SRC_asan    := $(CURDIR)/build/nginx-source

CC_fuzz     := clang
OPT_fuzz    := -O1 $(FRAMES) $(SANITIZE) -fsanitize=fuzzer-no-link
LD_fuzz     := -fsanitize=address,undefined,fuzzer

ifeq ($(OPT_$(BUILD)),)
$(error BUILD is one of release, debug and asan, not "$(BUILD)")
endif

CC          := $(CC_$(BUILD))
OPT         := $(OPT_$(BUILD))
LDFLAGS     := $(LD_$(BUILD))


# names

B           := build/$(BUILD)
NAME        := ngx_http_image_pipeline_module
MODULE      := $(B)/$(NAME).so
LIB         := $(B)/libimgp.a
PAGE        := $(B)/module/ngx_http_imgp_console_page.h

HEADERS     := $(wildcard include/imgp/*.h)
SRCS        := $(wildcard src/*/*.c)
UNITS       := $(wildcard t/unit/test_*.c)
FUZZES      := $(wildcard t/fuzz/fuzz_*.c)

OBJS        := $(SRCS:%.c=$(B)/%.o)
UNIT_PROGS  := $(UNITS:t/unit/%.c=$(B)/unit/%)
REPLAYS     := $(FUZZES:t/fuzz/fuzz_%.c=$(B)/fuzz/replay_%)
WORKER      := $(B)/bench/work
FUZZERS     := $(FUZZES:t/fuzz/%.c=$(B)/fuzz/%)
SHIMS       := $(patsubst t/fakes/%.c,$(B)/fakes/%.so,$(wildcard t/fakes/*.c))

WARN        := -W -Wall -Wextra -Wpointer-arith -Wno-unused-parameter -Werror
# what is used where it is found, as in "config".  Looked for at its use, as
# the packages may have come in between; WITHOUT="libdeflate ..." leaves out.

INCLUDES    ?= /usr/include /usr/local/include
found        = $(if $(filter $(1),$(WITHOUT)),, \
                 $(if $(wildcard $(INCLUDES:%=%/$(2))),$(3)))

PANGO       := pangocairo >= 1.50
pango        = $(if $(filter pango,$(WITHOUT)),,$(shell \
                 pkg-config --exists "$(PANGO)" 2>/dev/null \
                 && echo $(1) `pkg-config $(2) "$(PANGO)"`))

HAVE         = $(call found,libdeflate,libdeflate.h,-DIMGP_HAVE_LIBDEFLATE=1) \
               $(call found,isal,isa-l/igzip_lib.h,-DIMGP_HAVE_ISAL=1) \
               $(call found,webp,webp/demux.h,-DIMGP_HAVE_WEBP=1) \
               $(call pango,-DIMGP_HAVE_PANGO=1,--cflags)
HAVE_LIBS    = $(call found,libdeflate,libdeflate.h,-ldeflate) \
               $(call found,isal,isa-l/igzip_lib.h,-lisal) \
               $(call found,webp,webp/demux.h,-lwebp -lwebpdemux) \
               $(call pango,,--libs)

CFLAGS       = -std=gnu11 $(WARN) $(OPT) -fPIC -pthread -Iinclude -MMD -MP \
               $(HAVE)
LIBS         = -lhiredis -ljansson -ljpeg -lpng -llcms2 -lcrypto -lpcre2-8 \
               $(HAVE_LIBS) -lz -lm

MODULES_PATH = $(or $(shell $(NGINX) -V 2>&1 \
                 | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p'), \
                 /usr/lib/nginx/modules)

RUN_ENV      = BUILD=$(BUILD) IMGP_BUILD=$(CURDIR)/$(B) \
               IMGP_NGINX=$(NGINX) IMGP_MODULE=$(CURDIR)/$(MODULE)


# what there is to do

all: $(MODULE)  ## build the dynamic module

demo: all  ## start a private nginx with one pipeline, and a page to try it
	@.ci/packages demo
	@exec env $(RUN_ENV) t/demo/demo.py

test: all test-programs  ## house checks, unit tests, corpus replay, Test::Nginx
	@.ci/packages test
	@exec env $(RUN_ENV) t/run $(T)

bench: all $(WORKER)  ## measure, beside peers; PART=images|systems|services|streams
	@.ci/packages bench $(if $(filter systems,$(PART)),services peer_systems) \
	    $(if $(filter streams,$(PART)),peer_c)
	@exec env $(RUN_ENV) t/bench/$(if $(filter images,$(PART)),image/,$(if \
	    $(filter systems services streams,$(PART)),$(PART)/))run

fuzz:  ## fuzz each target T seconds (T=60)
	@.ci/packages build fuzz
	@$(MAKE) --no-print-directory BUILD=fuzz fuzz-run T=$(or $(T),60)

install: all  ## copy the module to where nginx looks for modules
	install -D -m 644 $(MODULE) $(DESTDIR)$(MODULES_PATH)/$(notdir $(MODULE))
	@echo "now, at the top of nginx.conf:"
	@echo "load_module $(MODULES_PATH)/$(notdir $(MODULE));"

clean:  ## remove all that was built
	rm -rf build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 12
	@echo
	@echo "BUILD=release|debug|asan   what is built and tested (default release)"
	@echo "WITHOUT=\"libdeflate\"      leave out a library that is optional"
	@echo "T=\"t/20-upload.t ...\"      the only tests to run; the logs are checked"
	@echo "NGINX_SRC= NGINX_FLAGS=    build against another nginx's source tree"

.PHONY: all demo test bench fuzz install clean help
.PHONY: packages test-programs fuzz-run FORCE


# the module: nginx's own configure and make, told to build in $(B)/module

packages:
	@.ci/packages build

CONFIGURE = cd $(NGINX_SRC) && IMGP_WITHOUT="$(WITHOUT)" \
              bash -ec '$(NGINX_FLAGS); \
              export ASAN_OPTIONS=detect_leaks=0; \
              [ -x configure ] && run=./configure || run=auto/configure; \
              $$run "$${NGX_CONF_FLAGS[@]}" --with-cc=$(CC) \
              --with-cc-opt="$(OPT) -fPIC" --with-ld-opt="$(LDFLAGS)" "$$@"' -

# configure's output is shown when it fails only

$(B)/module/Makefile: config Makefile | packages $(NGINX)
	@mkdir -p $(@D)
	@echo "  configure  $(NAME) ($(BUILD))"
	@($(CONFIGURE) --builddir=$(CURDIR)/$(@D) \
	    --add-dynamic-module=$(CURDIR)) >$(@D)/configure.log 2>&1 \
	    || { tail -n 20 $(@D)/configure.log; rm -f $@; exit 1; }

$(PAGE): $(wildcard ngx_module/console/*) $(B)/module/Makefile
	@sh ngx_module/console/pack > $@

$(MODULE): $(PAGE) $(B)/module/Makefile FORCE
	@$(MAKE) -s -j$(JOBS) -C $(NGINX_SRC) \
	    -f $(CURDIR)/$(B)/module/Makefile modules
	@! nm -u $(B)/module/$(NAME).so | grep -E ' (imgp_|ngx_http_im)' \
	    || { echo "$(NAME): these are defined nowhere (config?)"; exit 1; }
	@cmp -s $(B)/module/$(NAME).so $@ || { cp $(B)/module/$(NAME).so $@; \
	    echo "  built      $@"; }

FORCE:


# nginx itself: Debian's, but with sanitizers it is made here, once, from the
# same source.  The wrapper sets their options, since Test::Nginx rewrites those
# it finds in the environment.  nginx leaves its pools to the system when it
# ends, so leaks are looked for in the unit tests alone.

ifneq ($(BUILD),asan)

$(NGINX): | packages

else

ASAN_RUN := detect_leaks=0:detect_odr_violation=0

$(NGINX_SRC_asan): | packages
	@.ci/packages asan
	@.ci/nginx-source $@

$(NGINX_asan): | $(NGINX_SRC)
	@mkdir -p $(B)/server
	@echo "  building   nginx with sanitizers (a minute, once)"
	@($(CONFIGURE) --builddir=$(CURDIR)/$(B)/server \
	    && $(MAKE) -s -j$(JOBS) -C $(NGINX_SRC) \
	    -f $(CURDIR)/$(B)/server/Makefile binary) \
	    >$(B)/server.log 2>&1 || { tail -n 20 $(B)/server.log; exit 1; }
	@printf '%s\n' '#!/bin/sh' \
	    'export ASAN_OPTIONS=$(ASAN_RUN):log_path=$${IMGP_LOGS:-.}/asan' \
	    'export UBSAN_OPTIONS=print_stacktrace=1' \
	    'exec $(CURDIR)/$(B)/server/nginx "$$@"' > $@
	@chmod 755 $@

endif


# the tests' programs

test-programs: $(UNIT_PROGS) $(REPLAYS) $(SHIMS) $(WORKER)

$(B)/%.o: %.c Makefile | packages
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c -o $@ $<

$(LIB): $(OBJS)
	@rm -f $@
	@ar crs $@ $^

$(B)/unit/%: t/unit/%.c $(LIB) Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) $(LIBS)

$(B)/fuzz/replay_%: t/fuzz/fuzz_%.c t/fuzz/replay.c $(LIB) Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -DREPLAY_CORPUS='"t/fuzz/corpus/$*"' \
	    -MF $@.d -MT $@ -o $@ t/fuzz/replay.c $< $(LIB) $(LDFLAGS) $(LIBS)

# for LD_PRELOAD, so without the variant's sanitizers

$(B)/fakes/%.so: t/fakes/%.c Makefile | packages
	@mkdir -p $(@D)
	@gcc -std=gnu11 $(WARN) -Wno-nonnull-compare -O1 -g -fPIC -shared \
	    -o $@ $< -ldl

# one operation on one picture: the bench times it, a test judges its pixels

$(WORKER): t/bench/image/work.c $(LIB) Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) $(LIBS)

# libFuzzer; what it finds lies in build/fuzz/found/

$(B)/fuzz/fuzz_%: t/fuzz/fuzz_%.c $(LIB) Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $< $(LIB) $(LDFLAGS) $(LIBS)

fuzz-run: $(FUZZERS)
	@for name in $(FUZZES:t/fuzz/fuzz_%.c=%); do \
	    mkdir -p $(B)/found $(B)/corpus/$$name t/fuzz/corpus/$$name; \
	    echo "  fuzzing    $$name, $(T) s"; \
	    $(B)/fuzz/fuzz_$$name -max_total_time=$(T) -timeout=10 \
	        -rss_limit_mb=2048 -print_final_stats=1 \
	        -artifact_prefix=$(B)/found/$$name- \
	        $(B)/corpus/$$name t/fuzz/corpus/$$name >$(B)/$$name.log 2>&1 \
	        || { tail -n 60 $(B)/$$name.log; exit 1; }; \
	    grep -E 'number_of_executed|new_units' $(B)/$$name.log; \
	done

-include $(wildcard $(B)/src/*/*.d $(B)/unit/*.d $(B)/fuzz/*.d $(B)/bench/*.d)
