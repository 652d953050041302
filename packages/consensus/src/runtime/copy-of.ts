/**
 * A copy of the same hidden class as all such copies have. `{ ...original }` gives now one and now another, and
 * what came from another thread has one of its own; code that V8 compiled takes for granted what it saw.
 */
export function copyOf<T extends object>(original: T, changes: Partial<T> = {}): T {
  return Object.assign({}, original, changes);
}
