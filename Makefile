# Every target says what it does in "make help". What needs more than one line
# of shell is a script in .ci/, which also says what it needs.

VERSION   ?= $(shell git describe --tags --match 'v*' --always --dirty 2>/dev/null || echo dev)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/arm64
FUZZTIME  ?= 10s
FUZZ      ?= .
TIME      ?= 1m
SEED      ?=
ARGS      ?=

# The description of the API that clients have.
RELEASED := internal/api/testdata/released.json

# The tools' versions are those of tools/go.mod; go builds each once and keeps it.
TOOL := go tool -modfile=tools/go.mod

# Never from the cache of results: the end-to-end tests drive a binary that go
# does not see as their input.
TEST := go test -count=1

.DEFAULT_GOAL := help
.PHONY: help run test race lint fmt bench fuzz fuzz-api api released generate man release cover clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the hub on 127.0.0.1:8000 with its data in ./data (ARGS=--demo for company)
	go run ./cmd/hub serve $(ARGS)

test: ## Run all tests, with what they need (ARGS='-run Name' for some)
	.ci/provide alertmanager chromium java npm php postgres python readme ruby shoutrrr -- $(TEST) -timeout 30m $(ARGS) ./...

race: ## Run the short tests under the race detector, without those that drive the plain binary
	.ci/provide cc postgres -- $(TEST) -race -short -timeout 20m $(ARGS) $$(go list ./... | grep -v -e '/e2e$$' -e '/bench$$')

lint: ## Check formatting, go vet, golangci-lint, the alerts' and dashboard's queries, and the shell scripts
	go vet ./...
	go vet -tags fault ./internal/fault
	$(TOOL) golangci-lint run ./...
	go run -C tools/promql . ../../deploy/prometheus/alerts.yml ../../deploy/grafana/hub.json
	@if command -v shellcheck >/dev/null; then shellcheck $$(find .ci -maxdepth 1 -type f); \
	else echo "shellcheck is not installed: scripts not checked"; fi

fmt: ## Format the Go files
	$(TOOL) golangci-lint fmt

bench: ## Measure against the floor on this machine (ARGS=-help for scenarios)
	.ci/provide postgres_on_disk -- go run ./bench $(ARGS)

fuzz: ## Run every fuzz target for FUZZTIME each (FUZZTIME=10m; FUZZ=regexp chooses)
	.ci/fuzz $(FUZZTIME) '$(FUZZ)'

fuzz-api: ## Make requests from /openapi.json of a hub for TIME, with other ones each time (TIME=20m; SEED=n repeats one)
	HUB_FUZZ_API=$(TIME) HUB_FUZZ_SEED=$(SEED) $(TEST) -run '^TestFuzzAPI$$' -timeout 0 -v ./e2e

api: ## Compare the REST API with that of the last release: clients must not break
	@mkdir -p dist
	$(TEST) -run '^TestDescription$$' ./internal/api -description $(CURDIR)/dist/openapi.json
	go run -C tools/apidiff . ../../$(RELEASED) ../../dist/openapi.json
	cd tools/apidiff && go test ./...

released: ## Take the REST API as that of the last release: part of making a release
	$(TEST) -run '^TestDescription$$' ./internal/api -description $(CURDIR)/$(RELEASED)

generate: ## Generate the pages' code from their templates
	$(TOOL) templ generate

man: ## Write the man pages of all commands to dist/man
	go run ./cmd/hub man dist/man

release: ## Build static binaries with checksums into dist/, within the size budget
	.ci/release '$(VERSION)' $(PLATFORMS)

cover: ## Run all tests and show how much of each package they reach
	@mkdir -p dist
	.ci/provide alertmanager chromium java npm php postgres python readme ruby shoutrrr -- $(TEST) -timeout 30m -coverpkg=./... -coverprofile=dist/cover.out $(ARGS) ./...
	go tool cover -html=dist/cover.out -o dist/cover.html
	go tool cover -func=dist/cover.out | tail -n 1

clean: ## Remove what was built (never ./data)
	rm -rf dist
