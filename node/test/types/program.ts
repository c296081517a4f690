// A program in TypeScript that uses each call: it is compiled and not run.

import { createTransport } from 'nodemailer';
import {
  AbortError,
  ConfigurationError,
  Engine,
  SmtpConnectorError,
  smtpConnector,
  type Check,
  type Receipt,
} from 'smtp-connector';

const engine = new Engine({ cacheDirectory: '/var/cache/components', limits: { timeMs: 1000 } });

export const run = async (
  configuration: object,
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const connector = await engine.bundled();
  const check: Check = connector.checkSync(configuration, {
    egress: ['relay.internal'],
    ports: [465],
  });
  if (!check.ok) console.log(check.diagnostics.map(({ path, help }) => `${path} ${help ?? ''}`));
  const mailer = await connector.configure(configuration, {
    async onRotatedToken({ user, refreshToken }) {
      console.log(user, refreshToken.length);
    },
  });
  try {
    const rendered = await mailer.render({
      to: 'jo@example.org',
      type: 'SignIn',
      payload: { code: '1' },
    });
    console.log(rendered.raw, mailer.warnings.length, mailer.connections);
    const found = await mailer.verify({ to: 'jo@example.org', signal });
    console.log(found.stages[0]?.ms, found.error?.hint);
    return await mailer.send(
      { to: 'jo@example.org', type: 'SignIn' },
      { deadline: 60_000, signal },
    );
  } catch (error) {
    if (error instanceof AbortError && !error.ambiguous) return undefined;
    if (error instanceof ConfigurationError) console.log(error.diagnostics[0]?.code);
    if (error instanceof SmtpConnectorError && error.stage === 'auth')
      console.log(error.code, error.hint);
    throw error;
  } finally {
    await mailer.close();
  }
};

// @ts-expect-error a request says what it is for
export const incomplete = (await (await engine.bundled()).configure({})).send({
  to: 'jo@example.org',
});

export const transport = createTransport(
  smtpConnector({ host: 'smtp.example.com' }, { deadline: 60_000 }),
);
