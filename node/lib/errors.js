// The errors: one class for all, and one below it for each kind that programs tell by `instanceof`.

/** Why a call failed. Holds no secret and no one-time code. */
export class SmtpConnectorError extends Error {
  constructor(failure, options) {
    super(failure.message, options);
    this.kind = failure.kind;
    this.stage = failure.stage ?? undefined;
    this.code = failure.code;
    this.enhanced = failure.enhanced;
    this.reply = failure.reply;
    this.transient = failure.transient ?? false;
    this.ambiguous = failure.ambiguous ?? false;
    this.hint = failure.hint;
    this.attempts = failure.attempts ?? 0;
    this.diagnostics = failure.diagnostics ?? [];
    this.transcript = failure.transcript;
  }

  get name() {
    return this.constructor.name;
  }

  /** What the command line prints of it: absent parts are left out. */
  toJSON() {
    const { kind, stage, code, enhanced, reply, transient, ambiguous, hint, attempts } = this;
    const { message, diagnostics } = this;
    return {
      kind,
      stage,
      code,
      enhanced,
      reply,
      transient,
      ambiguous,
      hint,
      attempts,
      message,
      ...(diagnostics.length > 0 && { diagnostics }),
    };
  }
}

/** The call was given up by its `AbortSignal`, whose reason is the cause. */
export class AbortError extends SmtpConnectorError {}

/** The configuration has errors: see `diagnostics`. */
export class ConfigurationError extends SmtpConnectorError {}

/** The program calls wrongly: another type, an unknown key, a value that is no JSON. */
export class UsageError extends SmtpConnectorError {
  constructor(message, options) {
    super({ kind: 'usage', message }, options);
  }
}

/** The class of each kind that has one of its own. */
const classes = { aborted: AbortError, configuration: ConfigurationError };

/** An error of the native side, which says in JSON what failed. */
export const failure = (error, options) => {
  if (error instanceof SmtpConnectorError) return error;
  let told;
  try {
    told = JSON.parse(error.message);
  } catch {
    // Nothing else leaves the native side but what Node itself and a panic say.
    return new SmtpConnectorError({ kind: 'internal', message: error.message }, { cause: error });
  }
  if (told.kind === 'usage') return new UsageError(told.message, options);
  return new (classes[told.kind] ?? SmtpConnectorError)(told, options);
};
