// FacePredict, the model, and Tracker.

import { answer } from './answers.js';
import { ArgumentError, ImageError, MemoryShortError } from './errors.js';
import { CONSTANTS, STRUCTS, write } from './layout.js';
import { compile, Native } from './module.js';
import { known, prepare, share, whole } from './options.js';
import { bytes, decodedByBrowser, picture } from './pictures.js';

const LOAD = new Set(['wasm', 'model', 'maxPixels', 'plainConvolutions']);
const TRACK = new Set(['detectEvery', 'estimateEvery', 'memorySeconds', 'lostSeconds']);
const MAX_PIXELS = 67108864;
const SECRET = Symbol('FacePredict.load');

/** The state of one started module. A trap ends it as a whole, and a new one takes its place. */
class Session {
  constructor(native, { model, maxPixels, plainConvolutions }) {
    this.native = native;
    this.trackers = new Map();
    const options = write('face_predict_model_options', {
      flags: plainConvolutions ? CONSTANTS.PLAIN_CONVOLUTIONS : 0,
      max_pixels: maxPixels,
    });
    this.handle = native.with([options, new Uint8Array(4), model], (options, out, bytes) => {
      if (model) native.check('face_predict_model_load_memory', bytes, model.byteLength, options, out);
      else native.check('face_predict_model_load_default', options, out);
      return native.number(out);
    });
    this.result = native.call('face_predict_result_new');
    if (!this.result) throw new MemoryShortError('no memory for a result', { status: 60 });
  }

  /** Calls `body` with the addresses of a picture and of options. */
  predict(image, given, { rotation = 0, mirrored = false }, body) {
    const { native } = this;
    return native.with([image.data, given.regions], (data, regions) => {
      const options = given.struct(regions);
      const picture = write('face_predict_image', {
        format: image.format,
        width: image.width,
        height: image.height,
        planes: image.offsets.map((offset) => data + offset),
        strides: image.strides,
        sizes: image.sizes,
        rotation: whole('rotation', rotation),
        mirrored: mirrored ? 1 : 0,
        chroma_step: image.chromaStep ?? 0,
        yuv: image.yuv ?? 0,
        bottom_up: image.bottomUp ? 1 : 0,
      });
      return native.with([picture, options], (picture, options) => {
        body(picture, options);
        return answer(native, this.result);
      });
    });
  }

  tracker(key, options) {
    const { native } = this;
    if (!this.trackers.has(key)) {
      const handle = native.with([options, new Uint8Array(4)], (options, out) => {
        native.check('face_predict_tracker_new', this.handle, options, out);
        return native.number(out);
      });
      this.trackers.set(key, handle);
    }
    return this.trackers.get(key);
  }
}

/** A loaded model. Load once. Pictures are predicted one after another. */
export class FacePredict {
  #module;
  #settings;
  #session;
  #texts = {};
  #queue = Promise.resolve();
  #closed = false;

  constructor(secret, module, settings) {
    if (secret !== SECRET) throw new ArgumentError('a model comes from await FacePredict.load()');
    this.#module = module;
    this.#settings = settings;
  }

  static async load(options = {}) {
    known(options, LOAD, 'options of load');
    const { wasm, model, maxPixels = MAX_PIXELS, plainConvolutions = false } = options;
    if (whole('maxPixels', maxPixels) === 0) throw new ArgumentError('maxPixels is 0, but it must be above 0');
    if (model !== undefined && !(model instanceof ArrayBuffer || model instanceof Uint8Array)) {
      throw new ArgumentError('a model is the bytes of a model file');
    }
    // This is a copy, since the module may have to be started again.
    const kept = model && bytes(model).slice();
    const loaded = new FacePredict(SECRET, await compile(wasm), { model: kept, maxPixels, plainConvolutions });
    await loaded.#start();
    return loaded;
  }

  /**
   * Returns the compiled module. Other workers pass it to `FacePredict.load({ wasm })`, and need not compile it again.
   */
  get module() {
    return this.#module;
  }

  /** Returns the name and version of the networks. */
  get name() {
    return this.#text('face_predict_model_name');
  }

  /** Returns the licences of the weights. */
  get license() {
    return this.#text('face_predict_model_license');
  }

