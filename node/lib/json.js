// Values of a program as JSON, without losing any of them in silence.

import { UsageError } from './errors.js';

const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

/** A token of a JSON Pointer (RFC 6901). */
const token = (key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1');

const text = new TextDecoder('utf-8', { fatal: true });

/**
 * A copy that JSON can hold: bytes, such as a certificate that was read from a file, become text,
 * and what has no place in JSON is refused by the place where it stands.
 */
const plain = (value, what, path, above) => {
  const refuse = (found) => {
    throw new UsageError(`${what} holds ${found} at \`${path}\`, which is no JSON`);
  };
  switch (typeof value) {
    case 'bigint':
    case 'function':
    case 'symbol':
      return refuse(`a ${typeof value}`);
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (ArrayBuffer.isView(value)) return text.decode(value);
  if (above.includes(value)) return refuse('itself');
  const below = [...above, value];
  if (typeof value.toJSON === 'function') return plain(value.toJSON(), what, path, below);
  const inner = (key) => plain(value[key], what, `${path}/${token(key)}`, below);
  if (Array.isArray(value)) return Array.from(value, (_, index) => inner(index));
  if (tag(value) !== 'Object') return refuse(`a ${tag(value)}`);
  // Made with no prototype, so that a key `__proto__` is a key like any other.
  const copy = Object.create(null);
  for (const key of Object.keys(value)) copy[key] = inner(key);
  return copy;
};

/** The JSON of a value; `what` names it in errors. */
export const serialise = (value, what) => {
  try {
    return JSON.stringify(plain(value, what, '', []));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${what} cannot be read: ${cause?.message ?? cause}`, { cause });
  }
};
