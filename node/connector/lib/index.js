// What Logto loads: a factory of connectors.

import { ConnectorType } from '@logto/connector-kit';
import { Engine } from 'smtp-connector';

import { connectorError } from './errors.js';
import { configGuard } from './guard.js';
import { Mailers } from './mailers.js';
import { metadata } from './metadata.js';
import { settings } from './settings.js';

let parts;

/** What all connectors of a process share: Logto makes a connector for each call. */
const shared = () =>
  (parts ??= make().catch((error) => {
    parts = undefined;
    throw error;
  }));

const make = async () => {
  const { engine, options } = settings();
  const component = await new Engine(engine).bundled();
  return {
    described: metadata(component.descriptor),
    guard: configGuard(component, options),
    mailers: new Mailers((config) => component.configure(config, options)),
  };
};

/** Makes the connector, as `CreateConnector` of Logto's kit describes it. */
const createConnector = async ({ getConfig, getI18nEmailTemplate }) => {
  const { described, guard, mailers } = await shared();
  return {
    metadata: described,
    type: ConnectorType.Email,
    configGuard: guard,
    sendMessage: async ({ to, type, payload }, inputConfig) => {
      const config = inputConfig ?? (await getConfig(described.id));
      const template = await translated(getI18nEmailTemplate, type, payload);
      try {
        return await mailers.use(config, (mailer) => mailer.send({ to, type, payload, template }));
      } catch (error) {
        throw connectorError(error);
      }
    },
  };
};

/**
 * The template that Logto keeps for the language. Where it cannot be looked up, mail goes out with the
 * configuration's, as with Logto's own connector: a code in another language is better than none.
 */
const translated = async (getI18nEmailTemplate, type, payload) => {
  try {
    const found = await getI18nEmailTemplate?.(type, payload.locale);
    if (!found) return undefined;
    const { subject, content, contentType, replyTo, sendFrom } = found;
    return { subject, content, contentType, replyTo, sendFrom };
  } catch {
    return undefined;
  }
};

export default createConnector;
