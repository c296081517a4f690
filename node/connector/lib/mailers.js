// The mailers of the configurations in use: each keeps connections, so it is kept as well.

import { createHash } from 'node:crypto';

/** How long a mailer without messages is kept. Its connections end after a minute. */
const IDLE_MS = 10 * 60 * 1000;

/** How many are kept at most: a process serves few tenants, and forgotten tests must not pile up. */
const MOST = 32;

/**
 * Mailers by what their configurations say. One whose configuration has changed is not asked for any
 * more, and is closed when it has idled.
 */
export class Mailers {
  #configure;
  /** By the digest of the configuration, the one that was used longest ago first. */
  #kept = new Map();

  constructor(configure) {
    this.#configure = configure;
  }

  /** Does something with the mailer of a configuration. */
  async use(config, work) {
    const key = digest(config);
    const entry = this.#kept.get(key) ?? this.#make(config);
    // Put at the end of the order.
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    entry.users += 1;
    clearTimeout(entry.timer);
    try {
      return await work(await this.#made(key, entry));
    } finally {
      entry.users -= 1;
      if (this.#kept.get(key) === entry) this.#rest(key, entry);
    }
  }

  /** The mailer, once it is made. What could not be made is made anew the next time. */
  async #made(key, entry) {
    try {
      return await entry.mailer;
    } catch (error) {
      if (this.#kept.get(key) === entry) this.#kept.delete(key);
      throw error;
    }
  }

  #make(config) {
    return { mailer: this.#configure(config), users: 0, timer: undefined };
  }

  /** Closes the entry once it has idled, and those beyond the bound at once. */
  #rest(key, entry) {
    if (entry.users === 0) {
      entry.timer = setTimeout(() => this.#close(key, entry), IDLE_MS).unref();
    }
    for (const [oldest, other] of this.#kept) {
      if (this.#kept.size <= MOST) return;
      if (other.users === 0) this.#close(oldest, other);
    }
  }

  #close(key, entry) {
    if (this.#kept.get(key) === entry) this.#kept.delete(key);
    clearTimeout(entry.timer);
    entry.mailer.then((mailer) => mailer.close()).catch(() => undefined);
  }
}

/** A configuration holds secrets: they are not kept as keys of a map. */
const digest = (config) =>
  createHash('sha256')
    .update(JSON.stringify(config) ?? '')
    .digest('base64');
