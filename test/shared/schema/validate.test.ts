import { AgentSettings, resolveAgent } from "../../../shared/agent/settings.ts";
import { CreateRun, Run } from "../../../shared/documents/run.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { makeRunsInEveryPhase } from "../../support/make-run.ts";

const validate = validatorOf(CreateRun);
const pointers = (value: unknown) => {
  const result = validate(value);
  return result.ok ? [] : result.faults.map(({ pointer }) => pointer);
};

describe("a request to create a run", () => {
  test.each([
    ["a prompt alone", { prompt: "Do it" }],
    ["labels", { prompt: "Do it", labels: { team: "a", "cost-center": "" } }],
    [
      "every setting",
      {
        prompt: "Do it",
        agent: {
          settings: {
            model: "claude-opus-5-5",
            maxTurns: 1,
            maxBudgetUsd: 0.01,
            tools: [],
            allowedTools: ["Bash(git log:*)"],
            disallowedTools: ["WebFetch"],
            permissionMode: "dontAsk",
            instructions: "Be brief.",
            outputSchema: { type: "object" },
            timeoutSeconds: 10,
            machineType: "E2_MEDIUM",
            allowedHosts: ["registry.npmjs.org"],
          },
        },
      },
    ],
  ])("%s is fine", (_name, value) => {
    expect(validate(value)).toEqual({ ok: true, value });
  });

  test.each([
    ["nothing", undefined, [""]],
    ["a list", [], [""]],
    ["no prompt", {}, ["/prompt"]],
    ["an empty prompt", { prompt: "" }, ["/prompt", "/prompt"]],
    ["a blank prompt", { prompt: " \n\t" }, ["/prompt"]],
    ["a number for a prompt", { prompt: 1 }, ["/prompt"]],
    ["an unknown property", { prompt: "x", "a/b": 1 }, ["/a~1b"]],
    [
      "an unknown setting",
      { prompt: "x", agent: { settings: { maxTurn: 1 } } },
      ["/agent/settings/maxTurn"],
    ],
    [
      "too few seconds",
      { prompt: "x", agent: { settings: { timeoutSeconds: 9 } } },
      ["/agent/settings/timeoutSeconds"],
    ],
    [
      "a free budget",
      { prompt: "x", agent: { settings: { maxBudgetUsd: 0 } } },
      ["/agent/settings/maxBudgetUsd"],
    ],
    [
      "an option for a tool",
      { prompt: "x", agent: { settings: { tools: ["--debug"] } } },
      ["/agent/settings/tools/0"],
    ],
    [
      "an option for a model",
      { prompt: "x", agent: { settings: { model: "--help" } } },
      ["/agent/settings/model"],
    ],
    [
      "a machine that is none",
      { prompt: "x", agent: { settings: { machineType: "N1" } } },
      ["/agent/settings/machineType"],
    ],
    ["an agent that is no object", { prompt: "x", agent: 1 }, ["/agent"]],
    ["an agent without a name", { prompt: "x", agent: " " }, ["/agent"]],
    [
      "an agent with settings and an id",
      { prompt: "x", agent: { settings: {}, id: "agent_0000000000000000000000" } },
      ["/agent/settings"],
    ],
    [
      "a tool server without a command",
      { prompt: "x", agent: { settings: { mcpServers: { a: { type: "stdio" } } } } },
      ["/agent/settings/mcpServers/a/command"],
    ],
    ["a label in capitals", { prompt: "x", labels: { Team: "a" } }, ["/labels/Team"]],
  ])("%s is refused, with the place", (_name, value, expected) => {
    expect(pointers(value)).toEqual(expected);
  });
});

test("defaults are filled in and what is set stays", () => {
  const agent = resolveAgent({ maxTurns: 7 });
  expect(agent).toMatchObject({ maxTurns: 7, timeoutSeconds: 300, machineType: "E2_STANDARD_2" });
  expect(validatorOf(AgentSettings)(agent).ok).toBe(true);
});

test("a run in every phase fits the schema that clients are promised", () => {
  const fits = validatorOf(Run);
  for (const { run } of Object.values(makeRunsInEveryPhase())) {
    expect(fits(JSON.parse(JSON.stringify(run)))).toMatchObject({ ok: true });
  }
});
