#!/bin/sh
# Packs bindings/js as npm would publish it, into build/npm: the module that scripts/build/wasm.sh wrote, licences, and what the weights allow.
set -eu
cd "$(dirname "$0")/../.."
[ -f bindings/js/face_predict.wasm ] || { echo "no bindings/js/face_predict.wasm: run scripts/build/wasm.sh" >&2; exit 1; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
grep -q "\"version\": \"$version\"" bindings/js/package.json ||
    { echo "bindings/js/package.json has another version than Cargo.toml, $version" >&2; exit 1; }
out=build/npm
rm -rf "$out"
mkdir -p "$out/package"
cp -r bindings/js/package.json bindings/js/index.js bindings/js/index.d.ts bindings/js/src bindings/js/README.md bindings/js/face_predict.wasm \
    LICENSE-MIT LICENSE-APACHE "$out/package"
# What the module itself says of its weights.
node --input-type=module -e '
import { writeFile } from "node:fs/promises";
import { FacePredict } from "./bindings/js/index.js";
const model = await FacePredict.load();
await writeFile(process.argv[1], `# Weights\n\nNetworks inside face_predict.wasm: ${model.name}.\n\n${model.license}\n`);
' "$out/package/WEIGHTS.md"
${PYTHON:-python3} packaging/licences.py --target wasm32-unknown-unknown --output "$out/package/THIRD_PARTY_LICENCES.txt"
(cd "$out/package" && npm pack --silent --pack-destination ..)
ls -l "$out"/*.tgz
