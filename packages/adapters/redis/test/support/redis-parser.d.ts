declare module 'redis-parser' {
  export default class RedisParser {
    constructor(options: {
      returnReply(value: unknown): void;
      returnError(error: Error): void;
      returnFatalError(error: Error): void;
    });
    execute(bytes: Buffer): void;
  }
}
