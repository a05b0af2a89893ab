// Answers are plain objects. They may be sent to and from workers, and kept as long as you like.

import { CONSTANTS, named, read, STRUCTS } from './layout.js';
import { errorOf } from './errors.js';

const QUALITY = Object.entries(named('QUALITY_')).map(([name, bit]) => [name.toLowerCase(), bit]);
const GENDERS = { [CONSTANTS.GENDER_FEMALE]: 'female', [CONSTANTS.GENDER_MALE]: 'male' };

const optional = (number) => (Number.isNaN(number) ? null : number);
const point = ([x, y]) => ({ x, y });

function face(native, result, index, place) {
  const { size } = STRUCTS.face_predict_face;
  native.check('face_predict_result_face', result, index, place, size);
  const raw = read('face_predict_face', native.view.slice(place, place + size));
  const years = native.call('face_predict_result_age_distribution', result, index, place) >>> 0;
  const count = native.number(place);
  return {
    box: { x: raw.x, y: raw.y, width: raw.width, height: raw.height },
    landmarks: Number.isNaN(raw.landmarks[0][0]) ? null : raw.landmarks.map(point),
    score: optional(raw.score),
    age: optional(raw.age),
    ageLow: optional(raw.age_low),
    ageHigh: optional(raw.age_high),
    ageDistribution: years ? new Float32Array(native.memory.buffer.slice(years, years + 4 * count)) : null,
    femaleProbability: optional(raw.female_probability),
    gender: GENDERS[raw.gender] ?? null,
    quality: QUALITY.filter(([, bit]) => raw.quality & bit).map(([name]) => name),
    yaw: optional(raw.yaw),
    pitch: optional(raw.pitch),
    roll: optional(raw.roll),
    regionIndex: raw.region_index === CONSTANTS.NO_REGION ? null : raw.region_index,
    trackId: raw.track_id || null,
    trackEstimates: raw.track_estimates,
  };
}

/** Copies what a result holds. */
export function answer(native, result) {
  const place = native.alloc(STRUCTS.face_predict_face.size);
  try {
    native.check('face_predict_result_size', result, place, place + 4);
    const [width, height] = [native.number(place), native.number(place + 4)];
    const count = native.call('face_predict_result_count', result);
    const faces = Array.from({ length: count }, (_, index) => face(native, result, index, place));
    return { width, height, faces };
  } finally {
    native.free(place, STRUCTS.face_predict_face.size);
  }
}

/**
 * Returns the probability that the person has lived `years` or more, linear between whole years. It is null if the age
 * was skipped.
 */
export function ageAtLeast(face, years) {
  const { ageDistribution } = face;
  if (!ageDistribution) return null;
  if (typeof years !== 'number' || Number.isNaN(years)) throw errorOf(2, `years is ${String(years)}, a number is wanted`);
  const tail = (first) => {
    const start = Math.min(Math.max(first, 0), ageDistribution.length);
    return Math.min(ageDistribution.subarray(start).reduce((sum, share) => sum + share, 0), 1);
  };
  const low = Math.floor(Math.min(Math.max(years, -1), ageDistribution.length));
  return tail(low) + (tail(low + 1) - tail(low)) * (Math.min(Math.max(years, -1), ageDistribution.length) - low);
}
