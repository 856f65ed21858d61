#!/usr/bin/env bash
# The Python side of tests/xla: a virtual environment with JAX for CPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! .venv/bin/python -c 'import jax, sys; sys.exit(jax.__version__ != "0.10.2")' 2>/dev/null; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r tests/xla/requirements.txt
fi
