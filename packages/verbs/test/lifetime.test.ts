import { describe, expect, it } from 'vitest';
import { Owned } from '../src/lifetime.ts';

const released: string[] = [];

class Thing extends Owned {
  readonly #name: string;

  constructor(name: string, ...parents: Owned[]) {
    super(...parents);
    if (name === 'refused') throw new Error('the provider refused');
    this.#name = name;
    this.attach();
  }

  protected release(): void {
    released.push(this.#name);
  }
}

describe('Owned', () => {
  it('closes children before parents, newest first', () => {
    released.length = 0;
    const root = new Thing('root');
    const older = new Thing('older', root);
    new Thing('newer', root);
    new Thing('grandchild', older);
    root.close();
    expect(released).toEqual(['newer', 'grandchild', 'older', 'root']);
  });

  it('is closed by whichever parent closes first, and only once', () => {
    released.length = 0;
    const root = new Thing('root');
    const domain = new Thing('domain', root);
    const queue = new Thing('queue', root);
    const child = new Thing('queue pair', domain, queue, queue);
    root.close();
    child.close();
    expect(released).toEqual(['queue pair', 'queue', 'domain', 'root']);
  });

  it('forgets a child that was closed alone', () => {
    released.length = 0;
    const root = new Thing('root');
    new Thing('child', root).close();
    root.close();
    expect(released).toEqual(['child', 'root']);
  });

  it('does not keep a child that could not be made', () => {
    released.length = 0;
    const root = new Thing('root');
    expect(() => new Thing('refused', root)).toThrow('the provider refused');
    root.close();
    expect(released).toEqual(['root']);
  });

  it('refuses a child of a closed parent, and any use after close, by name', () => {
    const root = new Thing('root');
    root.close();
    expect(root.closed).toBe(true);
    expect(() => new Thing('child', root)).toThrowError(
      expect.objectContaining({ code: 'EBADF', verb: 'Thing' }),
    );
    expect(() => {
      root.assertOpen();
    }).toThrow('used after close');
  });

  it('is disposable', () => {
    released.length = 0;
    new Thing('root')[Symbol.dispose]();
    expect(released).toEqual(['root']);
  });
});
