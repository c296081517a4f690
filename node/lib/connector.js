// A loaded component: what it says of itself, and configurations checked with it.

import process from 'node:process';

import { failure, UsageError } from './errors.js';
import { serialise } from './json.js';
import { Mailer } from './mailer.js';
import native from './native.js';
import { checkMembers } from './shape.js';

/** A component that is ready to check configurations. An `Engine` loads it. */
export class Connector {
  #native;

  constructor(inner) {
    if (!(inner instanceof native.Connector)) throw new UsageError('an `Engine` loads a connector');
    this.#native = inner;
    /** What the component says of itself: names, form, schema, examples. */
    this.descriptor = Object.freeze(JSON.parse(inner.descriptor()));
  }

  /** Reports every finding on a configuration: `{ ok, diagnostics, transport }`. */
  async check(configuration, options = {}) {
    const given = [text(configuration), settings(options)];
    try {
      return JSON.parse(await this.#native.check(...given));
    } catch (error) {
      throw failure(error);
    }
  }

  /**
   * The same for callers that cannot wait for a promise, such as a zod schema. The event loop stands
   * still meanwhile: some milliseconds, and no longer than the engine lets a component compute.
   */
  checkSync(configuration, options = {}) {
    const given = [text(configuration), settings(options)];
    try {
      return JSON.parse(this.#native.checkSync(...given));
    } catch (error) {
      throw failure(error);
    }
  }

  /** Makes a mailer of a configuration. Do this once for each and keep the mailer. */
  async configure(configuration, options = {}) {
    const given = [text(configuration), settings(options), listener(options.onRotatedToken)];
    try {
      return new Mailer(await this.#native.configure(...given));
    } catch (error) {
      throw failure(error);
    }
  }
}

/** A configuration is an object, or the JSON text of one. */
const text = (configuration) =>
  typeof configuration === 'string'
    ? configuration
    : serialise(configuration ?? null, 'the configuration');

const settings = (options) => {
  checkMembers(options, 'the options of a configuration', {
    authorDomains: 'texts',
    egress: 'textOrTexts',
    keepInstances: 'count',
    onRotatedToken: 'callback',
    ports: 'ports',
    secretSources: 'flag',
  });
  const { onRotatedToken, egress, ...rest } = options;
  return serialise(
    { ...rest, egress: Array.isArray(egress) ? egress.join(',') : egress },
    'the options',
  );
};

/** What the native side calls; an exception in it has nobody to catch it, and becomes a warning. */
const listener = (onRotatedToken) => {
  if (onRotatedToken === undefined) return undefined;
  return async (user, refreshToken) => {
    try {
      await onRotatedToken({ user, refreshToken });
    } catch (error) {
      const message = `\`onRotatedToken\` failed, and the new refresh token is not kept: ${error?.message ?? error}`;
      process.emitWarning(message, { type: 'SmtpConnectorWarning' });
    }
  };
};
