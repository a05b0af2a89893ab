#!/bin/sh
# Tests examples/spark in local mode. Builds on the environment of scripts/test/python.sh; needs Java 17 or later.
set -eu
cd "$(dirname "$0")/../.."
command -v java >/dev/null || { echo "skip: no java (openjdk-17-jre-headless)"; exit 0; }
environment=build/python
[ -x "$environment/bin/python" ] && "$environment/bin/python" -c 'import face_predict; face_predict.Model()' 2>/dev/null ||
    { echo "run scripts/test/python.sh first" >&2; exit 1; }
"$environment/bin/pip" install -q --disable-pip-version-check 'pyspark>=4,<5' 'pandas<3' pyarrow
exec "$environment/bin/python" -m pytest -q examples/spark -p no:cacheprovider "$@"
