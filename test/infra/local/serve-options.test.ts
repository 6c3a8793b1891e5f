import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_SCRIPT } from "../../../infra/local/offline-model/script.ts";
import {
  MORE_HELP,
  SAMPLE_PROMPT,
  type ServeFlags,
  serveOptions,
} from "../../../infra/local/serve-options.ts";

const sampleOf = (flags: ServeFlags) => {
  const { sample, prompt } = serveOptions(flags);
  return [sample, prompt];
};

test("the sample is left to whether it is the first start, unless somebody asks for it or not", () => {
  expect(sampleOf({})).toEqual([undefined, SAMPLE_PROMPT]);
  expect(sampleOf({ sample: true })).toEqual([true, SAMPLE_PROMPT]);
  expect(sampleOf({ once: true })).toEqual([true, SAMPLE_PROMPT]);
  expect(sampleOf({ prompt: "x" })).toEqual([true, "x"]);
  expect(sampleOf({ sample: false })).toEqual([false, SAMPLE_PROMPT]);
  expect(sampleOf({ sample: false, prompt: "x" })).toEqual([false, "x"]);
  expect(() => serveOptions({ once: true, sample: false })).toThrow("nothing to do");
});

test("each phrase of the offline model is in the help and in the docs, and does what it says", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");
  for (const { name, example, does } of DEFAULT_SCRIPT) {
    const line = MORE_HELP.split("\n").find((each) => each.startsWith(`  ${example} `));
    expect(line?.endsWith(`  ${does}`)).toBe(true);
    expect(docs).toContain(`| \`${example}\` | ${does} |`);
    const taken = DEFAULT_SCRIPT.find(({ phrase }) => phrase.test(example.replace("\\n", "\n")));
    expect(taken?.name).toBe(name);
  }
});
