// Tests of the binding's own parts: sources, options, errors, traps, memory, trackers.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import * as api from '../index.js';
import { Native, VERSION } from '../src/module.js';

const { ArgumentError, FacePredict, ImageError, InternalError, LimitError, LoadError, MemoryShortError, ModelError, Tracker } = api;
const at = (path) => new URL(`../../../${path}`, import.meta.url);
const portrait = await readFile(at('examples/images/eileen_collins.png'));
const model = await FacePredict.load();

/** Takes all memory that the module can grow to, so that it cannot grow any more. */
function growAll(memory) {
  for (let pages = 16384; pages >= 1; pages >>= 1) {
    try {
      for (;;) memory.grow(pages);
    } catch {
      // There is no more memory of this size.
    }
  }
}

test('a portrait, bytes of every kind and a Blob answer alike', async () => {
  const answers = [];
  for (const source of [portrait, new Uint8Array(portrait), new Uint8Array(portrait).buffer, new Blob([portrait])]) {
    answers.push(await model.predict(source));
  }
  for (const { width, height, faces } of answers) {
    assert.deepEqual([width, height, faces.length], [512, 512, 1]);
    assert.deepEqual(faces, answers[0].faces);
  }
  const [face] = answers[0].faces;
  assert.ok(face.age > 15 && face.age < 60 && face.ageLow < face.age && face.age < face.ageHigh);
  assert.ok(face.score > 0.5 && face.landmarks.length === 5);
  const sum = face.ageDistribution.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 1) < 1e-3, `${sum}`);
  assert.equal(api.ageAtLeast(face, -5), Math.min(sum, 1));
  assert.equal(api.ageAtLeast(face, 500), 0);
  assert.throws(() => api.ageAtLeast(face, NaN), ArgumentError);
});

test('faces that are given say which they are', async () => {
  const boxes = [{ x: 10, y: 300, width: 30, height: 30 }, [177, 66, 94, 122]];
  const { faces } = await model.predict(portrait, { boxes });
  assert.deepEqual(faces.map((face) => face.regionIndex), [1, 0]);
  assert.deepEqual(faces[0].box, { x: 177, y: 66, width: 94, height: 122 });
  assert.equal((await model.predict(portrait)).faces[0].regionIndex, null);
});

test('the model tells its name and its licence', () => {
  assert.match(model.name, /\d+\.\d+\.\d+/);
  assert.match(model.license, /non-commercial|CC BY/i);
});

