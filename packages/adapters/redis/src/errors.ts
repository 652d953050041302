/** Why this adapter refused to start or cannot go on. */
export type RedisAdapterErrorCode =
  | 'REDIS_SERVER_MISSING'
  | 'REDIS_SERVER_VERSION'
  | 'REDIS_SERVER_EXITED'
  | 'REDIS_COMMAND_TABLE'
  | 'BACKEND_LOST'
  | 'BACKEND_PROTOCOL'
  | 'ENTRY_CORRUPT'
  | 'SNAPSHOT_CORRUPT';

/** The adapter refused; `code` says why in a form programs can test. */
export class RedisAdapterError extends Error {
  readonly code: RedisAdapterErrorCode;

  constructor(code: RedisAdapterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisAdapterError';
    this.code = code;
  }
}
