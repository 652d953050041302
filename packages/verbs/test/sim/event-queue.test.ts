import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../src/providers/sim/event-queue.ts';

describe('EventQueue', () => {
  it('runs events by time, and those of one time in the order they were pushed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (times) => {
        const queue = new EventQueue();
        const ran: [number, number][] = [];
        times.forEach((time, index) => {
          queue.push(time, (at: number, stamp) => ran.push([at, stamp]), time, index);
        });
        while (queue.runNext());
        const expected = times.map((time, index): [number, number] => [time, index]);
        expect(ran).toEqual(expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });

  it('takes events that events push', () => {
    const queue = new EventQueue();
    const ran: string[] = [];
    const log = (name: string) => ran.push(name);
    queue.push(5, log, 'late', 0);
    queue.push(1, () => queue.push(3, log, 'pushed', 0), undefined, 0);
    expect(queue.nextTimeNs).toBe(1);
    while (queue.runNext());
    expect(ran).toEqual(['pushed', 'late']);
    expect(queue.nextTimeNs).toBe(Infinity);
    expect(queue.runNext()).toBe(false);
  });
});
