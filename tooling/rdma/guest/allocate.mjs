// Registers memory of a device, says how it is, and ends: arguments are where the package stands, and bytes.
import { readFileSync } from 'node:fs';

const [path, bytes] = process.argv.slice(2);
const { AccessFlags, ibverbsDevice } = await import(path);
const domain = ibverbsDevice('rxe0').open().allocateProtectionDomain();
domain.allocateMemory(Number(bytes), AccessFlags.localWrite).bytes.fill(1);
console.log(readFileSync('/proc/meminfo', 'utf8'));
