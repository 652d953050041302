// One virtual machine: QEMU without KVM, its console as lines, its verdict.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// The host may leave the machine without a processor for seconds, which is no lockup of its kernel: the
// watchdogs bark only after one or two minutes. Without groups of tasks by session, which are for desktops:
// each replica has a session of its own, and would share a processor with the kernel's threads that move
// packets by session and not by thread.
const APPEND =
  'console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off noautogroup ' +
  'watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60';

/** Arguments that share a folder of the host under a tag. */
function share(id, tag, path, writable) {
  const access = writable ? '' : ',readonly=on';
  return [
    '-fsdev',
    `local,id=${id},path=${path},security_model=none${access},multidevs=remap`,
    '-device',
    `virtio-9p-pci,fsdev=${id},mount_tag=${tag}`,
  ];
}

function qemuArguments({ kernel, initramfs, sysroot, shared, shares }) {
  return [
    // A /dev/kvm may be there and still not be usable. Without protection keys, because V8 guards its code
    // by one: each switch between Node and a kernel thread would change the register that holds the rights,
    // and QEMU then forgets every address that it has looked up.
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max,-pku', '-smp', '2'],
    ...['-m', '1536', '-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
    ...['-no-reboot', '-kernel', kernel, '-initrd', initramfs, '-append', APPEND],
    ...share('u', 'hostusr', '/usr', false),
    ...share('s', 'sysroot', sysroot, false),
    ...share('w', 'share', shared, true),
    ...shares.flatMap(({ tag, path }, n) => share(`x${n}`, tag, path, false)),
  ];
}

/**
 * Boots, hands every line of the console to `line`, and resolves with the guest's exit status;
 * `undefined` when it ended without one (a panic), or had to be ended after `limitMs`.
 */
export function runMachine({ limitMs, line, interactive = false, ...machine }) {
  return new Promise((resolve, reject) => {
    const stdin = interactive ? 'inherit' : 'ignore';
    const qemu = spawn('qemu-system-x86_64', qemuArguments(machine), {
      stdio: [stdin, 'pipe', 'inherit'],
    });
    const timer = setTimeout(() => qemu.kill('SIGKILL'), limitMs);
    const end = () => qemu.kill('SIGKILL');
    process.once('exit', end);
    let status;
    if (interactive) qemu.stdout.pipe(process.stdout);
    createInterface({ input: qemu.stdout }).on('line', (raw) => {
      const text = raw.replace(/\r$/, '');
      const verdict = /^GUEST_EXIT=(\d+)$/.exec(text);
      if (verdict !== null) status = Number(verdict[1]);
      else line(text);
    });
    qemu.once('error', reject);
    qemu.once('close', () => {
      clearTimeout(timer);
      process.off('exit', end);
      resolve(status);
    });
  });
}
