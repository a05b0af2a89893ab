// Runs @vladmandic/face-api on pictures from standard input. Each is a line of JSON, then the bytes of RGB pixels. One
// line of JSON comes back for each, with the faces, and the milliseconds of CPU time that they took. Usage: node
// face_api.js FOLDER-WITH-node_modules
const path = require('path');
const { createRequire } = require('module');

const load = createRequire(path.join(path.resolve(process.argv[2]), 'here.js'));
const tf = load('@tensorflow/tfjs');
const wasm = load('@tensorflow/tfjs-backend-wasm');
const faceapi = load('@vladmandic/face-api/dist/face-api.node-wasm.js');
const folder = (name) => path.dirname(load.resolve(`${name}/package.json`));

async function* lines(stream) {
  let held = Buffer.alloc(0);
  let wanted = null;
  for await (const part of stream) {
    held = held.length ? Buffer.concat([held, part]) : part;
    for (;;) {
      if (!wanted) {
        const end = held.indexOf(10);
        if (end < 0) break;
        wanted = JSON.parse(held.subarray(0, end).toString());
        held = held.subarray(end + 1);
      }
      const size = wanted.width * wanted.height * 3;
      if (held.length < size) break;
      const pixels = new Uint8Array(held.subarray(0, size));
      held = held.subarray(size);
      const { ...asked } = wanted;
      wanted = null;
      yield [asked, pixels];
    }
  }
}

const corners = ({ x, y, width, height }) => [x, y, width, height];

function person(result) {
  const female = result.gender === 'female' ? result.genderProbability : 1 - result.genderProbability;
  return { box: corners(result.detection.box), score: result.detection.score, age: result.age, female };
}

async function answer({ work, width, height, box, threshold }, picture) {
  const options = new faceapi.TinyFaceDetectorOptions(threshold ? { scoreThreshold: threshold } : {});
  if (work === 'detect') {
    const found = await faceapi.detectAllFaces(picture, options);
    return found.map((face) => ({ box: corners(face.box), score: face.score }));
  }
  if (work === 'search') {
    return (await faceapi.detectAllFaces(picture, options).withFaceLandmarks().withAgeAndGender()).map(person);
  }
  const [x, y, w, h] = box;
  const place = new faceapi.Rect(x / width, y / height, w / width, h / height);
  const given = faceapi.extendWithFaceDetection({}, new faceapi.FaceDetection(1, place, { width, height }));
  const task = new faceapi.DetectSingleFaceLandmarksTask(Promise.resolve(given), picture, false);
  return [person(await task.withAgeAndGender())];
}

async function main() {
  wasm.setWasmPaths(path.join(folder('@tensorflow/tfjs-backend-wasm'), 'dist/'));
  wasm.setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  for (const name of ['tinyFaceDetector', 'faceLandmark68Net', 'ageGenderNet']) {
    await faceapi.nets[name].loadFromDisk(path.join(folder('@vladmandic/face-api'), 'model'));
  }
  for await (const [asked, pixels] of lines(process.stdin)) {
    const start = process.cpuUsage();
    const picture = tf.tensor3d(pixels, [asked.height, asked.width, 3], 'int32');
    const faces = await answer(asked, picture);
    picture.dispose();
    const used = process.cpuUsage(start);
    process.stdout.write(`${JSON.stringify({ faces, ms: (used.user + used.system) / 1000 })}\n`);
  }
}

main();
