import type { CommandSink } from '../log/batch.js';
import { integerReply } from '../resp/reply.js';
import { Request } from '../resp/request.js';
import { GUARD_MS } from '../ttl/guard.js';
import type { Submission } from './submission.js';

/** TTL and its kin are all asked as PEXPIRETIME, whose answer depends on no clock. */
export function deadlineQuestion(submission: Submission): Request {
  return Request.of('PEXPIRETIME', submission.request.arg(1));
}

/** Turns the guarded deadline into what the client asked for, by the log's clock. */
export function deadlineSink(submission: Submission, nowMs: number): CommandSink {
  const { sink, spec } = submission;
  return {
    reply(bytes) {
      const guarded = Number(bytes.toString('latin1', 1, bytes.length - 2));
      // -1 and -2 say that there is no deadline, or no key; anything else is an error to pass on.
      if (!(guarded >= 0)) return sink.reply(bytes);
      const deadline = guarded - GUARD_MS;
      const left = Math.max(deadline - nowMs, 0);
      const answers: Record<string, number> = {
        ttl: Math.floor((left + 500) / 1000),
        pttl: left,
        expiretime: Math.floor((deadline + 500) / 1000),
        pexpiretime: deadline,
      };
      sink.reply(integerReply(answers[spec.name]));
    },
    refuse: (error, close) => sink.refuse(error, close),
  };
}
