// The structs of face_predict.h in a module's memory. test/layout.test.js compares them with the header.

const SIZES = { u32: 4, i32: 4, f32: 4, pointer: 4, u64: 8, point: 8 };
const SETTERS = { u32: 'setUint32', i32: 'setInt32', f32: 'setFloat32', pointer: 'setUint32' };

/** Computes the offsets of fields `[name, type, count]` by the rules of C. */
function struct(fields) {
  let size = 0;
  let align = 4;
  const places = {};
  for (const [name, type, count = 1] of fields) {
    const own = type === 'u64' ? 8 : 4;
    align = Math.max(align, own);
    size = Math.ceil(size / own) * own;
    places[name] = { offset: size, type, count };
    size += SIZES[type] * count;
  }
  return { fields, places, size: Math.ceil(size / align) * align };
}

export const STRUCTS = {
  face_predict_model_options: struct([
    ['struct_size', 'u32'],
    ['flags', 'u32'],
    ['max_pixels', 'u64'],
  ]),
  face_predict_region: struct([
    ['x', 'f32'],
    ['y', 'f32'],
    ['width', 'f32'],
    ['height', 'f32'],
    ['landmarks', 'point', 5],
  ]),
  face_predict_options: struct([
    ['struct_size', 'u32'],
    ['flags', 'u32'],
    ['max_faces', 'u32'],
    ['region_count', 'u32'],
    ['regions', 'pointer'],
    ['age_coverage', 'f32'],
    ['gender_threshold', 'f32'],
    ['min_face_size', 'u32'],
    ['min_score', 'f32'],
    ['crops', 'u32'],
    ['region_size', 'u32'],
  ]),
  face_predict_image: struct([
    ['struct_size', 'u32'],
    ['format', 'u32'],
    ['width', 'u32'],
    ['height', 'u32'],
    ['planes', 'pointer', 3],
    ['strides', 'pointer', 3],
    ['sizes', 'pointer', 3],
    ['rotation', 'u32'],
    ['mirrored', 'u32'],
    ['chroma_step', 'u32'],
    ['yuv', 'u32'],
    ['bottom_up', 'u32'],
    ['reserved', 'u32'],
  ]),
  face_predict_face: struct([
    ['x', 'f32'],
    ['y', 'f32'],
    ['width', 'f32'],
    ['height', 'f32'],
    ['landmarks', 'point', 5],
    ['score', 'f32'],
    ['age', 'f32'],
    ['age_low', 'f32'],
    ['age_high', 'f32'],
    ['female_probability', 'f32'],
    ['gender', 'u32'],
    ['quality', 'u32'],
    ['yaw', 'f32'],
    ['pitch', 'f32'],
    ['roll', 'f32'],
    ['track_estimates', 'u32'],
    ['region_index', 'u32'],
    ['track_id', 'u64'],
  ]),
  face_predict_tracker_options: struct([
    ['struct_size', 'u32'],
    ['detect_every', 'u32'],
    ['estimate_every', 'u32'],
    ['memory_seconds', 'f32'],
    ['lost_seconds', 'f32'],
  ]),
};

/** Writes `values` into zeroed bytes of a struct. A value is a number, or a list of them if the field has several. */
export function write(name, values) {
  const { places, size } = STRUCTS[name];
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const all = 'struct_size' in places ? { struct_size: size, ...values } : values;
  for (const [field, value] of Object.entries(all)) {
    const { offset, type } = places[field];
    if (type === 'u64') {
      view.setBigUint64(offset, BigInt(value), true);
    } else if (type === 'point') {
      value.flat().forEach((number, i) => view.setFloat32(offset + 4 * i, number, true));
    } else {
      [value].flat().forEach((number, i) => view[SETTERS[type]](offset + 4 * i, number, true));
    }
  }
  return bytes;
}

/** Reads the bytes of a struct: numbers, and points as [x, y]. */
export function read(name, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = {};
  for (const [field, { offset, type, count }] of Object.entries(STRUCTS[name].places)) {
    if (type === 'point') {
      values[field] = Array.from({ length: count }, (_, i) => [
        view.getFloat32(offset + 8 * i, true),
        view.getFloat32(offset + 8 * i + 4, true),
      ]);
    } else if (type === 'u64') {
      values[field] = Number(view.getBigUint64(offset, true));
    } else {
      values[field] = type === 'f32' ? view.getFloat32(offset, true) : view.getUint32(offset, true);
    }
  }
  return values;
}

/** The constants of the header, by their names without FACE_PREDICT_. */
export const CONSTANTS = {
  PLAIN_CONVOLUTIONS: 1,
  SKIP_AGE: 1,
  SKIP_GENDER: 2,
  CROPPED: 4,
  FAST_SEARCH: 8,
  TRY_TURNS: 16,
  GENDER_FEMALE: 1,
  GENDER_MALE: 2,
  QUALITY_SMALL: 1,
  QUALITY_BLURRED: 2,
  QUALITY_DARK: 4,
  QUALITY_BRIGHT: 8,
  QUALITY_TURNED: 16,
  QUALITY_CUT_OFF: 32,
  QUALITY_NOT_UPRIGHT: 64,
  NO_REGION: 0xffffffff,
  FORMAT_GRAY: 1,
  FORMAT_RGB: 2,
  FORMAT_BGR: 3,
  FORMAT_RGBA: 4,
  FORMAT_BGRA: 5,
  FORMAT_NV12: 6,
  FORMAT_NV21: 7,
  FORMAT_I420: 8,
  FORMAT_YUYV: 9,
  FORMAT_UYVY: 10,
  FORMAT_ARGB: 11,
  FORMAT_ABGR: 12,
  FORMAT_P010: 13,
  FORMAT_ENCODED: 14,
  YUV_BT601_LIMITED: 0,
  YUV_BT601_FULL: 1,
  YUV_BT709_LIMITED: 2,
  YUV_BT709_FULL: 3,
};

/** Returns names without their prefix, such as RGBA of FORMAT_RGBA, and their numbers. */
export function named(prefix) {
  const all = Object.entries(CONSTANTS).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(all.map(([name, number]) => [name.slice(prefix.length), number]));
}
