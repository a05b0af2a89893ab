// Errors, one class a kind of failure.

/** A failure. `code` is a word that stays, `status` the number that face_predict.h has for it, 0 where the failure is the binding's. */
export class FacePredictError extends Error {
  constructor(message, { code = 'internal', status = 0, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
  }
}

const kind = (name, code) =>
  ({
    [name]: class extends FacePredictError {
      constructor(message, more) {
        super(message, { ...more, code });
        // Kept where a bundler shortens names of classes.
        this.name = name;
      }
    },
  })[name];

/** The call was wrong: a value makes no sense; the message says which. */
export const ArgumentError = kind('ArgumentError', 'argument');
/** Not in this build of the module. */
export const UnsupportedError = kind('UnsupportedError', 'unsupported');
/** The bytes are not a picture that can be decoded. */
export const ImageError = kind('ImageError', 'image');
/** The picture is larger than the limit (`maxPixels`). */
export const LimitError = kind('LimitError', 'limit');
/** The model file is damaged, of an unknown version, or of another task. */
export const ModelError = kind('ModelError', 'model');
/** Memory is short. The module is loaded anew for the next picture. */
export const MemoryShortError = kind('MemoryShortError', 'memory');
/** A bug of the library was caught. The module is loaded anew for the next picture. */
export const InternalError = kind('InternalError', 'internal');
/** The module could not be fetched or started: no WebAssembly, no SIMD, a wrong address. */
export const LoadError = kind('LoadError', 'load');

const BY_STATUS = {
  1: ArgumentError,
  2: ArgumentError,
  3: ArgumentError,
  4: ArgumentError,
  5: UnsupportedError,
  20: ImageError,
  21: ImageError,
  22: LimitError,
  40: ModelError,
  60: MemoryShortError,
  90: InternalError,
};

/** The error for a status of the C interface. */
export function errorOf(status, message) {
  return new (BY_STATUS[status] ?? InternalError)(message, { status });
}
