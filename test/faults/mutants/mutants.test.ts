import { MUTANTS } from "./mutants.ts";
import { mutated } from "./patch.ts";

test("each mutant has a name of its own, and its text stands once in its file", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  for (const mutant of MUTANTS) expect(mutated(mutant)).not.toBe("");
});
