import { mkdirSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Transport } from './transport.ts';

/** Where a replica listens for the others: a socket in the fabric's private directory, or TCP. */
export type MeetingPlace =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** How long a machine may take to answer a call. */
const CONNECT_TIMEOUT_MS = 2000;

/** The places of all replicas, by id. */
export function placesOf(transport: Transport, slots: number): MeetingPlace[] {
  if (transport.kind === 'ibverbs') return transport.rendezvous.map(tcpPlace);
  return Array.from({ length: slots }, (_, id) => ({
    kind: 'unix',
    path: `${transport.fabric}/rendezvous-${id}.sock`,
  }));
}

/** `host:port`, the host of IPv6 in brackets. */
function tcpPlace(text: string): MeetingPlace {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  return { kind: 'tcp', host, port: Number(text.slice(colon + 1)) };
}

export function describePlace(place: MeetingPlace): string {
  return place.kind === 'unix' ? place.path : `${place.host}:${place.port}`;
}

/** What `net` listens at or connects to. */
export function addressOf(place: MeetingPlace): { path: string } | { host: string; port: number } {
  return place.kind === 'unix' ? { path: place.path } : { host: place.host, port: place.port };
}

/** Makes room for listening there. */
export function prepare(place: MeetingPlace): void {
  if (place.kind === 'unix') mkdirSync(dirname(place.path), { recursive: true, mode: 0o700 });
}

/** Removes what listening there leaves, or a killed process left. */
export function abandon(place: MeetingPlace): void {
  if (place.kind === 'unix') rmSync(place.path, { force: true });
}

/** A connection, or `undefined` when nobody listens there. */
export function connect(place: MeetingPlace): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ ...addressOf(place), timeout: CONNECT_TIMEOUT_MS });
    const give = (result: Socket | undefined): void => {
      socket.removeAllListeners('error');
      socket.removeAllListeners('timeout');
      socket.setTimeout(0);
      if (result === undefined) socket.on('error', () => undefined).destroy();
      resolve(result);
    };
    socket.once('connect', () => give(socket));
    socket.once('error', () => give(undefined));
    socket.once('timeout', () => give(undefined));
  });
}

/** Whether somebody listens there. */
export async function answers(place: MeetingPlace): Promise<boolean> {
  const socket = await connect(place);
  socket?.destroy();
  return socket !== undefined;
}
