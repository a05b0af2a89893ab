// The page: pictures that are opened or dropped, and the camera.

import { describe, drawFaces, element } from './draw.js';
import { ask, sentence } from './predictor.js';
import { startCamera } from './camera.js';

const at = (id) => document.getElementById(id);
const [results, status, files] = [at('results'), at('status'), at('files')];
// Larger pictures are reduced for display, which saves memory. The file itself is predicted.
const SHOWN = 1600;

function say(text, fault = false) {
  status.textContent = text;
  status.classList.toggle('fault', fault);
}

/** A place for one picture, which is drawn again when its width changes. */
export function figure() {
  const outer = element('figure', '');
  const view = element('div', '', 'view');
  const canvas = document.createElement('canvas');
  const caption = document.createElement('figcaption');
  view.append(canvas);
  outer.append(view, caption);
  let shown = null;
  const draw = () => {
    if (!shown) return;
    const { source, width, height, faces, full } = shown;
    const pixel = devicePixelRatio || 1;
    const across = Math.min(view.clientWidth || width, Math.max(width, 320), 900);
    canvas.style.width = `${across}px`;
    canvas.width = Math.round(across * pixel);
    canvas.height = Math.round((canvas.width * height) / width);
    const context = canvas.getContext('2d');
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    drawFaces(context, faces, canvas.width / full, pixel);
  };
  new ResizeObserver(draw).observe(view);
  const show = (picture) => {
    shown = picture;
    draw();
  };
  return { outer, canvas, caption, show };
}

async function preview(file) {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, SHOWN / Math.max(whole.width, whole.height));
  if (scale === 1) return whole;
  const [resizeWidth, resizeHeight] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: 'high' });
  whole.close();
  return small;
}

async function one(file) {
  const { outer, canvas, caption, show } = figure();
  caption.append(element('p', `${file.name}: being looked at…`));
  results.prepend(outer);
  at('clear').hidden = false;
  try {
    // The library turns a WebP file by its Exif orientation, and browsers do not. The boxes must fit what is shown.
    const picture = file.type === 'image/webp' ? await createImageBitmap(file).catch(() => file) : file;
    const answer = await ask('predict', { picture });
    const source = await preview(file).catch(() => {
      throw Object.assign(new Error('the browser cannot show it'), { code: 'image' });
    });
    show({ source, width: source.width, height: source.height, full: answer.width, faces: answer.faces });
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `${file.name} with boxes around its faces`);
    caption.replaceChildren(element('p', file.name, 'facts'), ...describe(answer.faces));
    return answer.faces.length;
  } catch (error) {
    canvas.remove();
    caption.replaceChildren(element('p', sentence(error, file.name), 'fault'));
    return null;
  }
}

async function all(list) {
  const given = [...list];
  if (!given.length) return;
  say(given.length === 1 ? `${given[0].name} is being looked at…` : `${given.length} pictures are being looked at…`);
  const found = await Promise.all(given.map(one));
  const faces = found.reduce((sum, count) => sum + (count ?? 0), 0);
  const failed = found.filter((count) => count === null).length;
  const faults = failed ? ` ${failed === 1 ? 'One file' : `${failed} files`} failed, as said below.` : '';
  say(`${faces === 1 ? 'One face' : `${faces} faces`} in ${given.length - failed === 1 ? 'one picture' : `${given.length - failed} pictures`}.${faults}`, failed > 0);
}

function connect() {
  at('open').onclick = () => files.click();
  files.onchange = async () => {
    const chosen = [...files.files];
    // This allows the same file to be chosen again.
    files.value = '';
    await all(chosen);
  };
  at('clear').onclick = () => {
    results.querySelectorAll('figure:not(.camera)').forEach((shown) => shown.remove());
    at('clear').hidden = true;
    say('Ready.');
    at('open').focus();
  };
  const page = document.documentElement;
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    page.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) page.classList.remove('dropping');
  });
  document.addEventListener('drop', (event) => {
    page.classList.remove('dropping');
    if (!holdsFiles(event)) return;
    event.preventDefault();
    all(event.dataTransfer.files);
  });
  document.addEventListener('paste', (event) => all(event.clipboardData.files));
  startCamera({ button: at('camera'), results, figure, say });
}

try {
  const { name, license } = await ask('load');
  at('license').textContent = `Networks: ${name}. ${license}`;
  connect();
  at('open').disabled = at('camera').disabled = false;
  say('Ready.');
} catch (error) {
  say(sentence(error, 'The page'), true);
}
