/** The log refused: its geometry is wrong, or bytes are not what they must be. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: 'GEOMETRY' | 'CORRUPT' | 'TOO_LARGE';

  constructor(code: LogError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
