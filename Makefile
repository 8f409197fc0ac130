SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The race detector needs a C compiler; go says whether there is one.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
UNIT = $(shell go list ./... | grep -v '/integration')

# What to measure, such as Postgres/small, and how often.
BENCH = .
ROUNDS = 5

.PHONY: build
build: ## Build bin/skein
	CGO_ENABLED=0 go build -trimpath -o bin/skein ./cmd/skein

.PHONY: test
test: postgres vet test-unit test-integration ## Run all tests, with their set-up

.PHONY: test-unit
test-unit: ## Run the tests that need no server, with the race detector
	go test $(RACE) -timeout 15m $(UNIT)

# Many integration tests wait: for a server that starts, a lock, a poll. So more of them run at a time than there are cores.
PARALLEL = 4

.PHONY: test-integration
test-integration: ## Run the tests on real PostgreSQL servers and SQLite files
	go test -timeout 40m -parallel $(PARALLEL) ./integration/...

.PHONY: imports
imports: ## Check that imports run one way and files stay short
	go test -timeout 2m ./integration/repository

.PHONY: vet
vet: ## Run go vet
	go vet ./...

.PHONY: postgres
postgres: ## See that there is a PostgreSQL for the tests; root gets it installed
	.ci/postgres

.PHONY: bench
bench: ## Measure skein beside its limit and goose; takes about 25 minutes and 15 GB, see docs/performance.md
	go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 120m ./integration/bench -rounds $(ROUNDS)

.PHONY: lint
lint: ## Run golangci-lint; the first time builds it
	$(LINT) run ./...

.PHONY: fmt
fmt: ## Format the code
	gofmt -w $$(find . -name '*.go' -not -path '*/testdata/*')

.PHONY: cover
cover: ## Run all tests and report what they cover
	mkdir -p bin
	go test -timeout 14m -coverpkg ./... -coverprofile bin/cover.out ./...
	go tool cover -func bin/cover.out | tail -n 1

.PHONY: demo
demo: ## Watch a fleet of SQLite tenants being upgraded, broken and mended
	go run ./cmd/skein demo

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
