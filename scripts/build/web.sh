#!/bin/sh
# The page of examples/web with the binding in it.
#   scripts/build/web.sh serve [PORT]     serves it on this computer, at http://localhost:8000
#   scripts/build/web.sh build [FOLDER]   writes it as static files, to build/web, for any server
# Needs bindings/js/face_predict.wasm, which scripts/build/wasm.sh writes.
set -eu
cd "$(dirname "$0")/../.."
[ -f bindings/js/face_predict.wasm ] || { echo "no bindings/js/face_predict.wasm: run scripts/build/wasm.sh" >&2; exit 1; }
build() {
    mkdir -p "$1/face-predict"
    cp examples/web/*.html examples/web/*.css examples/web/*.js "$1"
    cp -r bindings/js/index.js bindings/js/src bindings/js/face_predict.wasm LICENSE-MIT LICENSE-APACHE "$1/face-predict"
}
case ${1-} in
serve)
    build build/web
    echo "http://localhost:${2:-8000}"
    exec python3 -m http.server --bind 127.0.0.1 --directory build/web "${2:-8000}"
    ;;
build)
    build "${2:-build/web}"
    echo "${2:-build/web}: $(du -sh "${2:-build/web}" | cut -f1)"
    ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
