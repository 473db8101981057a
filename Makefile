SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
SOURCES := ./...
PYTHON  := .cache/interop
SAMLPHP := .cache/simplesamlphp
SAMLIDP := .cache/saml-idp
OIDCOP  := .cache/oidc-provider
BROWSER := .cache/browser
SDKS    := .cache/sdk-node/installed .cache/sdk-python/installed
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: build run test test-crash fuzz interop lint generate bench bench-scim clean

# One static program, bin/rollcall.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.buildVersion=$(VERSION)' -o bin/rollcall ./cmd/rollcall

# The server with a test identity provider, to look at.
run: build
	bin/rollcall demo

# Every test that needs no program of others, on SQLite and on PostgreSQL.
test:
	.ci/setup postgresql cc curl
	CGO_ENABLED=1 go test -race -timeout 30m $(SOURCES)

# The process and PostgreSQL are killed under load again and again; make interop does less of it.
test-crash:
	.ci/setup postgresql
	CGO_ENABLED=0 go test -tags interop -run '^TestInteropCrash$$' -count 1 -timeout 60m -v ./cmd/rollcall -kills 50

# What reads requests is sent anything, a while for each target: package/target/seconds. What is found
# is kept in testdata/fuzz of the package, and is a test from then on.
FUZZ := scim/filter/FuzzParse/60 scim/patch/FuzzNormalize/60 scim/patch/FuzzDocument/60 scim/FuzzBulk/60 scim/FuzzQuery/60 \
	scim/FuzzFront/60 sso/saml/FuzzVerify/60 sso/saml/FuzzParseMetadata/30

fuzz:
	.ci/setup postgresql
	.ci/fuzz $(FUZZ)

# The program against SCIM clients, clients of the API and identity providers of others, killed under
# load, and the demo in a browser. There a skipped test is a failure.
interop: build $(PYTHON)/installed $(SAMLPHP)/installed $(SAMLIDP)/installed $(OIDCOP)/installed $(BROWSER)/installed $(SDKS) fuzz
	.ci/setup postgresql php node openssl chromium
	CGO_ENABLED=0 go test -tags interop -run Interop -count 1 -timeout 15m -v ./scim ./sso ./cmd/rollcall | awk '/--- SKIP/ { skipped = 1 } { print } END { exit skipped }'

$(PYTHON)/installed: scim/testdata/interop/requirements.txt
	.ci/setup python
	rm -rf $(PYTHON)
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet --disable-pip-version-check --require-virtualenv -r $<
	touch $@

# Unpacked and not installed: the package insists on a web server, which would run from then on.
$(SAMLPHP)/installed:
	.ci/setup simplesamlphp
	rm -rf $(SAMLPHP)
	mkdir -p $(SAMLPHP)
	# Lists of packages that are old may name a version that is gone.
	cd $(SAMLPHP) && { apt-get download -qq simplesamlphp || { $(AS_ROOT) apt-get update -qq && apt-get download -qq simplesamlphp; }; } && dpkg-deb --extract simplesamlphp_*.deb .
	touch $@

$(SAMLIDP)/installed: sso/testdata/saml-idp/package.json
	.ci/setup node
	rm -rf $(SAMLIDP)
	mkdir -p $(SAMLIDP)
	cp $< $(SAMLIDP)
	npm install --prefix $(SAMLIDP) --loglevel error --no-audit --no-fund --no-package-lock --ignore-scripts
	touch $@

$(OIDCOP)/installed: sso/testdata/oidc-provider/package.json
	.ci/setup node
	rm -rf $(OIDCOP)
	mkdir -p $(OIDCOP)
	cp $< $(OIDCOP)
	npm install --prefix $(OIDCOP) --loglevel error --no-audit --no-fund --no-package-lock --ignore-scripts
	touch $@

.cache/sdk-node/installed: sso/testdata/sdk/node/package.json sso/testdata/sdk/node/package-lock.json
	.ci/setup node
	rm -rf $(@D)
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	touch $@

.cache/sdk-python/installed: sso/testdata/sdk/python/requirements.txt
	.ci/setup python
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-virtualenv -r $<
	touch $@

$(BROWSER)/installed: cmd/rollcall/testdata/browser/package.json cmd/rollcall/testdata/browser/package-lock.json
	.ci/setup node
	rm -rf $(BROWSER)
	mkdir -p $(BROWSER)
	cp $^ $(BROWSER)
	npm ci --prefix $(BROWSER) --ignore-scripts --no-audit --no-fund --silent
	touch $@

# The checks of ST (style) are off by default; these keep our rules on comments and names.
STATICCHECK := inherit,ST1000,ST1003,ST1005,ST1006,ST1008,ST1012,ST1016,ST1019,ST1020,ST1021,ST1022,ST1023

lint:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "Run gofmt -w on:" $$files >&2; exit 1; }
	go vet -tags interop $(SOURCES)
	go tool staticcheck -tags interop -checks $(STATICCHECK) $(SOURCES)
	go mod verify
	go mod tidy -diff

# The documents that are made from the code: README's table of settings and deploy/env.example.
generate:
	go test ./config -run TestDocumentationIsCurrent -count 1 -update

bench:
	go test -run '^$$' -bench . -benchmem $(SOURCES)

# SCIM requests against the program and against the least that could do the work; BENCH=-short is quicker.
bench-scim: build
	.ci/setup postgresql
	CGO_ENABLED=0 go run ./bench $(BENCH)

clean:
	rm -rf bin .cache
