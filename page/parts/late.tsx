import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

/** A component that is loaded when it is first drawn; until then there is nothing in its place. */
export function late<Props extends object>(
  load: () => Promise<FunctionComponent<Props>>,
): FunctionComponent<Props> {
  const loaded = signal<{ Component: FunctionComponent<Props> } | null>(null);
  const start = async () => {
    loaded.value ??= { Component: await load() };
  };
  return (props) => {
    useEffect(() => {
      start().catch(() => {
        // Whoever comes again tries again; the line of a lost connection says why.
      });
    }, []);
    if (loaded.value === null) return null;
    const { Component } = loaded.value;
    return <Component {...props} />;
  };
}