test('calls that make no sense are refused, and say why', async () => {
  const pixel = { data: new Uint8Array(4), width: 1, height: 1 };
  const wrong = [
    [undefined, {}, /a picture is/],
    ['photo.jpg', {}, /a picture is/],
    [[1, 2, 3], {}, /a picture is/],
    [{ ...pixel, format: 'CMYK' }, {}, /CMYK/],
    [{ ...pixel, format: 'ENCODED' }, {}, /none of (?!.*ENCODED)/],
    [{ ...pixel, yuv: 'BT2020' }, {}, /BT2020/],
    [{ ...pixel, data: [1, 2, 3, 4] }, {}, /Uint8Array/],
    [{ ...pixel, data: new Uint8Array(0) }, {}, /plane 0/],
    [{ ...pixel, offsets: [4] }, {}, /plane 0/],
    [{ ...pixel, offsets: [-1] }, {}, /offset/],
    [{ ...pixel, sizes: [5] }, {}, /plane 0/],
    [{ ...pixel, width: 1.5 }, {}, /width/],
    [pixel, { rotations: 90 }, /rotations/],
    [pixel, { rotation: 45 }, /45/],
    [pixel, null, /options/],
    [pixel, { maxFaces: -1 }, /maxFaces/],
    [pixel, { ageCoverage: 0 }, /ageCoverage/],
    [pixel, { ageCoverage: 'half' }, /ageCoverage/],
    [pixel, { boxes: [[1, 2, 3]] }, /a box/],
    [pixel, { boxes: 'all' }, /boxes/],
    [pixel, { landmarks: [] }, /without boxes/],
    [pixel, { boxes: [[0, 0, 1, 1]], landmarks: [[[1, 2]]] }, /five/],
    [pixel, { boxes: [[0, 0, 1, 1]], landmarks: [] }, /landmarks of 0 faces/],
  ];
  for (const [source, options, message] of wrong) {
    await assert.rejects(model.predict(source, options), (error) => {
      assert.ok(error instanceof ArgumentError && error.code === 'argument', `${message}: ${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(() => new FacePredict(), ArgumentError);
  assert.throws(() => new Tracker({}), ArgumentError);
  assert.throws(() => model.track({ every: 2 }), ArgumentError);
  await assert.rejects(FacePredict.load({ model: 'base.onnx' }), ArgumentError);
  await assert.rejects(FacePredict.load({ maxPixels: 0 }), ArgumentError);
});

test('a file that is no picture, a damaged one, one beyond the limit, and the next picture works', async () => {
  await assert.rejects(model.predict(Buffer.from('no picture')), ImageError);
  await assert.rejects(model.predict(new Blob(['no picture'])), ImageError);
  await assert.rejects(model.predict(new Uint8Array(0)), ImageError);
  await assert.rejects(model.predict(portrait.subarray(0, 5000)), ImageError);
  const strict = await FacePredict.load({ wasm: model.module, maxPixels: 1000 });
  await assert.rejects(strict.predict(portrait), LimitError);
  // The address space of WebAssembly does not hold this picture of a BMP header, so its decoder would refuse it in another way.
  const header = Buffer.alloc(54);
  header.write('BM');
  for (const [at, value] of [[14, 40], [18, 60_000], [22, 60_000], [26, 24 << 16 | 1]]) header.writeUInt32LE(value, at);
  await assert.rejects(model.predict(header), (error) => error instanceof LimitError && /60000x60000/.test(error.message));
  await assert.rejects(strict.predict({ data: new Uint8Array(5000), width: 50, height: 25 }), LimitError);
  assert.equal((await strict.predict({ data: new Uint8Array(400), width: 10, height: 10 })).faces.length, 0);
  assert.equal((await model.predict(portrait)).faces.length, 1);
});

test('bytes that were transferred, and a file that has gone', async () => {
  const gone = new Uint8Array(4);
  const whole = gone.buffer;
  structuredClone(whole, { transfer: [whole] });
  for (const source of [gone, whole, { data: gone, width: 1, height: 1 }]) await assert.rejects(model.predict(source), ArgumentError);
  await assert.rejects(FacePredict.load({ wasm: model.module, model: whole }), ArgumentError);
  const blob = Object.assign(new Blob([portrait]), { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) });
  await assert.rejects(model.predict(blob), (error) => error instanceof ImageError && error.status === 20);
  assert.equal((await model.predict(portrait)).faces.length, 1);
});

test('in Node the module may be a path', async () => {
  const file = fileURLToPath(at('bindings/js/face_predict.wasm'));
  for (const wasm of [file, relative(process.cwd(), file), at('bindings/js/face_predict.wasm'), `${at('bindings/js/face_predict.wasm')}`]) {
    assert.equal((await FacePredict.load({ wasm })).name, model.name);
  }
  await assert.rejects(FacePredict.load({ wasm: '/absent/face_predict.wasm' }), (error) => error instanceof LoadError && /absent/.test(error.message));
});

test('modules that cannot be loaded', async () => {
  await assert.rejects(FacePredict.load({ wasm: new Uint8Array([1, 2, 3]) }), LoadError);
  await assert.rejects(FacePredict.load({ wasm: 'file:///absent/face_predict.wasm' }), LoadError);
  await assert.rejects(FacePredict.load({ wasm: 'http://127.0.0.1:9/face_predict.wasm' }), LoadError);
  const { WebAssembly: real } = globalThis;
  try {
    globalThis.WebAssembly = undefined;
    await assert.rejects(FacePredict.load(), (error) => error instanceof LoadError && /no WebAssembly/.test(error.message));
    globalThis.WebAssembly = { validate: () => false };
    await assert.rejects(FacePredict.load(), (error) => error instanceof LoadError && /no SIMD/.test(error.message));
  } finally {
    globalThis.WebAssembly = real;
  }
});

test('package, binding and module have one version', async () => {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(version, [VERSION >> 16, (VERSION >> 8) & 255, VERSION & 255].join('.'));
  assert.equal(model._native.exports.face_predict_version(), VERSION);
  // The smallest possible module has no version.
  await assert.rejects(FacePredict.load({ wasm: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) }), LoadError);
});

test('model files', async () => {
  const tiny = await FacePredict.load({ wasm: model.module, model: await readFile(at('models/tiny.onnx')) });
  assert.match(tiny.name, /tiny/);
  assert.equal((await tiny.predict(portrait)).faces.length, 1);
  await assert.rejects(FacePredict.load({ wasm: model.module, model: new Uint8Array(100) }), ModelError);
});

test('memory that cannot grow is an error, and the next picture works', async () => {
  const own = await FacePredict.load({ wasm: model.module });
  const before = (await own.predict(portrait)).faces;
  growAll(own._native.memory);
  // This is more than the heap has: the picture itself, then what decoding and searching need.
  const large = { data: new Uint8Array(4 * 6000 * 6000), width: 6000, height: 6000 };
  await assert.rejects(own.predict(large), MemoryShortError);
  assert.deepEqual((await own.predict(portrait)).faces, before);
});

test('a model that is closed while it is started anew says so', async () => {
  for (let turns = 1; turns <= 8; turns += 1) {
    const own = await FacePredict.load({ wasm: model.module });
    growAll(own._native.memory);
    const large = { data: new Uint8Array(4 * 6000 * 6000), width: 6000, height: 6000 };
    await assert.rejects(own.predict(large), MemoryShortError);
    const next = own.predict(portrait);
    next.catch(() => {});
    for (let turn = 0; turn < turns; turn += 1) await null;
    own.close();
    await assert.rejects(next, ArgumentError, `closed after ${turns} turns`);
  }
});

test('memory that is short inside the library is an error, and the next picture works', async () => {
  const own = await FacePredict.load({ wasm: model.module });
  const before = (await own.predict(portrait)).faces;
  const native = own._native;
  const { face_predict_wasm_alloc: alloc, face_predict_wasm_free: free } = native.exports;
  // There is room for the picture alone. Its size is new, so the detector must be prepared again.
  const picture = { data: new Uint8Array(4 * 700 * 300), width: 700, height: 300 };
  const room = alloc(picture.data.length + 4096);
  growAll(native.memory);
  for (let size = 1 << 30; size >= 16; size >>= 1) while (alloc(size) !== 0);
  free(room, picture.data.length + 4096);
  await assert.rejects(own.predict(picture), MemoryShortError);
  // The module has gone with all that it held.
  assert.deepEqual((await own.predict(portrait)).faces, before);
});

test('a trap is an error, and the module is started anew', async () => {
  const own = await FacePredict.load({ wasm: model.module });
  const tracker = own.track();
  const first = (await tracker.update(portrait, 0)).faces;
  const before = (await own.predict(portrait)).faces;
  const ended = own._native;
  // All memory above the stack and the constants is overwritten, so pointers lead nowhere.
  new Uint8Array(ended.memory.buffer).fill(0xff, 1 << 20);
  await assert.rejects(own.predict(portrait), (error) => {
    assert.ok(error instanceof InternalError || error instanceof MemoryShortError, error);
    assert.ok(error.cause instanceof WebAssembly.RuntimeError, error.cause);
    return true;
  });
  assert.ok(ended.ended);
  assert.deepEqual((await own.predict(portrait)).faces, before);
  assert.notEqual(own._native, ended);
  // A tracker continues without using a number twice.
  const later = (await tracker.update(portrait, 40000)).faces;
  assert.equal(later.length, 1);
  assert.ok(later[0].trackId > first[0].trackId, `${later[0].trackId}`);
});

test('a panic is told with its message', () => {
  const text = new TextEncoder().encode('panicked at src/here.rs: because\0');
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set(text, 64);
  const trap = () => {
    throw new WebAssembly.RuntimeError('unreachable');
  };
  const native = new Native({ memory, face_predict: trap, face_predict_wasm_panic: () => 64 });
  assert.throws(() => native.call('face_predict'), (error) => error instanceof InternalError && /because/.test(error.message));
  // It has ended for good.
  assert.throws(() => native.call('face_predict_wasm_panic'), InternalError);
  const short = new Native({ memory, face_predict: trap, face_predict_wasm_panic: () => 0 });
  assert.throws(() => short.call('face_predict'), MemoryShortError);
});

test('a tracker follows a face over frames', async () => {
  const tracker = model.track({ memorySeconds: 2 });
  const ids = new Set();
  for (let i = 0; i < 5; i++) {
    const { faces } = await tracker.update(portrait, i * 33000);
    assert.equal(faces.length, 1);
    ids.add(faces[0].trackId);
    assert.equal(faces[0].trackEstimates, i + 1);
  }
  assert.equal(ids.size, 1);
  await assert.rejects(tracker.update(portrait, 0), ArgumentError);
  await tracker.reset();
  const { faces } = await tracker.update(portrait, 200000);
  assert.ok(!ids.has(faces[0].trackId));
  await tracker.close();
  await tracker.close();
  await assert.rejects(tracker.update(portrait, 300000), { name: 'ArgumentError', message: /tracker is closed/ });
  await assert.rejects(tracker.reset(), ArgumentError);
});

test('pictures that are asked for at once are taken in order', async () => {
  const tracker = model.track();
  const all = await Promise.all([0, 1, 2, 3].map((i) => tracker.update(portrait, i * 33000)));
  assert.deepEqual(all.map(({ faces }) => faces[0].trackEstimates), [1, 2, 3, 4]);
});

test('memory does not grow over pictures', async () => {
  const own = await FacePredict.load({ wasm: model.module });
  for (let i = 0; i < 3; i++) await own.predict(portrait);
  const { byteLength } = own._native.memory.buffer;
  for (let i = 0; i < 20; i++) {
    await own.predict(portrait);
    await own.predict(Buffer.from('no picture')).catch(() => {});
  }
  assert.equal(own._native.memory.buffer.byteLength, byteLength);
});

test('a closed model says so', async () => {
  const own = await FacePredict.load({ wasm: model.module });
  own.close();
  await assert.rejects(own.predict(portrait), ArgumentError);
  assert.throws(() => own.name, ArgumentError);
});

test('a worker takes the compiled module, and its answers can be sent', async () => {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.index).then(async ({ FacePredict }) => {
       const model = await FacePredict.load({ wasm: workerData.module });
       parentPort.postMessage(await model.predict(workerData.portrait));
     });`,
    { eval: true, workerData: { index: new URL('../index.js', import.meta.url).href, module: model.module, portrait } },
  );
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.deepEqual(answer, await model.predict(portrait));
});
