# For those whose fingers type `make`: everything is in dev.py, and `python3 dev.py` says what there is.
# Words for the command go into ARGS:  make test ARGS="tests/unit -k clock"

PYTHON ?= python3

.PHONY: help demo run test check bench lock replay loopkeeper

help:
	@$(PYTHON) dev.py

demo run test check bench lock replay loopkeeper:
	@$(PYTHON) dev.py $@ $(ARGS)