  /** Finds the faces of a picture and estimates them. */
  predict(source, options = {}) {
    return this.#predict(source, options, (session, picture, given) =>
      session.native.check('face_predict', session.handle, picture, given, session.result),
    );
  }

  /** Makes a tracker for the frames of one camera. */
  track(options = {}) {
    return new Tracker(this, options);
  }

  /** Frees the module and its memory. Later calls fail. */
  close() {
    this.#closed = true;
    this.#session = null;
    this.#settings = null;
  }

  /** Tracker calls this with the next frame. */
  _update(tracker, source, time, options) {
    return this.#predict(source, options, (session, picture, given) => {
      const handle = session.tracker(tracker.key, tracker.options);
      session.native.check('face_predict_tracker_update', handle, picture, BigInt(time), given, session.result);
    });
  }

  /** Tracker calls this to do something with its handle, if there is one. */
  _tracker(key, does) {
    return this.#turn(() => {
      const handle = this.#session?.trackers.get(key);
      if (handle && !this.#session.native.ended) this.#session.native.call(`face_predict_tracker_${does}`, handle);
      if (does === 'free') this.#session?.trackers.delete(key);
    });
  }

  /** Returns the running module, for tests. */
  get _native() {
    return this.#session?.native;
  }

  /** Returns a number for trackers that grows each time the module is started again. */
  _starts = 0;

  #open() {
    if (this.#closed) throw new ArgumentError('the model is closed: load a new one');
  }

  #text(name) {
    this.#open();
    return this.#texts[name];
  }

  async #start() {
    this.#session = null;
    const started = await Native.start(this.#module);
    // It may have been closed meanwhile.
    this.#open();
    this.#session = new Session(started, this.#settings);
    const { native, handle } = this.#session;
    const names = ['face_predict_model_name', 'face_predict_model_license'];
    this.#texts = Object.fromEntries(names.map((name) => [name, native.text(native.call(name, handle))]));
    this._starts += 1;
  }

  /** Calls run one after another, so frames of a tracker stay in order. */
  #turn(body) {
    const turn = this.#queue.then(body);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #predict(source, options, call) {
    return this.#turn(async () => {
      this.#open();
      const given = prepare(options);
      const { maxPixels } = this.#settings;
      const image = await picture(source, maxPixels);
      this.#open();
      // A trap has ended the module, so memory, networks and all the rest are made again.
      if (!this.#session || this.#session.native.ended) await this.#start();
      const session = this.#session;
      const run = (image) => {
        try {
          return session.predict(image, given, options, (picture, given) => call(session, picture, given));
        } catch (error) {
          // A module never gives back memory to which it has grown, so the whole module is dropped.
          if (error instanceof MemoryShortError) this.#session = null;
          throw error;
        }
      };
      try {
        return run(image);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        const decoded = await decodedByBrowser(source, maxPixels);
        if (!decoded) throw error;
        return run(decoded);
      }
    });
  }
}

/**
 * Follows faces over frames. It gives each face a number, and averages its estimates. Use one tracker for each camera.
 */
export class Tracker {
  #model;
  #starts = 0;
  #closed = false;
  #ids = { base: 0, highest: 0 };

  constructor(model, given = {}) {
    if (!(model instanceof FacePredict)) throw new ArgumentError('a tracker is of a model: await FacePredict.load()');
    known(given, TRACK, 'options of a tracker');
    this.#model = model;
    this.key = Symbol('tracker');
    this.options = write('face_predict_tracker_options', {
      detect_every: whole('detectEvery', given.detectEvery),
      estimate_every: whole('estimateEvery', given.estimateEvery),
      memory_seconds: share('memorySeconds', given.memorySeconds),
      lost_seconds: share('lostSeconds', given.lostSeconds),
    });
  }

  /** Takes the next frame. `timeUs` is in microseconds from any start, and must not go back. */
  async update(source, timeUs, options = {}) {
    this.#open();
    const time = Math.round(timeUs ?? source?.timestamp ?? performance.now() * 1000);
    if (!Number.isSafeInteger(time)) throw new ArgumentError(`timeUs is ${String(timeUs)}, a number is wanted`);
    const found = await this.#model._update(this, source, time, options);
    // A module that was started again counts from 1, but this tracker never uses a number twice.
    if (this.#starts !== this.#model._starts) {
      this.#starts = this.#model._starts;
      this.#ids.base = this.#ids.highest;
    }
    for (const face of found.faces) {
      if (face.trackId === null) continue;
      face.trackId += this.#ids.base;
      this.#ids.highest = Math.max(this.#ids.highest, face.trackId);
    }
    return found;
  }

  /** Forgets all faces, for example after a seek. Their numbers are not used again. */
  async reset() {
    this.#open();
    return this.#model._tracker(this.key, 'reset');
  }

  /** Frees the tracker. */
  close() {
    this.#closed = true;
    return this.#model._tracker(this.key, 'free');
  }

  #open() {
    if (this.#closed) throw new ArgumentError('the tracker is closed: make a new one');
  }
}
