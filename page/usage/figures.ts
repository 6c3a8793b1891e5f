import type { Usages } from "../../client/types.ts";
import { agents } from "../agents.ts";
import { shown } from "../words/shown.ts";
import type { Period } from "./period.ts";

/** What usage can be counted by on the page. */
export const GROUPINGS = ["agent", "model", "label"] as const;
export type Grouping = (typeof GROUPINGS)[number];
export const GROUPING_WORDS: Readonly<Record<Grouping, string>> = {
  agent: "Agent",
  model: "Model",
  label: "Label",
};

/** What the API says of a period. */
export interface Figures {
  period: Period;
  by: Grouping;
  /** Of as many days before, by status. */
  before: Usages;
  byDay: Usages;
  byKey: Usages;
}

/** What a row is of, as people call it. */
export function nameOf(by: Grouping, { key, isRest }: Usages["items"][number]): string {
  if (isRest) return "all others";
  if (key === null) return by === "agent" ? "none" : "the engine’s own";
  return shown(by === "agent" ? (agents.value.get(key)?.name ?? key) : key);
}
