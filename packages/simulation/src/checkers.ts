import type { Observer } from './observer.ts';

/** A checker watches what it needs and throws `InvariantViolation`. */
export type Checker = Partial<Observer>;

/** Shows every event to all checkers, in order. */
export function observeAll(checkers: readonly Checker[]): Observer {
  const all = <Name extends keyof Observer>(name: Name): Observer[Name] => {
    const watching = checkers.filter((checker) => checker[name] !== undefined);
    return (...args: never[]) => {
      for (const checker of watching) (checker[name] as (...all: never[]) => void)(...args);
    };
  };
  return {
    wrote: all('wrote'),
    stepped: all('stepped'),
    permissionChanged: all('permissionChanged'),
    completedBadly: all('completedBadly'),
    leading: all('leading'),
    ended: all('ended'),
    applied: all('applied'),
    diverged: all('diverged'),
    proposed: all('proposed'),
    answered: all('answered'),
    read: all('read'),
    fault: all('fault'),
  };
}
