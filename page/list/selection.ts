import { signal } from "@preact/signals";

/** Ids of the runs that are selected. */
export const selected = signal<ReadonlySet<string>>(new Set());
/** Id of the run that keys act on; null: none. */
export const current = signal<string | null>(null);

export function toggleSelected(id: string): void {
  const draft = new Set(selected.value);
  if (!draft.delete(id)) draft.add(id);
  selected.value = draft;
}
