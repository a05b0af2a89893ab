// Compiles and calls the WebAssembly module, manages its memory, and handles its traps.

import { errorOf, InternalError, LoadError, MemoryShortError } from './errors.js';

// A module with one vector instruction, which is valid only where there is SIMD128.
const WITH_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** The version of the module that this binding needs: major << 16 | minor << 8 | patch. */
export const VERSION = (0 << 16) | (1 << 8) | 0;

const spelt = (version) => [version >> 16, (version >> 8) & 255, version & 255].join('.');

/** Fails if the module cannot run here. */
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

/** Returns the address of a file. A program of Node has no address of its own, so there a text may also be a path. */
async function addressed(source) {
  const isPath = typeof source === 'string' && !/^[a-z][a-z0-9+.-]+:/i.test(source);
  if (isPath && !globalThis.location && typeof process === 'object') {
    const { pathToFileURL } = await import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:url');
    return pathToFileURL(source);
  }
  return new URL(source, globalThis.location?.href);
}

async function compiled(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) return WebAssembly.compile(source);
  if (typeof Response === 'function' && source instanceof Response) {
    return WebAssembly.compile(await source.arrayBuffer());
  }
  const url = await addressed(source);
  if (url.protocol === 'file:' && typeof process === 'object') {
    const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetched(url);
  // Some servers do not know the type of .wasm and send another one, which streaming refuses.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** Returns the compiled module from an address, bytes, a response, or a module that was compiled before. */
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
      // At this point the module asks for its first memory.
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

  /** Does the same for a function that returns a status. */
  check(name, ...values) {
    const status = this.call(name, ...values);
    if (status !== 0) throw errorOf(status, this.text(this.call('face_predict_last_error')));
  }

  #reason(cause) {
    let said = '';
    try {
      said = this.text(this.exports.face_predict_wasm_panic());
    } catch {
      // There is no more to learn from it.
    }
    if (said) return new InternalError(`the library caught a bug of its own: ${said}`, { status: 90, cause });
    // Without memory for its own needs, Rust ends a module without a panic.
    if (/unreachable/i.test(cause?.message)) {
      const mega = Math.round(this.memory.buffer.byteLength / 1e6);
      return new MemoryShortError(`memory is short: the module holds ${mega} MB and cannot have more`, { status: 60, cause });
    }
    return new InternalError(`the module ended: ${cause?.message}`, { status: 90, cause });
  }

  /** Returns the module's memory now. It moves when it grows. */
  get view() {
    if (this.#view?.buffer !== this.memory.buffer) this.#view = new Uint8Array(this.memory.buffer);
    return this.#view;
  }

  /** Returns a text of C. */
  text(pointer) {
    const end = this.view.indexOf(0, pointer);
    return new TextDecoder().decode(this.view.subarray(pointer, end));
  }

  /** Returns the number at an address. */
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
