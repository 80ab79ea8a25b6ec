# Each target installs what it needs.

.DEFAULT_GOAL := help
.PHONY: help run test check train train-german train-open compare notebook bench image bill-of-materials image-test soak
.PHONY: .venv .venv-dev .venv-bench .venv-inference-clients

# PORT and WORKERS override config.ini: make run PORT=9000 WORKERS=1
ifdef PORT
export SER_SERVER_PORT := $(PORT)
endif
ifdef WORKERS
export SER_SERVER_WORKERS := $(WORKERS)
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: .venv ## start the server on http://localhost:8080 (PORT, WORKERS); Ctrl-C stops it
	@scripts/nginx 2>/dev/null || true
	@scripts/page || echo "The page could not be built; only the API is served"
	@./ser run

# These load both cores, take the time, or need the processes and files that others would use.
ALONE = tests/benchmarks tests/stack/test_footprint.py tests/stack/test_shortages.py

test: .venv .venv-dev .venv-inference-clients ## run every test
	@scripts/nginx || [ -z "$$CI" ]
	@scripts/page || [ -z "$$CI" ]
	@scripts/packages chromium curl firefox-esr g++ gcc libc6-dev libcurl4-openssl-dev libgoogle-gson-java \
	  libokhttp-java librust-serde-derive-dev librust-serde-json-dev libsndfile1-dev libssl-dev \
	  nlohmann-json3-dev default-jdk-headless openssl systemd wrk || [ -z "$$CI" ]
	@command -v go >/dev/null || scripts/packages golang-go || [ -z "$$CI" ]
	@command -v cargo >/dev/null || scripts/packages cargo || [ -z "$$CI" ]
	@command -v kubectl >/dev/null || scripts/packages kubernetes-client || [ -z "$$CI" ]
	@scripts/onnxruntime || [ -z "$$CI" ]
	@scripts/promtool || [ -z "$$CI" ]
	@.venv-dev/bin/python -c 'import librosa.core.pitch' # numba's cache has one writer: two spoil it
	@# Three processes for two cores: a third of the time is spent waiting.
	@.venv-dev/bin/python -m pytest -n 3 --durations 30 --dist loadfile --no-loadscope-reorder $(ALONE:%=--ignore %)
	@.venv-dev/bin/python -m pytest $(ALONE)

check: .venv-dev ## check style, types and formatting
	@.venv-dev/bin/python -m ruff check .
	@.venv-dev/bin/python -m ruff format --check .
	@.venv-dev/bin/python -m mypy .

# Interrupted, these continue where they stopped.
TRAINING = .venv-dev/bin/python -m training
networks = $(TRAINING) fit --resume $(1) && $(TRAINING) export $(1)
# Copies at other speeds of all recordings of four corpora would take a gigabyte.
WITHOUT_COPIES = --variants 0
OPEN = --corpus cremad emodb-2s --models-path models-open --seeds 1 $(WITHOUT_COPIES)
GERMAN = --corpus emodb-2s --models-path models-german \
  --folds models-german/folds.csv --seeds 1 --controls no

train: .venv-dev ## train the networks of models/ on the corpora of config.ini; takes hours
	@$(call networks,--network CNN $(WITHOUT_COPIES))
	@$(call networks,--network DNN $(WITHOUT_COPIES))
	@$(call networks,--network DNN-prosody)
	@$(call networks,--network TCN --seeds 1)
	@$(call networks,--network TCN-ensemble --seeds 1)
	@$(TRAINING) report --network TCN

train-open: .venv-dev ## train models-open/, on corpora that allow commercial use; takes hours
	@$(call networks,$(OPEN))

train-german: .venv-dev ## train models-german/, on EmoDB
	@$(call networks,$(GERMAN) --network TCN-functionals)
	@mv models-german/TCN-functionals.onnx models-german/TCN.onnx
	@$(call networks,$(GERMAN) --network CNN)
	@$(call networks,$(GERMAN) --network DNN)
	@cp models/mfcc.onnx models/reference.wav models-german

compare: .venv-dev ## compare published systems with this project's, on EmoDB; under an hour
	@.venv-dev/bin/python -m training compare --corpus emodb-2s

notebook: .venv-dev ## write docs/Report_SER.ipynb from the results of compare; takes minutes
	@.venv-dev/bin/python -m training.report.notebook

bench: .venv .venv-bench ## compare the speed with other servers, on one core (ARGS)
	@scripts/packages wrk
	@scripts/nginx
	@.venv-bench/bin/python -m benchmarks.run $(ARGS)

image: ## build the container image emotion-recognition (ARGS)
	@scripts/image $(ARGS)

bill-of-materials: .venv-dev ## list the packages in the image in image.cdx.json (CycloneDX)
	@scripts/bill-of-materials

image-test: .venv-dev ## build the image with podman and test the container (as root)
	@scripts/packages podman runc mmdebstrap || [ -z "$$CI" ]
	@.venv-dev/bin/python -m pytest tests/image

soak: .venv .venv-dev ## test with a million predictions under faults and overload (ARGS)
	@scripts/nginx
	@.venv-dev/bin/python -m tests.soak $(ARGS)

.venv:
	@scripts/environment $@ requirements/server.lock

.venv-dev:
	@scripts/environment $@ requirements/development.txt

.venv-bench:
	@scripts/environment $@ requirements/bench.txt

.venv-inference-clients:
	@scripts/environment $@ requirements/inference-clients.txt
