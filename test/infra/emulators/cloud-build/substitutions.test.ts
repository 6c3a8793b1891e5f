import type { RequestedBuild } from "../../../../infra/emulators/cloud-build/build.ts";
import {
  keysOf,
  mapTemplates,
  substitute,
} from "../../../../infra/emulators/cloud-build/substitutions.ts";

const VALUES = { _BOO: "boo", PROJECT_ID: "p", _EMPTY: "" };

test.each([
  ["plain", "plain", []],
  ["$_BOO", "boo", ["_BOO"]],
  [`\${_BOO}`, "boo", ["_BOO"]],
  ["a$_BOO-b", "aboo-b", ["_BOO"]],
  ["$_BOO$_BOO", "booboo", ["_BOO", "_BOO"]],
  [`\${_BOO}S`, "booS", ["_BOO"]],
  ["$_BOOS", "", ["_BOOS"]],
  ["$PROJECT_ID/x", "p/x", ["PROJECT_ID"]],
  ["$COMMIT_SHA", "", ["COMMIT_SHA"]],
  ["$_EMPTY", "", ["_EMPTY"]],
  ["$$BAZ", "$BAZ", []],
  ["$$$_BOO", "$boo", ["_BOO"]],
  ["$$$$", "$$", []],
  ["$$$", "$$", []],
  ["$$$$_BOO", "$$_BOO", []],
  ["\\$_BOO", "\\boo", ["_BOO"]],
  ["$foo $1 $(cmd) $? $@ $", "$foo $1 $(cmd) $? $@ $", []],
  [`\${foo} \${_BOO:-x} \${_BOO`, `\${foo} \${_BOO:-x} \${_BOO`, []],
  ["$_BOOlower", "boolower", ["_BOO"]],
  [`$constructor \${__proto__}`, `$constructor \${__proto__}`, []],
])("%j becomes %j", (template, expected, keys) => {
  expect(substitute(template, VALUES)).toBe(expected);
  expect(keysOf(template)).toEqual(keys);
});

test("a value is never substituted again", () => {
  expect(substitute("$_A", { _A: "$_B $$ $&", _B: "b" })).toBe("$_B $$ $&");
});

test("templates are replaced in the fields that Google names, and in no other", () => {
  const everywhere: RequestedBuild = {
    steps: [
      {
        name: "$_A",
        args: ["$_A"],
        env: ["K=$_A"],
        dir: "$_A",
        entrypoint: "$_A",
        id: "$_A",
        waitFor: ["$_A"],
        secretEnv: ["$_A"],
        script: "$_A",
      },
    ],
    images: ["$_A"],
    tags: ["$_A"],
    logsBucket: "$_A",
    serviceAccount: "$_A",
    artifacts: { images: ["$_A"], objects: { location: "$_A", paths: ["$_A"] } },
    availableSecrets: { secretManager: [{ versionName: "$_A", env: "$_A" }] },
    source: { storageSource: { bucket: "$_A", object: "$_A" } },
    options: { env: ["K=$_A"], secretEnv: ["$_A"] },
    substitutions: { _A: "$_A" },
  };
  expect(mapTemplates(everywhere, (template) => template.replace("$_A", "a"))).toEqual({
    steps: [
      {
        name: "a",
        args: ["a"],
        env: ["K=a"],
        dir: "a",
        entrypoint: "a",
        id: "$_A",
        waitFor: ["$_A"],
        secretEnv: ["$_A"],
        script: "$_A",
      },
    ],
    images: ["a"],
    tags: ["a"],
    logsBucket: "a",
    serviceAccount: "a",
    artifacts: { images: ["a"], objects: { location: "a", paths: ["a"] } },
    availableSecrets: { secretManager: [{ versionName: "a", env: "$_A" }] },
    source: { storageSource: { bucket: "$_A", object: "$_A" } },
    options: { env: ["K=$_A"], secretEnv: ["$_A"] },
    substitutions: { _A: "$_A" },
  });
});
