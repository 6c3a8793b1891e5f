import { computed, signal } from "@preact/signals";

const STORED = "runyard.diff";
const wide = matchMedia("(min-width: 1101px)");

/** Whether there is room for two texts beside each other. */
export const hasRoom = signal(wide.matches);
wide.addEventListener("change", () => {
  hasRoom.value = wide.matches;
});

const wanted = signal(localStorage.getItem(STORED) ?? "split");

/** Whether what was and what is stand side by side. */
export const isSplit = computed(() => hasRoom.value && wanted.value === "split");

export function setSplit(isWanted: boolean): void {
  wanted.value = isWanted ? "split" : "unified";
  localStorage.setItem(STORED, wanted.value);
}
