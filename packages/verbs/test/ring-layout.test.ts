import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CompletionEntry,
  completionRingBytes,
  Mailbox,
  RECEIVE_QUEUE,
  Received,
  ReceivedFlags,
  Ring,
  SendEntry,
  sendRingBytes,
  SendFlags,
  WriteNow,
} from '../src/ring-layout.ts';
import { ACCESS_FLAGS_ALL, AccessFlags } from '../src/access-flags.ts';
import { QueuePairState } from '../src/queue-pair-state.ts';
import { QueuePairType } from '../src/queue-pair-type.ts';
import { Opcode, WorkCompletionStatus } from '../src/work-completion.ts';

const native = new URL('../native/rings.h', import.meta.url);
const LINE_BYTES = 64;

describe('ring layout', () => {
  it('keeps the counters and the entries on cache lines of their own', () => {
    const lines = [Ring.producer, Ring.consumer, Ring.entries].map((word) =>
      Math.floor((word * 4) / LINE_BYTES),
    );
    expect(new Set(lines).size).toBe(3);
    expect((Ring.entries * 4) % LINE_BYTES).toBe(0);
    expect((SendEntry.words * 4) % LINE_BYTES).toBe(0);
  });

  for (const [name, entry] of Object.entries({ SendEntry, CompletionEntry, Received }))
    it(`gives every field of ${name} a word of its own inside the entry`, () => {
      const { words, ...fields } = entry as Record<string, number>;
      const places = Object.values(fields);
      expect(new Set(places).size).toBe(places.length);
      expect(Math.max(...places)).toBeLessThan(words);
    });

  it('keeps flags and opcodes apart', () => {
    const flags = Object.values(SendFlags);
    expect(flags.reduce((all, flag) => all | flag, 0)).toBe(flags.reduce((sum, f) => sum + f, 0));
    for (const flag of flags) expect(flag & 0xff).toBe(0);
    for (const opcode of Object.values(Opcode)) expect(opcode & ~0xff).toBe(0);
  });

  it('has room for the counters and every entry', () => {
    expect(sendRingBytes(4)).toBe(128 + 4 * 64 + 576);
    expect(completionRingBytes(4)).toBe(128 + 4 * 32);
  });

  // The C++ side reads and writes the same words.
  describe.skipIf(!existsSync(native))('is what native/rings.h has:', () => {
    it('counters, sizes and flags', () => {
      expect(constants(native)).toEqual({
        kRingProducer: Ring.producer,
        kRingConsumer: Ring.consumer,
        kRingEntries: Ring.entries,
        kSendEntryWords: SendEntry.words,
        kCompletionEntryWords: CompletionEntry.words,
        kNowWords: WriteNow.words,
        kNowTargetsMax: WriteNow.targetsMax,
        kSendSignaled: SendFlags.signaled,
        kSendInline: SendFlags.inline,
        kSendWake: SendFlags.wake,
        kSendSeal: SendFlags.seal,
        kSendImmediate: SendFlags.immediate,
        kReceiveQueue: RECEIVE_QUEUE,
        kReceivedWords: Received.words,
        kReceivedImmediate: ReceivedFlags.immediate,
        kReceivedGlobalHeader: ReceivedFlags.globalHeader,
      });
    });

    it('the words of every entry', () => {
      expect(structWords(native, 'SendEntry')).toEqual(SendEntry);
      expect(structWords(native, 'CompletionEntry')).toEqual(CompletionEntry);
      expect(structWords(native, 'Received')).toEqual(Received);
      expect(structWords(native, 'Mailbox')).toEqual(Mailbox);
    });

    it('the words of a write to several targets', () => {
      const { words, targets, targetWords, targetsMax, earlier, earlierIdLow, ...same } = WriteNow;
      expect(structWords(native, 'WriteNow')).toMatchObject(same);
      expect(structWords(native, 'Target')).toMatchObject({ earlier, earlierIdLow });
      expect(words).toBe(targets + targetWords * targetsMax);
    });

    it('the numbers of native/types.h', () => {
      const types = new URL('types.h', native);
      expect(enumValues(types, 'Opcode')).toEqual(Opcode);
      expect(enumValues(types, 'QueuePairState')).toEqual(QueuePairState);
      expect(upper(enumValues(types, 'QueuePairType'))).toEqual(QueuePairType);
      expect(WorkCompletionStatus).toMatchObject(enumValues(types, 'Status'));
      expect(constants(types)).toEqual({
        kAccessAll: ACCESS_FLAGS_ALL,
        kAccessLocalWrite: AccessFlags.localWrite,
        kAccessRemoteWrite: AccessFlags.remoteWrite,
        kAccessRemoteRead: AccessFlags.remoteRead,
        kAccessRemoteAtomic: AccessFlags.remoteAtomic,
      });
    });
  });
});

/** Every `constexpr uint32_t kName = 1u << 8;` of a header. */
function constants(header: URL): Record<string, number> {
  const found: Record<string, number> = {};
  const lines = readFileSync(header, 'utf8').matchAll(/constexpr uint32_t (k\w+) = ([^;]+);/g);
  for (const [, name, value] of lines) {
    const [base, shift = '0'] = value.replaceAll('u', '').split('<<');
    found[name] = Number(base) << Number(shift);
  }
  return found;
}

/** The words of a struct of `uint32_t` by camel-cased name, without what is reserved. */
function structWords(header: URL, name: string): Record<string, number> {
  const found: Record<string, number> = {};
  let words = 0;
  for (const [, field, count = '1'] of body(header, 'struct', name).matchAll(
    /uint32_t (\w+)(?:\[(\d+)\])?;/g,
  )) {
    if (!/^(reserved|padding)/.test(field))
      found[field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())] = words;
    words += Number(count);
  }
  return { words, ...found };
}

/** The values of an `enum class`, by name without the `k`. */
function enumValues(header: URL, name: string): Record<string, number> {
  const lines = body(header, 'enum class', name).matchAll(/k(\w+) = (\d+)/g);
  return Object.fromEntries(
    [...lines].map(([, key, value]) => [key[0].toLowerCase() + key.slice(1), Number(value)]),
  );
}

/** Names that are abbreviations all through. */
function upper(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toUpperCase(), value]),
  );
}

function body(header: URL, kind: string, name: string): string {
  const found = new RegExp(`${kind} ${name}\\b[^{]*{([^}]*)}`).exec(readFileSync(header, 'utf8'));
  if (found === null) throw new Error(`no ${kind} ${name} in ${header.pathname}`);
  return found[1];
}
