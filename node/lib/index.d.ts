import type { EventEmitter } from 'node:events';

/** Bounds on every call of a component; those that are absent keep their defaults. */
export interface Limits {
  memoryBytes?: number;
  timeMs?: number;
  outputBytes?: number;
  stackBytes?: number;
  configurationBytes?: number;
  programBytes?: number;
  payloadBytes?: number;
  partBytes?: number;
}

/** Settings of an engine. */
export interface EngineSettings {
  /** Where compiled components are kept for the next process. */
  cacheDirectory?: string;
  limits?: Limits;
}

/** Loads components and bounds what they use. Make one and keep it. */
export class Engine {
  constructor(settings?: EngineSettings);
  /** Loads the component that comes with the package. It is compiled once and kept. */
  bundled(): Promise<Connector>;
  /** Loads a component from its bytes. */
  load(bytes: Uint8Array): Promise<Connector>;
  /** Loads a component from a file. */
  loadFile(path: string): Promise<Connector>;
}

/** What a configuration may do, decided by the program. */
export interface ConfigurationOptions {
  /** Where mail may go: `public` unless set, `any`, or the hosts that are allowed. */
  egress?: string | readonly string[];
  /** The ports that mail may go to; all unless set. */
  ports?: readonly number[];
  /** Domains in which the placeholders of a template's `sendFrom` may make an author. */
  authorDomains?: readonly string[];
  /** How many instances are kept for further messages: none unless set. */
  keepInstances?: number;
  /** Whether `{"env": …}` and `{"file": …}` are resolved in place of a secret. */
  secretSources?: boolean;
  /** Called when a token endpoint replaces the refresh token. */
  onRotatedToken?: (rotated: { user: string; refreshToken: string }) => void | Promise<void>;
}

/** One finding about one place in a configuration. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** A stable name in kebab case. */
  code: string;
  /** A JSON Pointer into the configuration. */
  path: string;
  message: string;
  help?: string;
}

/** What a check found. */
export interface Check {
  ok: boolean;
  diagnostics: Diagnostic[];
  /** How the server will be reached, unless there are errors. */
  transport?: Record<string, unknown>;
}

/** What a component says of itself. */
export interface Descriptor {
  id: string;
  target: string;
  name: Record<string, string>;
  description: Record<string, string>;
  logo: string | null;
  logoDark: string | null;
  formItems: Record<string, unknown>[];
  secretPointers: string[];
  examples: { id: string; title: string; configuration: Record<string, unknown> }[];
  configurationSchema: Record<string, unknown>;
}

/** A configuration: an object, or the JSON text of one. */
export type Configuration = object | string;

/** A component that is ready to check configurations. An `Engine` loads it. */
export class Connector {
  private constructor();
  readonly descriptor: Descriptor;
  /** Reports every finding on a configuration. */
  check(configuration: Configuration, options?: ConfigurationOptions): Promise<Check>;
  /** The same while the event loop stands still, for callers that cannot wait for a promise. */
  checkSync(configuration: Configuration, options?: ConfigurationOptions): Check;
  /** Makes a mailer of a configuration. Do this once for each and keep the mailer. */
  configure(configuration: Configuration, options?: ConfigurationOptions): Promise<Mailer>;
}

/** A template in place of the configuration's, such as Logto keeps for a language. */
export interface Template {
  subject: string;
  content: string;
  /** `text/html` unless set. */
  contentType?: 'text/html' | 'text/plain';
  replyTo?: string;
  sendFrom?: string;
}

/** Content that is rendered already; it has a text, an HTML, or both. */
export interface Literal {
  subject: string;
  text?: string;
  html?: string;
}

/** One message to send. */
export interface MessageRequest {
  /** An address, or a name and an address. */
  to: string;
  /** What the message is for, such as `SignIn`. */
  type: string;
  payload?: object;
  locale?: string;
  template?: Template;
  literal?: Literal;
  /** The Message-ID, for programs that queue messages themselves. */
  messageId?: string;
}

/** Sender and recipients as the server is told. */
export interface Envelope {
  from: string;
  to: string[];
}

/** A message as it would be sent. */
export interface Rendered {
  from: string;
  replyTo?: string;
  to: string;
  subject: string;
  text?: string;
  html?: string;
  headers?: [string, string][];
  envelope: Envelope;
  /** The Internet message. */
  raw: string;
}

/** How to deliver one message. */
export interface DeliveryOptions {
  /** Milliseconds after which the message is given up. Until then it is tried again. */
  deadline?: number;
  signal?: AbortSignal;
}

