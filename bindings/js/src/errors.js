// Errors, with one class for each kind of failure.

/**
 * A failure. `code` is a word that does not change. `status` is the number in face_predict.h, or 0 if the failure is
 * the binding's.
 */
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
        // The name is kept even if a bundler shortens names of classes.
        this.name = name;
      }
    },
  })[name];

/** The call was wrong: a value is not valid. The message says which. */
export const ArgumentError = kind('ArgumentError', 'argument');
/** This build of the module lacks something that the call needs. */
export const UnsupportedError = kind('UnsupportedError', 'unsupported');
/** The bytes are not a picture that can be decoded. */
export const ImageError = kind('ImageError', 'image');
/** The picture is larger than the limit (`maxPixels`). */
export const LimitError = kind('LimitError', 'limit');
/** The model file is damaged, has an unknown version, or is for another task. */
export const ModelError = kind('ModelError', 'model');
/** There is not enough memory. The module is started again for the next picture. */
export const MemoryShortError = kind('MemoryShortError', 'memory');
/** The library caught a bug of its own. The module is started again for the next picture. */
export const InternalError = kind('InternalError', 'internal');
/** The module could not be fetched or started: no WebAssembly, no SIMD, or a wrong address. */
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

/** Makes the error for a status of the C interface. */
export function errorOf(status, message) {
  return new (BY_STATUS[status] ?? InternalError)(message, { status });
}
