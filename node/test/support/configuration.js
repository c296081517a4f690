// Configurations for servers on loopback.

const types = ['Register', 'SignIn', 'ForgotPassword', 'Generic'];

/** A template in plain text for each type that must exist. */
export const templates = types.map((usageType) => ({
  usageType,
  contentType: 'text/plain',
  subject: 'Your code',
  content: 'It is {{code}}.',
}));

/** A configuration for a server on loopback, with further members. */
export const configuration = (port, members = {}) => ({
  host: '127.0.0.1',
  port,
  fromEmail: 'Acme <no-reply@acme.test>',
  templates,
  ...members,
});

/** What lets mail go to loopback. */
export const loopback = { egress: ['127.0.0.1'] };

/** A request for a code. */
export const signIn = (code = '482913', members = {}) => ({
  to: 'jo@example.org',
  type: 'SignIn',
  payload: { code },
  ...members,
});
