# `make rehearse` runs the whole deployed application on this machine; `make test` runs every test. Both set up what they
# need: a virtual environment in .venv and the CDK command line in node_modules.

PYTHON ?= python3
BIN := .venv/bin

# The CDK libraries print a page about Node 20's end of life, and about 26 being new, at every start; both work.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 26
export NODE_NO_WARNINGS := 1
# The CDK command line starts `python3 app.py`: it must find the virtual environment's.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help setup rehearse test test-stacks fuzz lint format schema doctor bootstrap synth deploy destroy clean
.PHONY: start estimate follow list stop report predict try drift audit approve reject rollback promote

help:
	@echo 'make rehearse [SOURCE=DIR] [INPUT=FILE] [RESULT=FILE] [EXPORT=DIR] [KEEP=1]   the whole application on this machine'
	@echo 'make test [TESTS=tests/stacks]                                               every test, or a part'
	@echo 'make test-stacks                                                             the CDK assertion tests alone, in a minute or so'
	@echo 'make fuzz [MINUTES=30]                                                       new inputs at every door, for so long'
	@echo 'make lint | format                                                           ruff, mypy'
	@echo 'make schema                                                                  docs/input.schema.json and docs/input.md'
	@echo 'make doctor [ARGS="-c name=value"]                                           what would fail in your AWS account'
	@echo 'make bootstrap [ARGS=aws://ACCOUNT/REGION]                                   prepares an account for the CDK, once'
	@echo 'make synth | deploy | destroy [ARGS="-c name=value"] [YES=1]                 the CDK application; YES=1 asks nothing'
	@echo 'make estimate [INPUT=FILE]                                                   what an execution would cost'
	@echo 'make start [INPUT=FILE] [YES=1] [FOLLOW=1]                                   an execution; asks first if it costs much'
	@echo 'make follow [EXECUTION=NAME]                                                 the newest execution, or another, live'
	@echo 'make list [STATUS=failed] [LIMIT=10]                                         executions and their decisions'
	@echo 'make stop EXECUTION=NAME                                                     ends an execution and its jobs'
	@echo 'make report [EXECUTION=NAME] [TO=DIR]                                        fetches and opens a report'
	@echo 'make predict IMAGE=FILE [ENDPOINT=NAME]                                      what an endpoint counts in a photo'
	@echo 'make try [ENDPOINT=NAME] [EXECUTION=NAME]                                    a page that asks it: drop photos, click test photos'
	@echo 'make drift [NOW=1] [OPEN=1]                                                  whether live photos are such as the test photos'
	@echo 'make audit [INPUT=FILE] [YES=1] [FOLLOW=1] | audit SHOW=1 [OPEN=1]           which records are probably wrong'
	@echo 'make approve | reject EXECUTION=NAME [REASON=TEXT]                           a model that waits for a person'
	@echo 'make rollback [PACKAGE=ARN]                                                  the model that was served before'
	@echo 'make promote PACKAGE=ARN                                                     a model that is registered'
	@echo 'From estimate on: DEPLOYMENT=NAME where the setting name is another, JSON=1 (but try) for programs;'
	@echo 'AWS_ENDPOINT_URL points them at a kept rehearsal'

# make takes neither for an option, and would do something else without a word.
COMMANDS := start estimate follow list stop report predict try drift audit approve reject rollback promote rehearse
OPTIONS := input execution status image package reason source limit endpoint deployment yes to
MISSPELT := $(foreach name,$(OPTIONS),$(if $(filter command%,$(origin $(name))),$(name)))
ifneq ($(strip $(MISSPELT)),)
$(error Write options in capitals: $(foreach name,$(MISSPELT),$(shell echo $(name) | tr a-z A-Z)=$($(name))))
endif
ifneq ($(filter $(COMMANDS),$(firstword $(MAKECMDGOALS))),)
ifneq ($(words $(MAKECMDGOALS)),1)
$(error Name what $(firstword $(MAKECMDGOALS)) is given as an option, such as INPUT=FILE or EXECUTION=NAME: \
	'$(wordlist 2,9,$(MAKECMDGOALS))' is none)
endif
endif

setup: .venv/.complete node_modules/.complete

