/** What a key does, or two after each other, as in `g u`; the keys of the view that is open. */
export type KeyMap = Readonly<Record<string, () => void>>;

const maps: KeyMap[] = [];

/**
 * Adds keys, as `KeyboardEvent.key` names them; the last map that has a key wins. @returns what
 * takes them away
 */
export function addKeys(map: KeyMap): () => void {
  maps.push(map);
  return () => {
    const index = maps.indexOf(map);
    if (index >= 0) maps.splice(index, 1);
  };
}

/** How long the first of two keys waits for the second, in milliseconds. */
const SECOND_KEY_MS = 1500;

/** The first of two keys, and until when it waits. */
let first = { key: "", until: 0 };

/** What the keys mean that were pressed; a key that begins two waits for the other. */
function actionOf(event: KeyboardEvent): (() => void) | undefined {
  const begun = event.timeStamp < first.until ? `${first.key} ` : "";
  first = { key: "", until: 0 };
  const keys = [begun + event.key, event.key];
  for (const key of keys) {
    const action = maps.findLast((map) => Object.hasOwn(map, key))?.[key];
    if (action !== undefined) return action;
  }
  const isFirst = maps.some((map) =>
    Object.keys(map).some((key) => key.startsWith(`${event.key} `)),
  );
  if (isFirst) first = { key: event.key, until: event.timeStamp + SECOND_KEY_MS };
  return undefined;
}

/** Keys do nothing while somebody types, or a dialog is open, or with a modifier. */
export function startKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as Element;
    if (target.closest("input:not([type=checkbox]), textarea, select, dialog") !== null) return;
    const pressed =
      event.key === "Enter" ? "button, a" : event.key === " " ? "button, input" : null;
    if (pressed !== null && target.closest(pressed) !== null) return;
    const action = actionOf(event);
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
