// Faces on a canvas, and in words.

const REASONS = {
  small: 'small',
  blurred: 'blurred',
  dark: 'dark',
  bright: 'overexposed',
  turned: 'turned away',
  cut_off: 'cut off',
  not_upright: 'not upright',
};

const percent = (share) => `${Math.round(100 * share)} %`;
const reasons = ({ quality }) => quality.map((name) => REASONS[name] ?? name).join(', ');

function label({ gender, femaleProbability }) {
  if (gender) return `${gender} ${percent(gender === 'female' ? femaleProbability : 1 - femaleProbability)}`;
  return 'label undecided';
}

/** Returns the lines beside a box. */
function lines(face, number) {
  const age = `${number}: ${Math.round(face.age)} (${Math.round(face.ageLow)}–${Math.round(face.ageHigh)})`;
  return [age, label(face), reasons(face)].filter(Boolean);
}

/**
 * Draws boxes and their lines. `scale` is from the picture's pixels to those of the canvas. `pixel` is how many of
 * those one CSS pixel has.
 */
export function drawFaces(context, faces, scale, pixel) {
  const size = 14 * pixel;
  const { width, height } = context.canvas;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  faces.forEach((face, i) => {
    const [x, y, w, h] = [face.box.x, face.box.y, face.box.width, face.box.height].map((n) => n * scale);
    // A dark line under a light one shows on any picture. It is broken if there is a reason to trust the face less.
    context.setLineDash(face.quality.length ? [8 * pixel, 5 * pixel] : []);
    for (const [colour, thick] of [['#000c', 5], ['#fff', 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = thick * pixel;
      context.strokeRect(x, y, w, h);
    }
    const text = lines(face, face.trackId ?? i + 1);
    const wide = Math.max(...text.map((line) => context.measureText(line).width)) + size;
    const high = text.length * size * 1.25 + size * 0.5;
    const left = Math.max(0, Math.min(x, width - wide));
    // It goes below the box, or above it if there is no room, or inside.
    const top = y + h + high <= height ? y + h + 3 * pixel : y - high >= 0 ? y - high - 3 * pixel : Math.max(0, height - high);
    context.fillStyle = '#000c';
    context.fillRect(left, top, wide, high);
    text.forEach((line, j) => {
      context.fillStyle = j === 2 ? '#ffd08a' : '#fff';
      context.fillText(line, left + size / 2, top + size * (0.35 + 1.25 * j));
    });
  });
}

const element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text, ...(className && { className }) });

/** Returns the same in words, for people who read or hear it. */
export function describe(faces) {
  if (!faces.length) return [element('p', 'No face was found.')];
  const list = element('ol', '');
  for (const face of faces) {
    const item = element('li', `${face.age.toFixed(0)} years (${face.ageLow.toFixed(0)} to ${face.ageHigh.toFixed(0)}), ${label(face)}. `);
    if (face.quality.length) item.append(element('span', `Against it: ${reasons(face)}.`, 'against'));
    else item.append(element('span', 'Nothing speaks against it.', 'facts'));
    list.append(item);
  }
  return [element('p', faces.length === 1 ? 'One face:' : `${faces.length} faces, the largest first:`), list];
}

export { element };
