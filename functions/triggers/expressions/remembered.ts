/** An expression that comes to nothing that a run could be made of; its message says why. */
export class NotUsable extends Error {}

/** Texts whose compiled form is remembered: an event is asked of a trigger's again and again. */
const REMEMBERED = 500;

/** `compile`, which is asked once about a text as long as there are not too many. */
export function remembered<T>(compile: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const compiled = compile(text);
    if (known.size >= REMEMBERED) known.clear();
    known.set(text, compiled);
    return compiled;
  };
}
