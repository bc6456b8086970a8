# Two commands matter: `make run` and `make test`. The rest are parts of them.

GO      ?= go
BIN     := bin
SOURCES := $(shell find . -name node_modules -prune -o -path ./bin -prune -o -path ./var -prune -o -type f \( -name '*.go' -o -name '*.yaml' -o -name '*.json' -o -name '*.sql' -o -name '*.txt' -o -name '*.csv' \) -print) go.mod go.sum
PAGES   := console/dist/call.html
CONFIG  ?= examples/courier/ivr.yaml

.PHONY: run demo test check unit e2e bench load models pages clean

run: $(BIN)/ivr $(BIN)/parcels models ## start the demo contact centre
	@scripts/run $(CONFIG)

demo: $(BIN)/ivr models ## three calls to what `make run` started, printed live
	@$(BIN)/ivr demo --recordings var/demo

test: ## everything CI runs
	@scripts/test

check: $(BIN)/ivr ## format, vet, staticcheck, configuration and bot
	@scripts/check

unit: models ## unit tests, with the race detector
	$(GO) test -race ./...

e2e: $(BIN)/ivr $(BIN)/parcels models ## real calls through real sockets: our caller, sipp, baresip
	@scripts/e2e

bench: ## speed and memory, results in docs/bench/
	@scripts/bench

load: ## thousands of calls on loopback, and a bare peer beside: docs/bench/load.md
	@scripts/load

models: $(BIN)/ivr ## fetch and verify the speech models; instant when they are there
	@$(BIN)/ivr models fetch

pages: ## build what browsers show
	@scripts/pages

$(PAGES): $(shell find console/web -name node_modules -prune -o -type f -print)
	@echo "building the pages"
	@scripts/pages

$(BIN)/ivr: $(SOURCES) $(PAGES)
	@mkdir -p $(BIN)
	@echo "building $@"
	@$(GO) build -o $@ ./cmd/ivr

$(BIN)/parcels: $(SOURCES)
	@mkdir -p $(BIN)
	@echo "building $@"
	@$(GO) build -o $@ ./examples/courier/parcels

clean: ## what was built and what calls left; models stay in the cache
	rm -rf $(BIN) var
