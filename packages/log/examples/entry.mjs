// Writes one entry into the memory of a log, and reads it back.
import { CircularArea, entryBytes, EntryView, EntryWriter, LOG_BEGIN, logBytes } from '@mu-smr/log';
import { sealTrailer } from '@mu-smr/verbs';

const geometry = { capacityBytes: 4096, payloadBytesMax: 256, windowBytes: 1024 };
const nonce = [0x6d75, 0x736d72];
const log = new Uint8Array(logBytes(geometry));
const area = new CircularArea(geometry);
const limit = area.untilEnd(LOG_BEGIN);
const at = area.position(LOG_BEGIN);

const view = new EntryView(log, nonce).moveTo(at);
console.log(`before: ${view.state(LOG_BEGIN, limit)}`);

const writer = new EntryWriter(log, nonce);
writer.proposal = 17;
const command = new TextEncoder().encode('hello, log');
const bytes = writer.command(at, LOG_BEGIN, command);
console.log(`without its trailer: ${view.state(LOG_BEGIN, limit)}`);

// In a replica the doorbell does this, as the work request carries SendFlags.seal.
sealTrailer(log, at, at + bytes);
console.log(`sealed: ${view.state(LOG_BEGIN, limit)}, ${bytes} bytes`);
console.log(`proposal ${view.proposal}: ${new TextDecoder().decode(view.payload())}`);

// The same bytes are not an entry for the offset one lap later.
console.log(`a lap later: ${view.state(LOG_BEGIN + geometry.capacityBytes, limit)}`);
console.log(`the next entry stands at ${LOG_BEGIN + entryBytes(command.length)}`);
