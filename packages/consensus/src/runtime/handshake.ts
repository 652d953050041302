import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ConsensusError } from '../errors.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { BackgroundOffer, ReplicationOffer } from '../planes/assembly.ts';
import type { JsonLines } from './json-lines.ts';

/** What two replicas tell each other, once each has proven that it knows the secret. */
export interface PeerOffer {
  readonly replication: ReplicationOffer;
  readonly background: BackgroundOffer;
}

const Endpoint = z.object({
  provider: z.enum(['shm', 'ibverbs', 'sim']),
  address: z.string().max(256),
  queuePairNumber: z.int().min(0),
});
const Key = z.int().min(0).max(0xffff_ffff);
const Offer = z.object({
  replication: z.object({ outgoing: Endpoint, incoming: Endpoint, logKey: Key }),
  background: z.object({ endpoint: Endpoint, scratchKey: Key }),
});
const Hello = z.object({ id: z.int().min(0), nonce: z.string().length(32) });
const Proof = z.object({ proof: z.string().regex(/^[0-9a-f]{64}$/) });
const GreetingSchema = z.object({
  incarnation: z.int().min(1),
  phase: z.enum(['founding', 'joining', 'running']),
  wants: z.enum(['meet', 'state']),
  leads: z.boolean(),
  open: z.boolean(),
});
const Reached = z.object({ reached: z.string() });
const Refusal = z.object({ refused: z.string() });
const Agreement = z.object({ agreement: z.record(z.string(), z.union([z.string(), z.number()])) });

/** What a replica says of itself when it meets another, and what it wants of it. */
export interface Greeting {
  /** This life of it. */
  readonly incarnation: number;
  /** `founding`: it waits for all to come together; `joining`: it looks for a group that runs. */
  readonly phase: 'founding' | 'joining' | 'running';
  /** To be connected with, or to be given the other's state. */
  readonly wants: 'meet' | 'state';
  readonly leads: boolean;
  /** It has the state, and its log is open. */
  readonly open: boolean;
}

/** One side of the rendezvous with one peer. */
export interface HandshakeOptions {
  readonly self: ReplicaId;
  readonly secret: string;
  /** Must be equal on both sides. */
  readonly agreement: Record<string, string | number>;
  /** Asked when the peer has proven itself. */
  readonly greeting: () => Greeting;
}

function proofOf(secret: string, from: ReplicaId, to: ReplicaId, nonces: string): string {
  return createHmac('sha256', secret).update(`rendezvous\0${from}\0${to}\0${nonces}`).digest('hex');
}

/**
 * Challenge, configuration, greeting: the same messages in both directions, so there is one function.
 *
 * Each side proves knowledge of the secret over both nonces and both ids (HMAC-SHA-256); nothing of
 * the configuration is told before. Returns who the peer is and what it says of itself.
 */
export async function shakeHands(
  lines: JsonLines,
  options: HandshakeOptions,
): Promise<{ readonly peer: ReplicaId; readonly greeting: Greeting }> {
  const nonce = randomBytes(16).toString('hex');
  lines.send({ id: options.self, nonce });
  const hello = read(Hello, await lines.receive());
  const { id: peer } = hello;
  // Both sides name the nonces in the order of the ids.
  const nonces = options.self < peer ? nonce + hello.nonce : hello.nonce + nonce;

  lines.send({ proof: proofOf(options.secret, options.self, peer, nonces) });
  const { proof } = read(Proof, await lines.receive());
  const expected = proofOf(options.secret, peer, options.self, nonces);
  if (!timingSafeEqual(Buffer.from(proof), Buffer.from(expected)))
    refuse(lines, 'NOT_AUTHENTICATED', `replica ${peer} does not know the group's secret`);

  lines.send({ agreement: options.agreement });
  const { agreement } = read(Agreement, await lines.receive());
  const difference = firstDifference(options.agreement, agreement);
  if (difference !== undefined)
    refuse(
      lines,
      'CONFIG_MISMATCH',
      `replicas ${options.self} and ${peer} differ in ${difference}`,
    );

  lines.send(options.greeting());
  return { peer, greeting: read(GreetingSchema, await lines.receive()) };
}

/** Tells the peer how to connect with us, and learns the same of it. */
export async function exchangeOffers(lines: JsonLines, offer: PeerOffer): Promise<PeerOffer> {
  lines.send(offer);
  return read(Offer, await lines.receive());
}

/** Resolves when both sides have come to the same point. */
export async function reach(lines: JsonLines, point: string): Promise<void> {
  lines.send({ reached: point });
  const { reached } = read(Reached, await lines.receive());
  if (reached !== point)
    throw new ConsensusError('RENDEZVOUS_FAILED', `we are at ${point}, the peer at ${reached}`);
}

/** Tells the peer that nothing comes of it now. */
export function decline(lines: JsonLines, reason: string): void {
  lines.send({ refused: reason });
  lines.end();
}

/** Names the first value that differs, with both sides, or `undefined`. */
export function firstDifference(
  ours: Record<string, string | number>,
  theirs: Record<string, string | number>,
): string | undefined {
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)]))
    if (ours[name] !== theirs[name]) return `${name}: ${ours[name]} here, ${theirs[name]} there`;
  return undefined;
}

function refuse(
  lines: JsonLines,
  code: 'NOT_AUTHENTICATED' | 'CONFIG_MISMATCH',
  reason: string,
): never {
  lines.send({ refused: reason });
  lines.end();
  throw new ConsensusError(code, reason);
}

function read<T>(schema: z.ZodType<T>, message: unknown): T {
  const refusal = Refusal.safeParse(message);
  if (refusal.success) throw new ConsensusError('RENDEZVOUS_FAILED', refusal.data.refused);
  const checked = schema.safeParse(message);
  if (checked.success) return checked.data;
  throw new ConsensusError(
    'RENDEZVOUS_FAILED',
    'a peer sent something else than the rendezvous asks',
  );
}
