import { checkOutput } from "../../../../../infra/agent/engines/claude-code/output-check.ts";

test("an output is held against its schema", async () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  expect(await checkOutput(schema, { n: 1 })).toEqual([]);
  expect(await checkOutput(schema, { n: "1" })).toMatchObject([{ pointer: "/n" }]);
});

test("a pattern that takes for ever keeps nobody", async () => {
  const schema = { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } };
  const faults = await checkOutput(schema, { a: `${"a".repeat(50)}!` }, 2);
  expect(faults).toEqual([{ pointer: "", detail: "cannot be checked: it takes more than 2 s" }]);
});