.venv/.complete: requirements.txt requirements-dev.txt lambda/requirements.txt training_code/packages.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Stocktake needs Python 3.11 or newer; %s is %s. Try: make PYTHON=python3.12 ..." % (sys.executable, sys.version.split()[0]) if sys.version_info < (3, 11) else 0)'
	@echo 'Installing Python packages into .venv (once, a few minutes)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@# As in the training asset: what smdebug says it depends on cannot be installed beside AWS's training toolkit.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r training_code/packages.txt
	@touch $@

node_modules/.complete: package-lock.json
	@command -v npm >/dev/null || { echo 'Stocktake needs Node.js 22 or newer, with npm'; exit 1; }
	@echo 'Installing the CDK command line into node_modules'
	@npm ci --silent --no-audit --no-fund
	@touch $@

rehearse: setup
	@$(BIN)/python -m rehearsal run $(if $(SOURCE),--source '$(SOURCE)') $(if $(INPUT),--input '$(INPUT)') \
		$(if $(RESULT),--result '$(RESULT)') $(if $(EXPORT),--export '$(EXPORT)') $(if $(KEEP),--keep) $(ARGS)

test: setup
	@$(BIN)/python -m pytest $(TESTS)

test-stacks: setup
	@$(BIN)/python -m pytest tests/stacks

fuzz: setup
	@PYTHONPATH=lambda:training_code $(BIN)/python -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES))

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy app.py stacks doctor console rehearsal bench docs
	@cd lambda && ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache .
	@cd training_code && ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache .

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The input's JSON Schema and its reference, from the contract.
schema: setup
	@$(BIN)/python docs/input_reference.py

# ARGS: settings (`make rehearse` takes them, too) and the CDK command line's own options. What is deployed with settings
# is destroyed with the same.
doctor: setup
	@$(BIN)/python -m console doctor $(if $(JSON),--json) $(ARGS)

bootstrap: setup
	@cdk bootstrap --no-notices $(ARGS)

synth: setup
	@cdk synth --quiet --no-notices $(ARGS)

deploy: setup
	@cdk deploy --all --no-notices $(if $(YES),--require-approval never) $(ARGS)

destroy: setup
	@cdk destroy --all --no-notices $(if $(YES),--force) $(ARGS)

# Not NAME: some shells have a variable of that name, and make takes it over.
CONSOLE = $(BIN)/python -m console $@ $(if $(DEPLOYMENT),--name '$(DEPLOYMENT)') $(if $(JSON),--json)

estimate: setup
	@$(CONSOLE) $(if $(INPUT),'$(INPUT)')

start: setup
	@$(CONSOLE) $(if $(INPUT),'$(INPUT)') $(if $(YES),--yes) $(if $(FOLLOW),--follow)

follow stop: setup
	@$(CONSOLE) $(if $(EXECUTION),'$(EXECUTION)')

list: setup
	@$(CONSOLE) $(if $(STATUS),--status '$(STATUS)') $(if $(LIMIT),--limit '$(LIMIT)')

report: setup
	@$(CONSOLE) $(if $(EXECUTION),'$(EXECUTION)') $(if $(TO),--to '$(TO)')

predict: setup
	@$(CONSOLE) $(if $(IMAGE),'$(IMAGE)') $(if $(ENDPOINT),--endpoint '$(ENDPOINT)')

try: setup
	@$(CONSOLE) $(if $(ENDPOINT),--endpoint '$(ENDPOINT)') $(if $(EXECUTION),--execution '$(EXECUTION)')

drift: setup
	@$(CONSOLE) $(if $(NOW),--now) $(if $(OPEN),--open)

audit: setup
	@$(CONSOLE) $(if $(INPUT),'$(INPUT)') $(if $(YES),--yes) $(if $(FOLLOW),--follow) $(if $(SHOW),--show) $(if $(OPEN),--open)

approve reject: setup
	@$(CONSOLE) $(if $(EXECUTION),'$(EXECUTION)') $(if $(REASON),--reason '$(REASON)')

rollback: setup
	@$(CONSOLE) $(if $(PACKAGE),--package '$(PACKAGE)')

promote: setup
	@$(CONSOLE) $(if $(PACKAGE),'$(PACKAGE)')

clean:
	rm -rf .venv node_modules build cdk.out .rehearsal .pytest_cache .mypy_cache .ruff_cache .hypothesis
