/** The library or the provider refused a control-path call: which verb, which errno. */
export class VerbsError extends Error {
  override readonly name = 'VerbsError';
  /** The verb that failed, by its C name, e.g. `ibv_reg_mr`. */
  readonly verb: string;
  /** Symbolic errno, e.g. `ENOMEM`. */
  readonly code: string;
  /** errno as a positive number; 0 where the platform gave none. */
  readonly errno: number;

  constructor(verb: string, code: string, errno: number, detail?: string, options?: ErrorOptions) {
    super(`${verb}: ${code}${detail === undefined ? '' : ` (${detail})`}`, options);
    this.verb = verb;
    this.code = code;
    this.errno = errno;
  }
}

/** Numbers of the codes that this library itself raises (Linux, asm-generic/errno). */
const ERRNO: Readonly<Record<string, number>> = {
  EINVAL: 22,
  ENOMEM: 12,
  ENODEV: 19,
  ENOENT: 2,
  EBUSY: 16,
  EBADF: 9,
  ENOTSUP: 95,
  ENOTCONN: 107,
  EMSGSIZE: 90,
  ENOSYS: 38,
};

/** Builds the error for a refusal that this library decides itself. */
export function refuse(verb: string, code: keyof typeof ERRNO, detail: string): VerbsError {
  return new VerbsError(verb, code, ERRNO[code] ?? 0, detail);
}
