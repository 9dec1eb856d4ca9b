#!/usr/bin/env bash
# Packs interpreter, locked packages and project into one archive for the workers of EMR Serverless.
#
#     infra/spark/package.sh [FILE]        default docproc-spark.tar.gz; takes what is committed
#
# EMR's own Python is older than docproc's, so the archive brings its own: a relocatable build that uv
# fetches (PYTHON_HOME names another). The wheels are manylinux: build it on Linux, on the architecture
# of the application (x86_64 or arm64).
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-docproc-spark.tar.gz}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -z ${PYTHON_HOME:-} ]]; then
  uv python install --quiet --no-bin --install-dir "$work/python" 3.11
  PYTHON_HOME=$(echo "$work"/python/cpython-3.11.*)
fi
mkdir "$work/environment"
# Without what its owner may have installed: only the interpreter and its standard library.
tar -c -C "$PYTHON_HOME" --exclude=site-packages --exclude=__pycache__ --exclude=./share --exclude=./include . |
  tar -x -C "$work/environment"
site=$work/environment/lib/python3.11/site-packages
uv pip install --quiet --target "$site" --python "$work/environment/bin/python3.11" \
  --only-binary :all: --require-hashes -r requirements.txt
git archive HEAD docproc api invoice_parser infra/__init__.py infra/spark | tar -x -C "$site"
tar -czf "$out" -C "$work/environment" .
echo "$out, $(du -h "$out" | cut -f1), of $(git describe --always --dirty)"
