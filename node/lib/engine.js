// The engine: loads components.

import { Connector } from './connector.js';
import { failure } from './errors.js';
import { serialise } from './json.js';
import native from './native.js';
import { check, checkMembers } from './shape.js';

const bounds = {
  memoryBytes: 'count',
  timeMs: 'count',
  outputBytes: 'count',
  stackBytes: 'count',
  configurationBytes: 'count',
  programBytes: 'count',
  payloadBytes: 'count',
  partBytes: 'count',
};

/** Loads components and bounds what they use. Make one and keep it. */
export class Engine {
  #native;

  constructor(settings = {}) {
    checkMembers(settings, 'the settings of an engine', {
      cacheDirectory: 'text',
      limits: 'object',
    });
    if (settings.limits) checkMembers(settings.limits, '`limits`', bounds);
    try {
      this.#native = new native.Engine(serialise(settings, 'the settings of an engine'));
    } catch (error) {
      throw failure(error);
    }
  }

  /** Loads the component that comes with the package. It is compiled once and kept. */
  async bundled() {
    return loaded(() => this.#native.bundled());
  }

  /** Loads a component from its bytes. */
  async load(bytes) {
    check(bytes, 'a component', 'bytes');
    return loaded(() => this.#native.load(bytes));
  }

  /** Loads a component from a file. */
  async loadFile(path) {
    check(path, 'the path of a component', 'text');
    return loaded(() => this.#native.loadFile(path));
  }
}

const loaded = async (load) => {
  try {
    return new Connector(await load());
  } catch (error) {
    throw failure(error);
  }
};
