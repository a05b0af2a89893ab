#!/bin/sh
# The package that scripts/build/npm_package.sh made: what is in it and how large it is, that it installs without a network and answers, and that its
# types fit its code (TypeScript comes from npm).
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
package=$(ls "$root"/build/npm/*.tgz)
expected='LICENSE-APACHE
LICENSE-MIT
README.md
THIRD_PARTY_LICENCES.txt
WEIGHTS.md
face_predict.wasm
index.d.ts
index.js
package.json
src/answers.js
src/errors.js
src/layout.js
src/model.js
src/module.js
src/options.js
src/pictures.js'
found=$(tar -tzf "$package" | sed 's|^package/||' | LC_ALL=C sort)
[ "$found" = "$expected" ] || { printf 'in the package is:\n%s\nnot:\n%s\n' "$found" "$expected" >&2; exit 1; }
size=$(wc -c < "$package")
[ "$size" -le 7000000 ] || { echo "the package has $size bytes, 7000000 are the limit" >&2; exit 1; }

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
echo '{"type": "module", "private": true}' > package.json
npm install --silent --offline --no-audit --no-fund "$package"
[ "$(ls node_modules)" = face-predict ] || { echo "it brings dependencies: $(ls node_modules)" >&2; exit 1; }
cat > answer.js <<'END'
import { readFile } from 'node:fs/promises';
import { FacePredict } from 'face-predict';
const model = await FacePredict.load();
const { faces } = await model.predict(await readFile(process.argv[2]));
if (faces.length !== 1 || !(faces[0].age > 10)) throw new Error(`the portrait has ${faces.length} faces`);
console.log(`${model.name}: ${faces[0].age.toFixed(1)} years, ${faces[0].gender}`);
END
node answer.js "$root/examples/images/eileen_collins.png"

npm install --silent --no-audit --no-fund --no-save typescript@5.9.3 "$package"
cat > good.ts <<'END'
import { FacePredict, ageAtLeast, FacePredictError, ImageError, type Face, type Picture } from 'face-predict';
export async function all(picture: Picture, video: HTMLVideoElement, frame: VideoFrame): Promise<number | null> {
  const model = await FacePredict.load({ maxPixels: 1e6 });
  const tracker = model.track({ detectEvery: 2 });
  await tracker.update(frame);
  await tracker.update(video, 1000, { minScore: 0.5 });
  const { faces } = await model.predict(picture, { boxes: [[1, 2, 3, 4], { x: 1, y: 2, width: 3, height: 4 }], crops: 2 });
  await model.predict({ data: new Uint8Array(6), width: 2, height: 2, format: 'NV12', yuv: 'BT709_FULL' });
  const face: Face | undefined = faces[0];
  const error: FacePredictError = new ImageError('');
  return face && error.code === 'image' ? ageAtLeast(face, 18) : null;
}
END
cat > bad.ts <<'END'
import { FacePredict } from 'face-predict';
const model = await FacePredict.load();
await model.predict('photo.jpg');
await model.predict(new Uint8Array(1), { maxFace: 1 });
const { faces } = await model.predict(new Uint8Array(1));
const age: number = faces[0]!.age;
END
tsc="node_modules/.bin/tsc --noEmit --strict --module nodenext --target es2022 --lib es2022,dom"
$tsc good.ts
if $tsc bad.ts > faults; then echo "wrong calls have no type error" >&2; exit 1; fi
[ "$(grep -c '^bad.ts' faults)" = 3 ] || { cat faults >&2; exit 1; }
echo "package: $size bytes, good"
