// Runs the networks on a thread of their own. Messages are { id, does, picture, time }, and answers are { id, answer }
// or { id, error }.

import { FacePredict } from './face-predict/index.js';

let model = null;
let tracker = null;

const does = {
  async load() {
    model = await FacePredict.load();
    // This is done once, so that the first picture takes no longer than the others.
    await model.predict({ data: new Uint8Array(4 * 640 * 480), width: 640, height: 480 });
    return { name: model.name, license: model.license };
  },
  predict: ({ picture }) => model.predict(picture),
  camera() {
    tracker?.close();
    tracker = model.track();
  },
  async frame({ picture, time }) {
    const start = performance.now();
    try {
      const answer = await tracker.update(picture, time);
      return { ...answer, milliseconds: performance.now() - start };
    } finally {
      picture.close();
    }
  },
};

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ id: data.id, answer: await does[data.does](data) });
  } catch (error) {
    self.postMessage({ id: data.id, error: { code: error.code ?? 'internal', message: error.message } });
  }
};
