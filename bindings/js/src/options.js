// Checks options, and writes them into structs of C.

import { ArgumentError } from './errors.js';
import { CONSTANTS, write } from './layout.js';

const KNOWN = new Set([
  'boxes',
  'landmarks',
  'cropped',
  'maxFaces',
  'ageCoverage',
  'genderThreshold',
  'skipAge',
  'skipGender',
  'minFaceSize',
  'minScore',
  'crops',
  'fastSearch',
  'tryTurns',
  'rotation',
  'mirrored',
]);

/** Returns a whole number of 32 bits. undefined counts as 0. */
export function whole(name, value = 0) {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new ArgumentError(`${name} is ${String(value)}, a whole number is wanted`);
  }
  return value;
}

/** 0 means the default in C, so a given 0 is refused here. */
export function share(name, value) {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || Number.isNaN(value)) throw new ArgumentError(`${name} is ${String(value)}, a number is wanted`);
  if (value === 0) throw new ArgumentError(`${name} is 0, but it must be above 0; undefined is the default`);
  return value;
}

/** Fails for unknown names, which are probably misspelt. */
export function known(given, names, what) {
  if (given === null || typeof given !== 'object') throw new ArgumentError(`${what} are an object, not ${String(given)}`);
  for (const name of Object.keys(given)) {
    if (!names.has(name)) throw new ArgumentError(`${what} have no ${name}; there are ${[...names].join(', ')}`);
  }
}

function numbers(value, names, what) {
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value) : names.map((name) => value?.[name]);
  if (list.length !== names.length || list.some((number) => typeof number !== 'number')) {
    throw new ArgumentError(`${what} is {${names.join(', ')}} or a list of these numbers`);
  }
  return list;
}

/** Returns the bytes of the regions, or null if faces are to be searched. */
function regions({ boxes, landmarks }) {
  if (boxes === undefined || boxes === null) {
    if (landmarks) throw new ArgumentError('landmarks are given without boxes');
    return { count: 0, bytes: null };
  }
  if (!Array.isArray(boxes)) throw new ArgumentError('boxes are a list');
  if (landmarks && landmarks.length !== boxes.length) {
    throw new ArgumentError(`landmarks of ${landmarks.length} faces are given, boxes of ${boxes.length}`);
  }
  const all = boxes.map((box, i) => {
    const [x, y, width, height] = numbers(box, ['x', 'y', 'width', 'height'], 'a box');
    const points = landmarks?.[i] ?? [];
    if (landmarks?.[i] && points.length !== 5) {
      throw new ArgumentError('landmarks of a face are null or five points: eyes, nose, mouth corners');
    }
    const places = points.map((point) => numbers(point, ['x', 'y'], 'a landmark'));
    return write('face_predict_region', { x, y, width, height, landmarks: places });
  });
  // An empty list still means that faces are given. Without it the picture would be searched.
  const bytes = new Uint8Array(Math.max(all.length, 1) * write('face_predict_region', {}).length);
  all.forEach((region, i) => bytes.set(region, i * region.length));
  return { count: all.length, bytes };
}

/** Returns the bytes of the regions, and the struct once their address is known. */
export function prepare(given) {
  known(given, KNOWN, 'options');
  const { count, bytes } = regions(given);
  const flags =
    (given.skipAge ? CONSTANTS.SKIP_AGE : 0) |
    (given.skipGender ? CONSTANTS.SKIP_GENDER : 0) |
    (given.cropped ? CONSTANTS.CROPPED : 0) |
    (given.fastSearch ? CONSTANTS.FAST_SEARCH : 0) |
    (given.tryTurns ? CONSTANTS.TRY_TURNS : 0);
  const values = {
    flags,
    max_faces: whole('maxFaces', given.maxFaces),
    region_count: count,
    age_coverage: share('ageCoverage', given.ageCoverage),
    gender_threshold: share('genderThreshold', given.genderThreshold),
    min_face_size: whole('minFaceSize', given.minFaceSize),
    min_score: share('minScore', given.minScore),
    crops: whole('crops', given.crops),
    region_size: write('face_predict_region', {}).length,
  };
  return { regions: bytes, struct: (address) => write('face_predict_options', { ...values, regions: address }) };
}
