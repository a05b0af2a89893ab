export { FacePredict, Tracker } from './src/model.js';
export { ageAtLeast } from './src/answers.js';
export {
  ArgumentError,
  FacePredictError,
  ImageError,
  InternalError,
  LimitError,
  LoadError,
  MemoryShortError,
  ModelError,
  UnsupportedError,
} from './src/errors.js';
