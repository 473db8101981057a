SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
SOURCES := ./...
PYTHON  := .cache/interop
SAMLPHP := .cache/simplesamlphp
SAMLIDP := .cache/saml-idp
KEYCLOAK := .cache/keycloak
OIDCOP  := .cache/oidc-provider
BROWSER := .cache/browser
JAVA    := .cache/scim-java/scimsdk .cache/scim-java/unboundid .cache/scim-java/connid
LOOK    := .cache/look
SDKS    := .cache/sdk-node/installed .cache/sdk-python/installed .cache/openid-node/installed .cache/openid-python/installed
# As published on Maven Central.
KEYCLOAK_VERSION := 26.7.3
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: build run screenshots test test-crash fuzz fuzz-smoke mutate interop lint generate bench bench-scim clean

# One static program, bin/rollcall.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.buildVersion=$(VERSION)' -o bin/rollcall ./cmd/rollcall

# The server with a test identity provider, to look at.
run: build
	bin/rollcall demo

# Pictures of every page, in both themes, on a phone and on a desktop: bin/screenshots.
screenshots: build $(BROWSER)/installed
	.ci/setup chromium node
	rm -rf bin/screenshots
	mkdir -p bin/screenshots
	CGO_ENABLED=0 go test -tags interop -run '^TestInteropPagesBrowser$$' -count 1 ./cmd/rollcall -pictures $(abspath bin/screenshots)

# SQLite, which was translated from C to Go, takes twelve times as long under the race detector. What
# calls it stays under the detector: our code, GORM and the drivers.
RACE := -race -gcflags='modernc.org/...=-race=false'

# Every test that needs no program of others, on SQLite and on PostgreSQL.
test:
	.ci/setup postgresql cc curl
	CGO_ENABLED=1 go test $(RACE) -parallel 4 -timeout 30m $(SOURCES)

# The process and PostgreSQL are killed under load again and again; make interop does less of it.
test-crash:
	.ci/setup postgresql
	CGO_ENABLED=0 go test -tags interop -run '^TestInteropCrash$$' -count 1 -timeout 60m -v ./cmd/rollcall -kills 50

# What reads requests is sent anything, a while for each target: package/target/seconds. What is found
# is kept in testdata/fuzz of the package, and is a test from then on.
FUZZ := scim/filter/FuzzParse/60 scim/patch/FuzzNormalize/60 scim/patch/FuzzDocument/60 scim/FuzzBulk/60 scim/FuzzQuery/60 \
	scim/FuzzFront/60 scim/jsontext/FuzzScan/15 \
	sso/saml/FuzzVerify/60 sso/saml/FuzzParseMetadata/30 sso/saml/FuzzReadRedirect/30 sso/saml/FuzzLogout/30 sso/saml/FuzzLogoutDocument/15

fuzz:
	.ci/setup postgresql
	.ci/fuzz $(FUZZ)

# A few seconds for each target: that the targets work, and that nothing obvious is found.
fuzz-smoke:
	.ci/setup postgresql
	FUZZ_SECONDS=4 .ci/fuzz $(FUZZ)

# What decides who gets in, who leaves and what is believed: one operator is changed at a time, and the
# package's own tests must notice.
MUTATE := scim/filter scim/patch sso/oidc sso/saml model/people model/entitle model/signon model/directory

