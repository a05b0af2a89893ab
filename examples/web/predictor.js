// Turns the worker's questions and answers into promises, and names its errors for the page.

const waiting = new Map();
let last = 0;
const worker = new Worker('worker.js', { type: 'module' });

worker.onmessage = ({ data: { id, answer, error } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
  else resolve(answer);
};
worker.onerror = (event) => {
  event.preventDefault();
  const error = Object.assign(new Error(event.message || 'its script cannot be started'), { code: 'load' });
  for (const { reject } of waiting.values()) reject(error);
  waiting.clear();
};

/** Asks the worker. `transfer` lists the objects that move to it. */
export function ask(does, given = {}, transfer = []) {
  return new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject });
    worker.postMessage({ id: last, does, ...given }, transfer);
  });
}

/** Returns the message with one full stop, whether it has one or not. */
export const ended = ({ message }) => message.replace(/\.?$/, '.');

/** Returns a sentence for a reader. */
export function sentence(error, name) {
  switch (error.code) {
    case 'load':
      return `The networks cannot be loaded: ${ended(error)}`;
    case 'image':
      return `${name} is no picture that can be read.`;
    case 'limit':
      return `${name} is too large: 67 megapixels are the limit.`;
    case 'memory':
      return `There is not enough memory for ${name}.`;
    default:
      return `${name} failed: ${ended(error)}`;
  }
}
