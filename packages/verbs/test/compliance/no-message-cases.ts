import { describe, expect, it } from 'vitest';
import { closePair, connect, Side, writeRequest, type ProviderFixture } from './harness.ts';

const refusal = (message: RegExp) =>
  expect.objectContaining({
    name: 'VerbsError',
    code: 'ENOTSUP',
    message: expect.stringMatching(message) as string,
  }) as Error;

/** A provider without messages and datagrams says so, and of which provider that goes. */
export function noMessageCases(fixture: () => ProviderFixture): void {
  describe('messages and unreliable queue pairs', () => {
    it('are told to be missing', () => {
      const { info } = fixture().devices[0];
      expect(info.queuePairTypes).toEqual(['RC']);
      expect(info.limits.receiveQueueDepthMax).toBe(0);
    });

    it('are refused when they are to be made', () => {
      const side = new Side(fixture().devices[0]);
      const { provider } = fixture().devices[0].info;
      const options = { sendRing: side.ring, sendCompletionQueue: side.queue };
      expect(() => side.domain.createQueuePair({ ...options, type: 'UC' })).toThrowError(
        refusal(new RegExp(`ibv_create_qp: ENOTSUP \\(${provider} has RC: no UC\\)`)),
      );
      expect(() => side.domain.createQueuePair({ ...options, type: 'UD' })).toThrowError(
        refusal(new RegExp(`ibv_create_qp: ENOTSUP \\(${provider} has RC: no UD\\)`)),
      );
      expect(() => side.domain.createQueuePair({ ...options, receiveQueueDepth: 1 })).toThrowError(
        refusal(new RegExp(`ibv_create_qp: ENOTSUP \\(${provider} has no send and receive\\)`)),
      );
      expect(() => side.domain.createAddressHandle('anywhere')).toThrowError(
        refusal(new RegExp(`ibv_create_ah: ENOTSUP \\(${provider} has RC: no UD\\)`)),
      );
    });

    it('are refused when they are posted', () => {
      const pair = connect(fixture());
      const { queuePair, region } = pair.a;
      expect(() => {
        queuePair.postSend({ kind: 'send', local: { region, offset: 0, length: 8 } });
      }).toThrowError(refusal(/has no send\)/));
      expect(() => {
        queuePair.postSend(writeRequest(pair, 0, 8, { immediate: 1 }));
      }).toThrowError(refusal(/has no write with immediate data\)/));
      expect(() => {
        queuePair.postReceive({ local: { region, offset: 0, length: 8 } });
      }).toThrowError(/ibv_post_recv: EINVAL/);
      expect(queuePair.outstanding).toBe(0);
      closePair(pair);
    });
  });
}
