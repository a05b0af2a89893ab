// Runs the list of cases to which every binding must answer alike.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { ageAtLeast, FacePredict, FacePredictError } from '../index.js';

const folder = new URL('../../../tests/cases/', import.meta.url);
const list = JSON.parse(await readFile(new URL('cases.json', folder), 'utf8'));
const model = await FacePredict.load();

const groups = (flat, size) => Array.from({ length: flat.length / size }, (_, i) => flat.slice(i * size, (i + 1) * size));

function options(case_) {
  const plain = {
    cropped: case_.cropped,
    fastSearch: case_.fast_search,
    tryTurns: case_.try_turns,
    skipAge: case_.skip_age,
    skipGender: case_.skip_gender,
    maxFaces: case_.max_faces,
    ageCoverage: case_.age_coverage,
    genderThreshold: case_.gender_threshold,
    minFaceSize: case_.min_face_size,
    minScore: case_.min_score,
    crops: case_.crops,
    rotation: case_.rotation,
    mirrored: case_.mirrored,
    boxes: case_.boxes && groups(case_.boxes, 4),
    landmarks: case_.landmarks && groups(groups(case_.landmarks, 2), 5),
  };
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
}

/** In JavaScript the program itself reads a file, and passes its bytes. */
async function predict(case_) {
  const data = await readFile(new URL(encodeURI(case_.picture), folder));
  if (case_.input !== 'pixels') return model.predict(data, options(case_));
  const pixels = Object.fromEntries(
    ['width', 'height', 'format', 'offsets', 'sizes', 'strides', 'yuv']
      .filter((key) => key in case_)
      .map((key) => [key, case_[key]]),
  );
  const more = {};
  if (case_.chroma_step !== undefined) more.chromaStep = case_.chroma_step;
  if (case_.bottom_up !== undefined) more.bottomUp = case_.bottom_up;
  return model.predict({ data, ...pixels, ...more }, options(case_));
}

test('the answers are of this model', () => assert.equal(model.name, list.model));

const near = (got, right, tolerance, what) => {
  if (right === null) assert.equal(got, null, what);
  else assert.ok(Math.abs(got - right) <= tolerance, `${what} is ${got}, not ${right}`);
};

for (const case_ of list.cases) {
  if (case_.status === 20) continue; // The module opens no path.
  test(case_.name, async () => {
    if (case_.status) {
      await assert.rejects(predict(case_), (error) => {
        assert.ok(error instanceof FacePredictError, error);
        assert.equal(error.status, case_.status, error.message);
        assert.ok(error.message.includes(case_.message), error.message);
        return true;
      });
      return;
    }
    const { years, probability, degrees, pixels } = list.tolerance;
    const answer = await predict(case_);
    assert.deepEqual([answer.width, answer.height], case_.size);
    assert.equal(answer.faces.length, case_.faces.length);
    case_.faces.forEach((right, i) => {
      const face = answer.faces[i];
      near(face.age, right.age, years, 'age');
      near(face.ageLow, right.age_low, years, 'ageLow');
      near(face.ageHigh, right.age_high, years, 'ageHigh');
      near(ageAtLeast(face, 18), right.adult, probability, 'adult');
      near(face.femaleProbability, right.female_probability, probability, 'femaleProbability');
      assert.equal(face.gender ?? 'undecided', right.gender);
      assert.deepEqual(face.quality, right.quality);
      near(face.score, right.score, probability, 'score');
      [face.yaw, face.pitch, face.roll].forEach((angle, axis) => near(angle, right.pose && right.pose[axis], degrees, 'pose'));
      [face.box.x, face.box.y, face.box.width, face.box.height].forEach((side, k) => near(side, right.box[k], pixels, 'box'));
      assert.equal(face.trackId, null);
      assert.equal(face.trackEstimates, 0);
    });
  });
}
