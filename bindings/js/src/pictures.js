// Converts pictures of every kind to bytes: `{ data, format, width, height, offsets, sizes, strides, ... }`.

import { ArgumentError, FacePredictError, ImageError, LimitError, MemoryShortError } from './errors.js';
import { CONSTANTS, named } from './layout.js';
import { whole } from './options.js';

const FORMATS = named('FORMAT_');
const YUV = named('YUV_');
// The formats of a VideoFrame that are read as they are.
const FRAMES = { I420: 'I420', NV12: 'NV12', RGBA: 'RGBA', RGBX: 'RGBA', BGRA: 'BGRA', BGRX: 'BGRA' };

const is = (value, ...names) => names.some((name) => typeof globalThis[name] === 'function' && value instanceof globalThis[name]);

/** Returns the bytes of a file, with its Exif orientation. */
const encoded = (data) => ({ data, format: CONSTANTS.FORMAT_ENCODED, width: 0, height: 0, offsets: [0], sizes: [data.byteLength], strides: [] });

/** Returns a view of the bytes, or null if there are none. */
export function bytes(data) {
  try {
    return viewed(data);
  } catch (cause) {
    throw new ArgumentError('the bytes have gone: they were transferred to another thread', { cause });
  }
}

function viewed(data) {
  if (data instanceof ArrayBuffer || is(data, 'SharedArrayBuffer')) return new Uint8Array(data);
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return null;
}

/** Returns pixels in the caller's memory: ImageData, or an object with the same fields and more. */
function pixels(given) {
  const data = bytes(given.data);
  if (!data) throw new ArgumentError('data of pixels is a Uint8Array or Uint8ClampedArray');
  const format = given.format ?? 'RGBA';
  if (!(format in FORMATS) || format === 'ENCODED') throw new ArgumentError(`format ${String(format)} is none of ${Object.keys(FORMATS).filter((name) => name !== 'ENCODED').join(', ')}`);
  const yuv = given.yuv ?? 'BT601_LIMITED';
  if (!(yuv in YUV)) throw new ArgumentError(`yuv ${String(yuv)} is none of ${Object.keys(YUV).join(', ')}`);
  const offsets = given.offsets ?? [0];
  if (offsets.length < 1 || offsets.length > 3) throw new ArgumentError('offsets are those of one to three planes');
  const sizes = offsets.map((offset, i) => {
    whole('an offset', offset);
    const size = whole('a size', given.sizes?.[i] ?? Math.max(data.byteLength - offset, 0));
    // In C a size of 0 means that nothing is checked.
    if (size === 0 || offset + size > data.byteLength) {
      throw new ArgumentError(`plane ${i} is outside of the ${data.byteLength} bytes of data`, { status: 4 });
    }
    return size;
  });
  return {
    data,
    format: FORMATS[format],
    width: whole('width', given.width),
    height: whole('height', given.height),
    offsets,
    sizes,
    strides: (given.strides ?? []).map((stride) => whole('a stride', stride)),
    chromaStep: whole('chromaStep', given.chromaStep),
    yuv: YUV[yuv],
    bottomUp: Boolean(given.bottomUp),
  };
}

let canvas = null;

/** Draws what a browser can draw, and returns the pixels. */
function drawn(source, width, height, maxPixels) {
  if (!(width > 0 && height > 0)) throw new ArgumentError('the picture has no pixels: it is not loaded yet, or damaged');
  if (width * height > maxPixels) throw new LimitError(`the picture has ${width}x${height} pixels, more than ${maxPixels}`, { status: 22 });
  if (!canvas || canvas.width !== width || canvas.height !== height) {
    if (typeof OffscreenCanvas === 'function') canvas = new OffscreenCanvas(width, height);
    else canvas = Object.assign(document.createElement('canvas'), { width, height });
  }
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new MemoryShortError(`no canvas of ${width}x${height} pixels can be had`);
  try {
    context.globalCompositeOperation = 'copy';
    context.drawImage(source, 0, 0, width, height);
    return pixels(context.getImageData(0, 0, width, height));
  } catch (cause) {
    if (cause instanceof FacePredictError) throw cause;
    if (cause instanceof RangeError) throw new MemoryShortError(`no memory for ${width}x${height} pixels`, { cause });
    if (cause?.name === 'SecurityError') throw new ArgumentError('the picture comes from another site, which does not let this page read it', { cause });
    throw new ImageError(`the picture cannot be drawn: ${cause?.message}`, { cause });
  } finally {
    // A large canvas is not kept.
    if (width * height > 1 << 22) canvas = null;
  }
}

