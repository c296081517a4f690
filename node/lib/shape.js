// What users hand in has the shape that is asked for, or an error says what it is instead.

import { UsageError } from './errors.js';

const type = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};

const isText = (value) => typeof value === 'string';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The kinds of values, each with its words for errors. */
export const kinds = {
  any: [() => true, 'anything'],
  bytes: [(value) => value instanceof Uint8Array, 'a Uint8Array'],
  callback: [(value) => typeof value === 'function', 'a function'],
  count: [isCount, 'a number without fraction, 0 or more'],
  flag: [(value) => typeof value === 'boolean', 'a boolean'],
  milliseconds: [
    (value) => Number.isFinite(value) && value > 0,
    'a number of milliseconds above 0',
  ],
  object: [isObject, 'an object'],
  ports: [
    (value) => Array.isArray(value) && value.every((port) => isCount(port) && port < 65536),
    'an array of ports',
  ],
  signal: [
    (value) => value instanceof EventTarget && typeof value.aborted === 'boolean',
    'an AbortSignal',
  ],
  text: [isText, 'a string'],
  texts: [(value) => Array.isArray(value) && value.every(isText), 'an array of strings'],
  textOrTexts: [
    (value) => isText(value) || kinds.texts[0](value),
    'a string or an array of strings',
  ],
};

/** Checks one value that must be there. */
export const check = (value, what, kind) => {
  const [fits, words] = kinds[kind];
  if (!fits(value)) throw new UsageError(`${what} must be ${words}, not ${type(value)}`);
  return value;
};

/**
 * Checks an object by its members. `members` has the kind of each; a name that ends with `!` must be
 * there. A member that is undefined is absent.
 */
export const checkMembers = (value, what, members) => {
  check(value, what, 'object');
  const known = Object.keys(members).map((name) => name.replace('!', ''));
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      throw new UsageError(`${what} has no member \`${name}\`, but ${known.join(', ')}`);
    }
  }
  for (const [name, kind] of Object.entries(members)) {
    const key = name.replace('!', '');
    if (value[key] !== undefined || name.endsWith('!'))
      check(value[key], `\`${key}\` of ${what}`, kind);
  }
  return value;
};
