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
    cp -r bindings/js/index.js bindings/js/src bindings/js/face_predict.wasm LICENSE-MIT LICENSE-APACHE packaging/WEIGHTS.md "$1/face-predict"
}
case ${1-} in
serve)
    build build/web
    echo "http://localhost:${2:-8000}"
    # A worker does not inherit the policy in the page's own text, so it is sent as a header with every file.
    exec python3 -c '
import functools, http.server, re, sys
folder, port = sys.argv[1:]
policy = re.search(r"Content-Security-Policy\" content=\"(.*?)\"", open(folder + "/index.html").read()).group(1)
class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy", policy)
        super().end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), functools.partial(Handler, directory=folder))
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
' build/web "${2:-8000}"
    ;;
build)
    build "${2:-build/web}"
    python3 packaging/licences.py --target wasm32-unknown-unknown --output "${2:-build/web}/face-predict/THIRD_PARTY_LICENCES.txt"
    echo "${2:-build/web}: $(du -sh "${2:-build/web}" | cut -f1)"
    ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
