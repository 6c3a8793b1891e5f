import {
  isOwnWords,
  withApiHost,
} from "../../../../../infra/agent/engines/claude-code/own-words.ts";

const says = (model: string) => ({ type: "assistant", message: { model, content: [] } });

test.each([
  ["a message in the model's place", says("<synthetic>"), true],
  ["the result of a failure", { type: "result", is_error: true, result: "API Error" }, true],
  ["a message of the model", says("claude-opus"), false],
  ["an answer", { type: "result", is_error: false, result: "127.0.0.1:4567" }, false],
  ["what a tool answered", { type: "user", message: { content: [] } }, false],
])("of %s it is known whose words it is", (_name, event, isOwn) => {
  expect(isOwnWords(JSON.stringify(event))).toBe(isOwn);
});

test("of all addresses the one of the way to the model is told by the API's", () => {
  const text = "Look at 127.0.0.1:4567, 127.0.0.1:45678 and 127.0.0.1:80 ($&).";
  expect(withApiHost(text, "127.0.0.1:4567", "api.example.com")).toBe(
    "Look at api.example.com, 127.0.0.1:45678 and 127.0.0.1:80 ($&).",
  );
  expect(withApiHost(text, undefined, "api.example.com")).toBe(text);
});
