// Compares the structs and constants of the binding with those of the header.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { CONSTANTS, STRUCTS } from '../src/layout.js';

const header = await readFile(new URL('../../../include/face_predict.h', import.meta.url), 'utf8');
const bare = header.replace(/\/\*[^]*?\*\//g, '');

const TYPES = { uint32_t: 'u32', int32_t: 'i32', float: 'f32', uint64_t: 'u64', size_t: 'pointer' };

function fields(name) {
  const body = bare.match(new RegExp(`typedef struct ${name} \\{([^}]*)\\}`))?.[1];
  assert.ok(body, `${name} is in the header`);
  return body
    .split(';')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [, type, field, count] = line.match(/^(.*?)(\w+)(?:\[(\d+)\])?$/s);
      const plain = type.trim();
      const known = plain.endsWith('*') ? 'pointer' : plain.endsWith('face_predict_point') ? 'point' : TYPES[plain];
      assert.ok(known, `${name}: ${plain} is known`);
      return count ? [field, known, Number(count)] : [field, known];
    });
}

for (const [name, { fields: ours }] of Object.entries(STRUCTS)) {
  test(name, () => assert.deepEqual(ours, fields(name)));
}

test('constants', () => {
  for (const [name, ours] of Object.entries(CONSTANTS)) {
    const said = bare.match(new RegExp(`#define FACE_PREDICT_${name} (.*)`))?.[1];
    assert.ok(said, `${name} is in the header`);
    const [, bit, by, plain] = said.match(/^\((\d+) << (\d+)\)$|^(\d+)$/);
    assert.equal(ours, plain === undefined ? bit << by : Number(plain), name);
  }
});

test('every format and every reason against a face is known', () => {
  for (const [, name] of bare.matchAll(/#define FACE_PREDICT_((?:FORMAT|QUALITY|YUV)_\w+)/g)) assert.ok(name in CONSTANTS, name);
});
