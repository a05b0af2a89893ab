#!/bin/sh
# Builds the wheel, installs it into a fresh environment and runs its tests and the type checker from there.
# FACE_PREDICT_LIBRARY, or FP_BUILT as a folder, skips the Cargo build; CARGO_TARGET_DIR is heeded.
set -eu
cd "$(dirname "$0")/../.."
environment=build/python
[ -z "${FP_BUILT-}" ] || export FACE_PREDICT_LIBRARY="${FACE_PREDICT_LIBRARY-$(realpath "$FP_BUILT")/libface_predict.so}"
mkdir -p build
[ -x "$environment/bin/python" ] || ${PYTHON:-python3} -m venv "$environment"
"$environment/bin/pip" install -q --disable-pip-version-check numpy pillow pytest mypy
rm -rf build/wheel bindings/python/build
"$environment/bin/pip" wheel -q --disable-pip-version-check --no-deps -w build/wheel bindings/python
"$environment/bin/pip" install -q --disable-pip-version-check --force-reinstall --no-deps build/wheel/*.whl
ls -l build/wheel/
for file in LICENSE-MIT LICENSE-APACHE WEIGHTS.md; do
    "$environment/bin/python" -m zipfile -l build/wheel/*.whl | grep -q "dist-info/licenses/$file " || { echo "the wheel lacks $file" >&2; exit 1; }
done
# The installed package is tested, with the library in it.
unset FACE_PREDICT_LIBRARY
"$environment/bin/python" -m pytest -q bindings/python/tests -p no:cacheprovider
(cd bindings/python && "../../$environment/bin/python" -m mypy --no-incremental)
