// The WebAssembly module: compiling it, calling it, its memory, and what becomes of it when it traps.

import { errorOf, InternalError, LoadError, MemoryShortError } from './errors.js';

// A module with one instruction on vectors: what has SIMD128 takes it for valid.
const WITH_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** The version of the module that this binding is for: major << 16 | minor << 8 | patch. */
export const VERSION = (0 << 16) | (1 << 8) | 0;

const spelt = (version) => [version >> 16, (version >> 8) & 255, version & 255].join('.');

/** Fails where the module could not run. */
function check() {
  if (typeof WebAssembly !== 'object') throw new LoadError('this browser has no WebAssembly, or it is switched off');
  if (!WebAssembly.validate(WITH_SIMD)) {
    throw new LoadError('this browser has no SIMD for WebAssembly: Chrome 91, Firefox 89, Safari 16.4, Node 16.4 and later have it');
  }
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new LoadError(`${url} cannot be fetched: ${response.status} ${response.statusText}`);
  return response;
}

async function compiled(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) return WebAssembly.compile(source);
  if (typeof Response === 'function' && source instanceof Response) {
    return WebAssembly.compile(await source.arrayBuffer());
  }
  const url = new URL(source, globalThis.location?.href);
  if (url.protocol === 'file:' && typeof process === 'object') {
    const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetched(url);
  // Servers that do not know the type of .wasm send another one, which streaming refuses.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** The compiled module: from an address, bytes, a response, or one that was compiled before. */
export async function compile(source = new URL('../face_predict.wasm', import.meta.url)) {
  check();
  try {
    return await compiled(source);
  } catch (cause) {
    if (cause instanceof LoadError) throw cause;
    throw new LoadError(`the module cannot be loaded: ${cause.message}`, { cause });
  }
}

/** A running module. Once a call has trapped, it has ended, and every further call fails in the same way. */
export class Native {
  #view;
  ended = null;

  constructor(exports) {
    this.exports = exports;
    this.memory = exports.memory;
  }

  static async start(module) {
    let exports;
    try {
      ({ exports } = await WebAssembly.instantiate(module));
    } catch (cause) {
      // The module asks for its first memory here.
      const kind = cause instanceof RangeError ? MemoryShortError : LoadError;
      throw new kind(`the module cannot be started: ${cause.message}`, { cause });
    }
    // A server or a cache may have kept a file of another version.
    const version = exports.face_predict_version?.();
    if (version !== VERSION) throw new LoadError(`the module is not of version ${spelt(VERSION)}${version ? `, but ${spelt(version)}` : ''}`);
    return new Native(exports);
  }

  /** Calls a function of the module. */
  call(name, ...values) {
    if (this.ended) throw this.ended;
    try {
      return this.exports[name](...values);
    } catch (cause) {
      this.ended = this.#reason(cause);
      throw this.ended;
    }
  }

  /** The same for one that returns a status. */
  check(name, ...values) {
    const status = this.call(name, ...values);
    if (status !== 0) throw errorOf(status, this.text(this.call('face_predict_last_error')));
  }

  #reason(cause) {
    let said = '';
    try {
      said = this.text(this.exports.face_predict_wasm_panic());
    } catch {
      // Nothing more can be learned from it.
    }
    if (said) return new InternalError(`the library caught a bug of its own: ${said}`, { status: 90, cause });
    // Rust ends a module without a panic where memory for its own needs cannot be had.
    if (/unreachable/i.test(cause?.message)) {
      const mega = Math.round(this.memory.buffer.byteLength / 1e6);
      return new MemoryShortError(`memory is short: the module holds ${mega} MB and cannot have more`, { status: 60, cause });
    }
    return new InternalError(`the module ended: ${cause?.message}`, { status: 90, cause });
  }

  /** The module's memory now: it moves when it grows. */
  get view() {
    if (this.#view?.buffer !== this.memory.buffer) this.#view = new Uint8Array(this.memory.buffer);
    return this.#view;
  }

  /** A text of C's. */
  text(pointer) {
    const end = this.view.indexOf(0, pointer);
    return new TextDecoder().decode(this.view.subarray(pointer, end));
  }

  /** The number at an address. */
  number(pointer) {
    return new DataView(this.memory.buffer).getUint32(pointer, true);
  }

  alloc(size) {
    const pointer = this.call('face_predict_wasm_alloc', size) >>> 0;
    if (!pointer) throw new MemoryShortError(`no memory for ${size} bytes`, { status: 60 });
    return pointer;
  }

  free(pointer, size) {
    if (!this.ended) this.call('face_predict_wasm_free', pointer, size);
  }

  /** Runs `body` with addresses of copies of `parts`, which are freed afterwards. */
  with(parts, body) {
    const held = [];
    try {
      for (const part of parts) {
        const size = part?.byteLength ?? 0;
        held.push([part ? this.alloc(size) : 0, size]);
        if (part) this.view.set(part, held.at(-1)[0]);
      }
      return body(...held.map(([pointer]) => pointer));
    } finally {
      for (const [pointer, size] of held) this.free(pointer, size);
    }
  }
}
