// The camera. Frames go to the worker one at a time, so that none waits in a queue. The answer is drawn on its own
// frame.

import { describe, element } from './draw.js';
import { ask, ended, sentence } from './predictor.js';

const REFUSED = {
  NotAllowedError: 'The camera was refused. Allow it where the browser shows the address, then start it again.',
  NotFoundError: 'There is no camera.',
  OverconstrainedError: 'There is no camera that fits.',
  NotReadableError: 'The camera cannot be read: another program may use it.',
  AbortError: 'The camera could not be started.',
};
const SPOKEN_EVERY = 1000;

async function opened() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error('This page may use no camera: browsers allow it over https and on this computer alone.');
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: 'user' }, audio: false });
  } catch (error) {
    throw new Error(REFUSED[error.name] ?? `The camera cannot be started: ${ended(error)}`);
  }
}

/** Follows the faces of a stream until `running()` returns false. */
async function follow(video, shown, running, say) {
  await ask('camera');
  let [spoken, average] = [0, null];
  while (running()) {
    // It runs at most at the pace of the screen, and rests while the page is hidden.
    await new Promise((resolve) => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(resolve) : requestAnimationFrame(resolve)));
    if (!running()) break;
    const [bitmap, time] = [await createImageBitmap(video), performance.now()];
    const picture = typeof VideoFrame === 'function' ? new VideoFrame(video) : await createImageBitmap(bitmap);
    try {
      const { faces, width, height, milliseconds } = await ask('frame', { picture, time: time * 1000 }, [picture]);
      if (!running()) break;
      shown.show({ source: bitmap, width: bitmap.width, height: bitmap.height, full: width, faces });
      average = average === null ? milliseconds : average + 0.1 * (milliseconds - average);
      // The words change seldom enough to be read.
      if (time - spoken > SPOKEN_EVERY) {
        spoken = time;
        const facts = `Camera, ${width} x ${height}: ${average.toFixed(0)} ms a frame.`;
        shown.caption.replaceChildren(element('p', facts, 'facts'), ...describe(faces));
        say('The camera runs.');
      }
    } catch (error) {
      say(sentence(error, 'A frame'), true);
    } finally {
      shown.last?.close();
      shown.last = bitmap;
    }
  }
}

/** Makes a button start and stop the camera. */
export function startCamera({ button, results, figure, say }) {
  let stop = null;
  // The button is not disabled, since it would then lose the focus of the keyboard.
  let starting = false;
  const rest = (text, fault = false) => {
    button.textContent = 'Start the camera';
    button.setAttribute('aria-pressed', 'false');
    stop = null;
    say(text, fault);
  };
  const start = async () => {
    starting = true;
    say('The camera is being started…');
    let stream;
    try {
      stream = await opened();
    } catch (error) {
      rest(error.message, true);
      return;
    } finally {
      starting = false;
    }
    const shown = figure();
    shown.outer.classList.add('camera');
    shown.canvas.setAttribute('role', 'img');
    shown.canvas.setAttribute('aria-label', 'The camera with boxes around its faces');
    results.prepend(shown.outer);
    const video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true, playsInline: true });
    let running = true;
    const end = (text, fault) => {
      if (!running) return;
      running = false;
      stream.getTracks().forEach((track) => track.stop());
      shown.outer.remove();
      rest(text, fault);
    };
    stop = () => end('The camera is off.', false);
    stream.getVideoTracks()[0].onended = () => end('The camera has gone: it was unplugged, or taken away.', true);
    button.textContent = 'Stop the camera';
    button.setAttribute('aria-pressed', 'true');
    try {
      await video.play();
      await follow(video, shown, () => running, say);
    } catch (error) {
      end(`The camera failed: ${ended(error)}`, true);
    }
  };
  button.onclick = () => {
    if (!starting) (stop ?? start)();
  };
}