/** What TLS was negotiated. */
export interface NegotiatedTls {
  version: string;
  cipher: string;
  verified: boolean;
}

/** The server's acceptance of a message. */
export interface Receipt {
  accepted: string[];
  rejected: { address: string; code: number; enhanced?: string; text: string }[];
  messageId: string;
  envelope: Envelope;
  reply: { code: number; enhanced?: string; text: string };
  tls?: NegotiatedTls;
  attempts: number;
  /** Milliseconds by stage. */
  timings: Partial<Record<Stage, number>>;
  /** What was said, masked. */
  transcript: string;
}

/** What a verification found. */
export interface Verification {
  ok: boolean;
  stages: { stage: Stage; ms: number; detail: string }[];
  tls: NegotiatedTls | null;
  capabilities: string[];
  transcript: string;
  error?: SmtpConnectorError;
}

/** The mailboxes of one configuration. A `Connector` makes it; keep it, for it keeps connections. */
export class Mailer {
  private constructor();
  /** The warnings of the check. */
  readonly warnings: Diagnostic[];
  /** How many connections to the server there may be at once. */
  readonly connections: number;
  /** Composes a message without sending it. */
  render(request: MessageRequest): Promise<Rendered>;
  /** Composes a message and hands it to the server. */
  send(request: MessageRequest, options?: DeliveryOptions): Promise<Receipt>;
  /** Hands a mail to the server that is written already. */
  submit(
    envelope: { from: string; to: readonly string[] },
    mail: Uint8Array,
    options?: DeliveryOptions,
  ): Promise<Receipt>;
  /** Tries the way to the server, with a recipient up to RCPT. A failed one resolves, and says so. */
  verify(options?: { to?: string; signal?: AbortSignal }): Promise<Verification>;
  /** Takes no further message, lets those under way end, and says QUIT on every connection. */
  close(): Promise<void>;
}

/** Who can do something about a failure. */
export type ErrorKind =
  | 'aborted'
  | 'address'
  | 'closed'
  | 'component'
  | 'configuration'
  | 'connect'
  | 'credentials'
  | 'dns'
  | 'egress'
  | 'expired'
  | 'input'
  | 'internal'
  | 'lost'
  | 'message'
  | 'payload'
  | 'protocol'
  | 'proxy'
  | 'refused'
  | 'template'
  | 'temporary'
  | 'timeout'
  | 'tls'
  | 'usage';

/** How far a session had come. */
export type Stage =
  | 'dns'
  | 'connect'
  | 'proxy'
  | 'tls'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'quit';

/** Why a call failed. Holds no secret and no one-time code. */
export class SmtpConnectorError extends Error {
  protected constructor();
  readonly kind: ErrorKind;
  readonly stage?: Stage;
  /** The server's reply code. */
  readonly code?: number;
  readonly enhanced?: string;
  readonly reply?: string;
  /** Whether the same call may succeed later. */
  readonly transient: boolean;
  /** Whether the server may have the message nevertheless. */
  readonly ambiguous: boolean;
  /** What to change. */
  readonly hint?: string;
  readonly attempts: number;
  readonly diagnostics: Diagnostic[];
  /** What was said, masked. */
  readonly transcript?: string;
  toJSON(): Record<string, unknown>;
}

/** The call was given up by its `AbortSignal`, whose reason is the cause. */
export class AbortError extends SmtpConnectorError {}

/** The configuration has errors: see `diagnostics`. */
export class ConfigurationError extends SmtpConnectorError {}

/** The program calls wrongly. */
export class UsageError extends SmtpConnectorError {}

/** Settings of a transport. */
export interface TransportOptions extends ConfigurationOptions {
  /** Another component than the bundled one. */
  connector?: Connector;
  /** Milliseconds after which a message is given up. */
  deadline?: number;
}

/** A transport for nodemailer's `createTransport`. */
export interface SmtpConnectorTransport extends EventEmitter {
  readonly name: string;
  readonly version: string;
  send(mail: any, callback: (error: Error | null, info: any) => void): void;
  verify(): Promise<true>;
  verify(callback: (error: Error | null, success: true) => void): void;
  isIdle(): boolean;
  close(): void;
}

/**
 * Makes a transport for nodemailer. The configuration is that of a connector, of which `fromEmail` and
 * `templates` may be absent.
 */
export function smtpConnector(
  configuration: Configuration,
  options?: TransportOptions,
): SmtpConnectorTransport;
