import { ACTIONS } from "./actions.ts";
import { CAPACITY } from "./capacity.ts";
import { DECISIONS } from "./decisions.ts";
import { EVENTS } from "./events.ts";
import type { Mutant } from "./mutant.ts";

/** Every guard that the proofs must miss when it is gone. */
export const MUTANTS: readonly Mutant[] = [...DECISIONS, ...ACTIONS, ...CAPACITY, ...EVENTS];