mutate:
	.ci/setup postgresql
	go run .ci/mutate/*.go $(MUTATE)

# The program against SCIM clients, clients of the API and identity providers of others, killed under
# load, and the demo in a browser. There a skipped test is a failure.
interop: build $(PYTHON)/installed $(SAMLPHP)/installed $(SAMLIDP)/installed $(OIDCOP)/installed $(KEYCLOAK)/installed-$(KEYCLOAK_VERSION) $(BROWSER)/installed $(SDKS) $(JAVA:=/installed) fuzz-smoke
	.ci/setup postgresql php node openssl chromium java pysaml2
	CGO_ENABLED=0 go test -tags interop -run Interop -count 1 -parallel 1 -timeout 15m -v ./scim ./sso ./sso/saml ./cmd/rollcall | awk '/--- SKIP/ { skipped = 1 } { print } END { exit skipped }'

$(PYTHON)/installed: scim/testdata/interop/requirements.txt
	.ci/setup python
	rm -rf $(PYTHON)
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet --disable-pip-version-check --require-virtualenv --require-hashes -r $<
	touch $@

# Unpacked and not installed: the package insists on a web server, which would run from then on.
$(SAMLPHP)/installed:
	.ci/setup simplesamlphp
	rm -rf $(SAMLPHP)
	mkdir -p $(SAMLPHP)
	# Lists of packages that are old may name a version that is gone.
	cd $(SAMLPHP) && { apt-get download -qq simplesamlphp || { $(AS_ROOT) apt-get update -qq && apt-get download -qq simplesamlphp; }; } && dpkg-deb --extract simplesamlphp_*.deb .
	touch $@

$(SAMLIDP)/installed: sso/testdata/saml-idp/package.json sso/testdata/saml-idp/package-lock.json
	.ci/setup node
	rm -rf $(SAMLIDP)
	mkdir -p $(SAMLIDP)
	cp $^ $(SAMLIDP)
	npm ci --prefix $(SAMLIDP) --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Built for its database, with the realm of the tests in it: then a test's copy starts in seconds.
KEYCLOAK_SHA256  := 27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
MAVEN_DEPENDENCY := org.apache.maven.plugins:maven-dependency-plugin:3.8.1
KEYCLOAK_JVM     := JAVA_OPTS_KC_HEAP='-Xms64m -Xmx384m' JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1

$(KEYCLOAK)/installed-$(KEYCLOAK_VERSION): sso/testdata/keycloak/realm.json
	.ci/setup python java maven
	rm -rf $(KEYCLOAK) $(KEYCLOAK).new
	mkdir -p $(KEYCLOAK).new
	cd $(KEYCLOAK).new && mvn --batch-mode --quiet $(MAVEN_DEPENDENCY):copy -DoutputDirectory=. -Dartifact=org.keycloak:keycloak-quarkus-dist:$(KEYCLOAK_VERSION):zip
	cd $(KEYCLOAK).new && echo '$(KEYCLOAK_SHA256)  keycloak-quarkus-dist-$(KEYCLOAK_VERSION).zip' | sha256sum --check --quiet
	cd $(KEYCLOAK).new && python3 -m zipfile -e keycloak-quarkus-dist-$(KEYCLOAK_VERSION).zip .
	mv $(KEYCLOAK).new/keycloak-$(KEYCLOAK_VERSION) $(KEYCLOAK)
	rm -r $(KEYCLOAK).new
	chmod +x $(KEYCLOAK)/bin/*.sh
	$(KEYCLOAK_JVM) $(KEYCLOAK)/bin/kc.sh build --db=dev-file
	$(KEYCLOAK_JVM) $(KEYCLOAK)/bin/kc.sh import --optimized --file $< --db-url='jdbc:h2:file:$(abspath $(KEYCLOAK))/database/keycloak;NON_KEYWORDS=VALUE'
	touch $@

$(OIDCOP)/installed: sso/testdata/oidc-provider/package.json sso/testdata/oidc-provider/package-lock.json
	.ci/setup node
	rm -rf $(OIDCOP)
	mkdir -p $(OIDCOP)
	cp $^ $(OIDCOP)
	npm ci --prefix $(OIDCOP) --ignore-scripts --no-audit --no-fund --silent
	touch $@

# The reference's clients, and clients for OpenID Connect.
.cache/sdk-node/installed: sso/testdata/sdk/node/package.json sso/testdata/sdk/node/package-lock.json
.cache/openid-node/installed: sso/testdata/openid/node/package.json sso/testdata/openid/node/package-lock.json
.cache/sdk-node/installed .cache/openid-node/installed:
	.ci/setup node
	rm -rf $(@D)
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	touch $@

.cache/sdk-python/installed: sso/testdata/sdk/python/requirements.txt
.cache/openid-python/installed: sso/testdata/openid/python/requirements.txt
.cache/sdk-python/installed .cache/openid-python/installed:
	.ci/setup python
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-virtualenv --require-hashes -r $<
	touch $@

# SCIM clients in Java. jars.sha256 lists what Maven has to resolve the pom.xml to, all of it and no more.
JAVA_SOURCES := scim/testdata/java

.cache/scim-java/%/installed: $(JAVA_SOURCES)/%/pom.xml $(JAVA_SOURCES)/%/jars.sha256 $(JAVA_SOURCES)/%/Walk.java $(JAVA_SOURCES)/Check.java
	.ci/setup java jdk maven
	rm -rf $(@D)
	mkdir -p $(@D)/jars
	mvn --batch-mode --quiet --file $< $(MAVEN_DEPENDENCY):copy-dependencies -DoutputDirectory=$(abspath $(@D)/jars)
	cd $(@D)/jars && export LC_ALL=C && sha256sum *.jar | diff $(abspath $(JAVA_SOURCES)/$*/jars.sha256) -
	javac --release 17 -d $(@D)/classes -cp '$(@D)/jars/*' $(filter %.java,$^)
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

# The documents that are made from the code: the table of settings in docs/operate.md, and deploy/env.example.
# And what the pages have of others: styles and icons, each with its license, as published on npm.
generate: $(LOOK)/installed
	go test ./config -run TestDocumentationIsCurrent -count 1 -update
	cp $(LOOK)/node_modules/@knadh/oat/oat.min.css web/assets/oat.css
	cp $(LOOK)/node_modules/@knadh/oat/LICENSE web/assets/oat-license.txt
	cp $(LOOK)/node_modules/lucide-static/LICENSE web/assets/lucide-license.txt
	rm -rf web/icons
	mkdir web/icons
	while read -r name; do cp $(LOOK)/node_modules/lucide-static/icons/$$name.svg web/icons/; done < web/look/icons.txt
	cd web && sha256sum assets/oat.css assets/*-license.txt icons/*.svg > look/SHA256SUMS

$(LOOK)/installed: web/look/package.json web/look/package-lock.json
	.ci/setup node
	rm -rf $(LOOK)
	mkdir -p $(LOOK)
	cp $^ $(LOOK)
	npm ci --prefix $(LOOK) --ignore-scripts --no-audit --no-fund --silent
	touch $@

bench:
	go test -run '^$$' -bench . -benchmem $(SOURCES)

# SCIM requests against the program and against the least that could do the work; BENCH=-short is quicker.
bench-scim: build
	.ci/setup postgresql
	CGO_ENABLED=0 go run ./bench $(BENCH)

clean:
	rm -rf bin .cache
