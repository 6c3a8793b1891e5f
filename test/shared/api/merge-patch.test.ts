import { mergePatch } from "../../../shared/api/merge-patch.ts";

// Appendix A of RFC 7396, as JSON text: target, patch, result.
const APPENDIX: [string, string, string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

test.each(APPENDIX)("%s patched with %s is %s", (target, patch, result) => {
  expect(JSON.stringify(mergePatch(JSON.parse(target), JSON.parse(patch)))).toBe(result);
});

test("a member called __proto__ is a member like any other", () => {
  const merged = mergePatch({ a: 1 }, JSON.parse('{"__proto__":{"b":2}}'));
  expect(JSON.stringify(merged)).toBe('{"a":1,"__proto__":{"b":2}}');
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
});

test("neither the target nor the patch is changed", () => {
  const target = Object.freeze({ a: Object.freeze({ b: 1 }) });
  const patch = Object.freeze({ a: Object.freeze({ b: null, c: 2 }) });
  expect(mergePatch(target, patch)).toEqual({ a: { c: 2 } });
});
