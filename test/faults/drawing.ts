import { seededRandom } from "../../infra/emulators/wire/random.ts";

/** Draws from a seed's own line of numbers. */
export interface Drawing {
  isTrueWith(probability: number): boolean;
  oneOf<T>(values: readonly T[]): T;
  between(low: number, high: number): number;
}

export function drawing(seed: number): Drawing {
  const random = seededRandom(seed);
  return {
    isTrueWith: (probability) => random() < probability,
    oneOf: (values) => values[Math.floor(random() * values.length)] as (typeof values)[number],
    between: (low, high) => low + random() * (high - low),
  };
}
