import { claudeEnvironment } from "../../../infra/agent/engines/claude-code/command.ts";
import { ADDRESSED, agentEnvironment } from "../../../infra/agent/environment.ts";
import { type SecretRule, secretFaults } from "../../../shared/agent/environment.ts";

const RULE: SecretRule = {
  prefixes: new Map([["owner", ["runyard-"]]]),
  projectId: "p",
  modelKeySecret: "projects/p/secrets/model-key/versions/1",
};
const version = (id: string, project = "p") => `projects/${project}/secrets/${id}/versions/latest`;
const ALLOWED = version("runyard-token");

const faultsOf = (name: string, secret = ALLOWED, rule = RULE) =>
  secretFaults({ environment: { [name]: { secret } } }, "owner", rule);

test("no environment has no faults", () => {
  expect(secretFaults({}, "owner", RULE)).toEqual([]);
});

test.each(["GITHUB_TOKEN", "NPM_TOKEN", "DATABASE_URL", "a", "_", "MY_PATH", "HOMEPAGE"])(
  "a variable may be called %s",
  (name) => {
    expect(faultsOf(name)).toEqual([]);
  },
);

const place = { program: "p", home: "h", temporary: "t", path: "p", isUnconfinedRoot: true };
test("every variable that the runner gives to Claude Code is refused", () => {
  const own = agentEnvironment({ given: {}, place, engine: claudeEnvironment(place, "k") });
  const names = [...Object.keys(own), ...Object.keys(ADDRESSED)];
  expect(names).toHaveLength(25);
  for (const name of names) {
    expect(faultsOf(name)).toEqual([
      { pointer: `/environment/${name}`, detail: expect.stringContaining("set by the runner") },
    ]);
  }
});

test.each(["LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "ANTHROPIC_MODEL", "CLAUDE_CODE_USE_BEDROCK"])(
  "%s is refused: it would change what runs",
  (name) => {
    expect(faultsOf(name)).toHaveLength(1);
  },
);

test("a secret without the operator's prefix is refused, and the fault says the prefix", () => {
  expect(faultsOf("TOKEN", version("payroll-db"))).toEqual([
    { pointer: "/environment/TOKEN/secret", detail: expect.stringContaining('"runyard-"') },
  ]);
});

const ruleOf = (...prefixes: string[]) => ({ ...RULE, prefixes: new Map([["owner", prefixes]]) });

test("the operator's prefix counts, and an empty one allows every secret", () => {
  expect(faultsOf("TOKEN", version("agents-x"), ruleOf("agents-"))).toEqual([]);
  expect(faultsOf("TOKEN", version("agents-x"), ruleOf(""))).toEqual([]);
  expect(faultsOf("TOKEN", ALLOWED, ruleOf("agents-"))).toHaveLength(1);
});

test.each([
  ["as it is configured", "projects/p/secrets/runyard-model/versions/1"],
  ["in another version", "projects/p/secrets/runyard-model/versions/latest"],
  ["under the project's number", "projects/123456/secrets/runyard-model/versions/1"],
])("the key of the model's API is never given away: %s", (_name, secret) => {
  const modelKeySecret = "projects/p/secrets/runyard-model/versions/1";
  for (const prefix of ["runyard-", ""]) {
    const [fault, ...more] = faultsOf("KEY", secret, { ...ruleOf(prefix), modelKeySecret });
    expect(fault?.detail).toContain("the key of the model's API");
    expect(more).toEqual([]);
  }
});