function yuvOf({ matrix, fullRange } = {}) {
  return `${matrix === 'bt709' ? 'BT709' : 'BT601'}_${fullRange ? 'FULL' : 'LIMITED'}`;
}

async function frame(source, maxPixels) {
  const rect = source.visibleRect;
  if (!rect) throw new ArgumentError('the frame is closed');
  const [width, height] = [source.displayWidth, source.displayHeight];
  // The browser itself rotates and stretches frames that are stored so.
  const plain = !source.rotation && !source.flip && rect.width === width && rect.height === height;
  if (!plain || !(source.format in FRAMES)) return drawn(source, width, height, maxPixels);
  if (width * height > maxPixels) throw new LimitError(`the frame has ${width}x${height} pixels, more than ${maxPixels}`, { status: 22 });
  const data = new Uint8Array(source.allocationSize());
  let planes;
  try {
    planes = await source.copyTo(data);
  } catch (cause) {
    throw new ArgumentError(`the frame cannot be read: ${cause?.message}`, { cause });
  }
  return pixels({
    data,
    format: FRAMES[source.format],
    width,
    height,
    offsets: planes.map((plane) => plane.offset),
    strides: planes.map((plane) => plane.stride),
    yuv: yuvOf(source.colorSpace),
  });
}

async function video(source, maxPixels) {
  if (typeof VideoFrame === 'function' && source.readyState >= 2) {
    let taken = null;
    try {
      taken = new VideoFrame(source);
    } catch {
      // It is drawn instead.
    }
    if (taken) {
      try {
        return await frame(taken, maxPixels);
      } finally {
        taken.close();
      }
    }
  }
  return drawn(source, source.videoWidth, source.videoHeight, maxPixels);
}

/** Reads a Blob, which may be a file that has changed or gone since it was chosen. */
function contents(blob) {
  return blob.arrayBuffer().catch((cause) => {
    throw new ImageError(`the file cannot be read: ${cause?.message}`, { status: 20, cause });
  });
}

/** Returns the bytes of a picture of any kind. */
export async function picture(source, maxPixels) {
  const raw = bytes(source);
  if (raw) return encoded(raw);
  if (is(source, 'Blob')) return encoded(new Uint8Array(await contents(source)));
  if (is(source, 'VideoFrame')) return frame(source, maxPixels);
  if (is(source, 'HTMLVideoElement')) return video(source, maxPixels);
  if (is(source, 'HTMLImageElement')) {
    await source.decode?.().catch((cause) => {
      throw new ImageError(`the picture of this element cannot be decoded: ${cause?.message}`, { status: 21, cause });
    });
    return drawn(source, source.naturalWidth, source.naturalHeight, maxPixels);
  }
  if (is(source, 'ImageBitmap', 'HTMLCanvasElement', 'OffscreenCanvas')) return drawn(source, source.width, source.height, maxPixels);
  if (source && typeof source === 'object' && 'data' in source) return pixels(source);
  throw new ArgumentError('a picture is an image, a canvas, a video, a frame, ImageData, a Blob, or the bytes of a file');
}

/** Decodes a Blob of a format that only the browser knows, such as AVIF. Returns null if it cannot. */
export async function decodedByBrowser(source, maxPixels) {
  if (!is(source, 'Blob') || typeof createImageBitmap !== 'function') return null;
  const bitmap = await createImageBitmap(source).catch(() => null);
  if (!bitmap) return null;
  try {
    return drawn(bitmap, bitmap.width, bitmap.height, maxPixels);
  } finally {
    bitmap.close();
  }
}
