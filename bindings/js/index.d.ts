/// <reference lib="dom" />

/** A position in pixels of the upright picture. (0, 0) is the top left corner. */
export interface Point {
  x: number;
  y: number;
}

/** A rectangle in pixels of the upright picture. It may reach beyond the picture. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Gender = 'female' | 'male';

/** A reason to trust a face less. */
export type Quality = 'small' | 'blurred' | 'dark' | 'bright' | 'turned' | 'cut_off' | 'not_upright';

export type Format =
  | 'GRAY' | 'RGB' | 'BGR' | 'RGBA' | 'BGRA' | 'ARGB' | 'ABGR'
  | 'NV12' | 'NV21' | 'I420' | 'YUYV' | 'UYVY' | 'P010';

/** How YUV is converted to colours. */
export type Yuv = 'BT601_LIMITED' | 'BT601_FULL' | 'BT709_LIMITED' | 'BT709_FULL';

/**
 * One face. A number is `null` if it was not estimated, not given, or not decided. It is a plain object, which can be
 * sent to a worker.
 */
export interface Face {
  box: Box;
  /** The left eye, right eye, nose, left and right corner of the mouth. Left and right are as seen in the picture. */
  landmarks: Point[] | null;
  /** How sure the detector is that this is a face, from 0 to 1. null for a face that the caller gave. */
  score: number | null;
  /** The estimated age in years: the median of the distribution. */
  age: number | null;
  /** The lower end of the interval that holds the true age with the probability `ageCoverage`. */
  ageLow: number | null;
  /** The upper end of that interval. */
  ageHigh: number | null;
  /** The probabilities of the whole years from 0, which sum to 1. */
  ageDistribution: Float32Array | null;
  /** The calibrated probability of the label female, from 0 to 1. */
  femaleProbability: number | null;
  /** The label that strangers would give. null if its probability is below the threshold. */
  gender: Gender | null;
  /** The reasons to trust this face less. It is empty if there is none. */
  quality: Quality[];
  /**
   * The direction of the head in degrees, with an error of about ten. Positive means towards the right of the picture.
   * It is null without landmarks.
   */
  yaw: number | null;
  /** The tilt of the head in degrees. Positive means upwards. */
  pitch: number | null;
  /** The rotation of the head in the picture, in degrees. Positive means clockwise. */
  roll: number | null;
  /** The index of this face in `boxes`, from 0. null for a face that was found. */
  regionIndex: number | null;
  /** A number that stays the same while a tracker follows the face. */
  trackId: number | null;
  /**
   * The number of estimates that the answer averages: one for each frame in which the tracker estimated the face. 0
   * without a tracker.
   */
  trackEstimates: number;
}

/** The faces of a picture, with the largest first. */
export interface Prediction {
  /** The width of the upright picture in pixels. */
  width: number;
  height: number;
  faces: Face[];
}

/** Pixels in memory. ImageData is one. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** The format. The default is 'RGBA'. */
  format?: Format;
  /** The start of each plane in `data`. With one number, the other planes follow without a gap. */
  offsets?: readonly number[];
  /** The bytes of each plane. By default a plane reaches to the end of `data`. */
  sizes?: readonly number[];
  /** The bytes from one row to the next, for each plane. 0 means no padding. */
  strides?: readonly number[];
  /** The bytes from one colour sample to the next in I420. */
  chromaStep?: number;
  yuv?: Yuv;
  /** Whether the first row in memory is the lowest one. */
  bottomUp?: boolean;
}

/**
 * A picture. An ArrayBuffer, a Uint8Array (such as Node's Buffer) or a Blob holds the bytes of a JPEG, PNG, WebP or BMP
 * file. Its Exif orientation is applied. A Blob may have any format that the browser can decode.
 */
export type Picture =
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Pixels
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame;

export interface PredictOptions {
  /**
   * The faces, if they were found already. A box reaches from the forehead to the chin. Nothing is then searched, even
   * if the list is empty.
   */
  boxes?: readonly (Box | readonly [number, number, number, number])[];
  /** Five points for each box, or null if they are unknown. */
  landmarks?: readonly (readonly (Point | readonly [number, number])[] | null)[];
  /** Whether the whole picture is one face, cropped as in face data sets. */
  cropped?: boolean;
  /** The largest number of faces to keep; the largest faces are kept. 0 means all. */
  maxFaces?: number;
  /** The probability that the true age lies between `ageLow` and `ageHigh`. The default is 0.8. */
  ageCoverage?: number;
  /** The smallest probability for which a label is given, from 0.5 to 1. */
  genderThreshold?: number;
  skipAge?: boolean;
  skipGender?: boolean;
  /**
   * Searches as a tracker searches its frames: at one small scale, in a fifth to a sixth of the time. Most faces below
   * a sixteenth of the picture's longer side are then missed.
   */
  fastSearch?: boolean;
  /**
   * Searches upright and in the three other quarter turns, for pictures that may lie on a side or stand upside down. It
   * takes four to five times as long.
   */
  tryTurns?: boolean;
  /**
   * The smallest face that is searched for, as the shorter side of its box in pixels of the picture. The default is a
   * fiftieth of the longer side, and at least 13 pixels; the smallest of these are often missed. A smaller number
   * searches more closely, and each halving can take four times as long.
   */
  minFaceSize?: number;
  /** The smallest score of a found face that is kept, above 0 and below 1. */
  minScore?: number;
  /**
   * The number of crops of each face whose answers are averaged, from 1 to 8. Each crop takes as much time as the
   * first.
   */
  crops?: number;
  /** The clockwise rotation that makes the picture upright, in degrees: 0, 90, 180 or 270. */
  rotation?: number;
  /** Swaps left and right after the rotation. */
  mirrored?: boolean;
}

