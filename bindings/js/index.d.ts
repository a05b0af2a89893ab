/// <reference lib="dom" />

/** A position in pixels of the upright picture; (0, 0) is the top left corner. */
export interface Point {
  x: number;
  y: number;
}

/** A rectangle in pixels of the upright picture; it may reach beyond the picture. */
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

/** One face. `null` stands where something was skipped, not given, or not decided. A plain object: it can be sent to a worker. */
export interface Face {
  box: Box;
  /** Left eye, right eye, nose, left and right mouth corner; left and right as seen. */
  landmarks: Point[] | null;
  /** How sure the detector is that this is a face, from 0 to 1; null for a face that was given. */
  score: number | null;
  /** The estimated age in years: the median of the distribution. */
  age: number | null;
  /** The lower end of the interval that holds the true age with the probability `ageCoverage`. */
  ageLow: number | null;
  /** The upper end of that interval. */
  ageHigh: number | null;
  /** Probability of each whole year from 0, summing to 1. */
  ageDistribution: Float32Array | null;
  /** Calibrated probability of the label female, 0 to 1. */
  femaleProbability: number | null;
  /** The label that strangers would give; null where the probability is below the threshold. */
  gender: Gender | null;
  /** Reasons to trust this face less; empty if there is none. */
  quality: Quality[];
  /** The direction of the head in degrees, with an error of about ten; positive towards the right of the picture. null without landmarks. */
  yaw: number | null;
  /** The tilt of the head in degrees; positive upwards. */
  pitch: number | null;
  /** The rotation of the head in the picture, in degrees; positive clockwise. */
  roll: number | null;
  /** The index of this face in `boxes`, from 0; null for a face that was found. */
  regionIndex: number | null;
  /** A number that stays the same while a tracker follows the face. */
  trackId: number | null;
  /** The number of estimates that the answer averages: one for each frame in which the tracker estimated the face; 0 without a tracker. */
  trackEstimates: number;
}

/** The faces of a picture, the largest first. */
export interface Prediction {
  /** Width of the upright picture. */
  width: number;
  height: number;
  faces: Face[];
}

/** Pixels in memory. ImageData is one. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 'RGBA' unless said otherwise. */
  format?: Format;
  /** Where each plane starts in `data`. One: the others follow it without a gap. */
  offsets?: readonly number[];
  /** Bytes of each plane; to the end of `data` unless said otherwise. */
  sizes?: readonly number[];
  /** Bytes from one row to the next, of each plane; 0 means no padding. */
  strides?: readonly number[];
  /** I420: bytes between samples of colour. */
  chromaStep?: number;
  yuv?: Yuv;
  /** The first row in memory is the lowest one. */
  bottomUp?: boolean;
}

/**
 * A picture. An ArrayBuffer, a Uint8Array (Node's Buffer is one) and a Blob are the bytes of a JPEG, PNG, WebP or BMP file, whose Exif
 * orientation is applied; a Blob may be of any format that the browser decodes.
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
  /** Faces found already, forehead to chin: nothing is searched, even if the list is empty. */
  boxes?: readonly (Box | readonly [number, number, number, number])[];
  /** Five places for each box, null where they are not known. */
  landmarks?: readonly (readonly (Point | readonly [number, number])[] | null)[];
  /** The whole picture is one face, cropped as in face data sets. */
  cropped?: boolean;
  /** Keeps at most this many faces, the largest; 0 means all. */
  maxFaces?: number;
  /** The probability that the true age lies between `ageLow` and `ageHigh`; 0.8 by default. */
  ageCoverage?: number;
  /** The smallest probability for which a label is given, from 0.5 to 1. */
  genderThreshold?: number;
  skipAge?: boolean;
  skipGender?: boolean;
  /** Searches as a tracker searches its frames: at one small scale, in a sixth of the time. */
  fastSearch?: boolean;
  /** Searches in four quarter turns, for pictures that may lie on a side or stand on their head. Takes four times as long. */
  tryTurns?: boolean;
  /** Smallest face that is searched for, in pixels of the picture: the shorter side of its box. A fiftieth of the longer side, at least 13. */
  minFaceSize?: number;
  /** The smallest score of a found face that is kept, from 0 to 1. */
  minScore?: number;
  /** The number of crops of each face whose answers are averaged, from 1 to 8; each costs as much as the first. */
  crops?: number;
  /** The clockwise rotation that makes the picture upright, in degrees: 0, 90, 180 or 270. */
  rotation?: number;
  /** Swaps left and right after rotating. */
  mirrored?: boolean;
}

export interface LoadOptions {
  /** The module: its address, its bytes, a response, or one that was compiled. The file beside this package unless said otherwise. */
  wasm?: string | URL | ArrayBuffer | Uint8Array | Response | WebAssembly.Module;
  /** The bytes of a model file; what it lacks comes from the built-in model. */
  model?: Uint8Array | ArrayBuffer;
  /** The largest picture that is accepted, in pixels; 67108864 by default. */
  maxPixels?: number;
  /** Leaves all convolutions to the engine, for comparison. */
  plainConvolutions?: boolean;
}

/** A loaded model. Load once; pictures that are asked for at the same time are taken one after the other. */
export class FacePredict {
  private constructor();
  /** Fails with LoadError, ModelError, MemoryShortError or ArgumentError. */
  static load(options?: LoadOptions): Promise<FacePredict>;
  /** Finds the faces of a picture and estimates them. Fails with a FacePredictError; the next picture works. */
  predict(picture: Picture, options?: PredictOptions): Promise<Prediction>;
  /** A tracker for the frames of one camera. */
  track(options?: TrackerOptions): Tracker;
  /** Frees the module and its memory. */
  close(): void;
  /** The compiled module: workers take it as `FacePredict.load({ wasm })`. */
  readonly module: WebAssembly.Module;
  /** Name and version of the networks. */
  readonly name: string;
  /** The licences of the weights. */
  readonly license: string;
}

export interface TrackerOptions {
  /** The detector runs on every n-th frame; 0 means every frame. */
  detectEvery?: number;
  /** A face is estimated on every n-th frame in which the detector finds it; 0 means every one. */
  estimateEvery?: number;
  /** The time constant of the average over estimates in seconds; 2 by default. */
  memorySeconds?: number;
  /** The time in seconds after which a face that is no longer found is forgotten; 1 by default. */
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
  /** Frees the tracker. */
  close(): Promise<void>;
}

/** Probability that the person has lived `years` or more; null where the age was skipped. */
export function ageAtLeast(face: Pick<Face, 'ageDistribution'>, years: number): number | null;

export type ErrorCode = 'argument' | 'unsupported' | 'image' | 'limit' | 'model' | 'memory' | 'internal' | 'load';

/** A failure. */
export class FacePredictError extends Error {
  /** A word that later versions do not change. */
  readonly code: ErrorCode;
  /** The number of face_predict.h, or 0 where the failure is the binding's. */
  readonly status: number;
}
/** The call was wrong: a value is not valid. The message says which. */
export class ArgumentError extends FacePredictError {}
/** Not in this build of the module. */
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
/** The module could not be fetched or started: no WebAssembly, no SIMD, a wrong address. */
export class LoadError extends FacePredictError {}