export interface LoadOptions {
  /**
   * The module: its address (in Node also its path), its bytes, a response, or a compiled module. The default is the file
   * beside this package.
   */
  wasm?: string | URL | ArrayBuffer | Uint8Array | Response | WebAssembly.Module;
  /** The bytes of a model file. Parts that it lacks come from the built-in model. */
  model?: Uint8Array | ArrayBuffer;
  /** The largest picture that is accepted, in pixels. The default is 67108864. */
  maxPixels?: number;
  /** Leaves all convolutions to the engine, for comparison. */
  plainConvolutions?: boolean;
}

/** A loaded model. Load once. Pictures that are asked for at the same time are predicted one after another. */
export class FacePredict {
  private constructor();
  /** Fails with LoadError, ModelError, MemoryShortError or ArgumentError. */
  static load(options?: LoadOptions): Promise<FacePredict>;
  /** Finds the faces of a picture and estimates them. It fails with a FacePredictError, and the next picture works. */
  predict(picture: Picture, options?: PredictOptions): Promise<Prediction>;
  /** Makes a tracker for the frames of one camera. */
  track(options?: TrackerOptions): Tracker;
  /** Frees the module and its memory. */
  close(): void;
  /** The compiled module, which workers pass to `FacePredict.load({ wasm })`. */
  readonly module: WebAssembly.Module;
  /** The name and version of the networks. */
  readonly name: string;
  /** The licences of the weights. */
  readonly license: string;
}

export interface TrackerOptions {
  /** The detector runs on every n-th frame. 0 means every frame. */
  detectEvery?: number;
  /** A face is estimated on every n-th frame in which the detector finds it. 0 means every one. */
  estimateEvery?: number;
  /** The time constant of the average over estimates, in seconds. The default is 2. */
  memorySeconds?: number;
  /** The time in seconds after which a face that is no longer found is forgotten. The default is 1. */
  lostSeconds?: number;
}

/** Follows faces over frames. It gives each face a number, and averages its estimates. Use one tracker for each camera. */
export class Tracker {
  constructor(model: FacePredict, options?: TrackerOptions);
  /**
   * Takes the next frame. `timeUs` is in microseconds from any start, and must not go back. By default it is the time of the VideoFrame, or the
   * current time.
   */
  update(picture: Picture, timeUs?: number, options?: PredictOptions): Promise<Prediction>;
  /** Forgets all faces, for example after a seek. Their numbers are not used again. */
  reset(): Promise<void>;
  /** Frees the tracker. Later frames fail with ArgumentError. */
  close(): Promise<void>;
}

/** Returns the probability that the person has lived `years` or more, or null if the age was skipped. */
export function ageAtLeast(face: Pick<Face, 'ageDistribution'>, years: number): number | null;

export type ErrorCode = 'argument' | 'unsupported' | 'image' | 'limit' | 'model' | 'memory' | 'internal' | 'load';

/** A failure. */
export class FacePredictError extends Error {
  /** A word that later versions do not change. */
  readonly code: ErrorCode;
  /** The number in face_predict.h. It is 0 if the failure is the binding's. */
  readonly status: number;
}
/** The call was wrong: a value is not valid. The message says which. */
export class ArgumentError extends FacePredictError {}
/** This build of the module lacks something that the call needs. */
export class UnsupportedError extends FacePredictError {}
/** The bytes are not a picture that can be decoded. */
export class ImageError extends FacePredictError {}
/** The picture is larger than the limit. */
export class LimitError extends FacePredictError {}
/** The model file is damaged, has an unknown version, or is for another task. */
export class ModelError extends FacePredictError {}
/** There is not enough memory. */
export class MemoryShortError extends FacePredictError {}
/** The library caught a bug of its own. Please report the message. */
export class InternalError extends FacePredictError {}
/** The module could not be fetched or started: no WebAssembly, no SIMD, or a wrong address. */
export class LoadError extends FacePredictError {}
