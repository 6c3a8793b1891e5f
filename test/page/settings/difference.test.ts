import {
  changedLines,
  differences,
  isSame,
  mergePatchOf,
} from "../../../page/settings/difference.ts";
import { mergePatch } from "../../../shared/api/merge-patch.ts";

const signed = (old: string[], young: string[]) =>
  changedLines(old, young).map(
    ({ sign, text }) => `${{ same: " ", added: "+", removed: "-" }[sign]}${text}`,
  );

test("lines that stay are told once, between those that went and came", () => {
  expect(signed(["a", "b", "c"], ["a", "x", "c", "d"])).toEqual([" a", "-b", "+x", " c", "+d"]);
  expect(signed([], ["a"])).toEqual(["+a"]);
  expect(signed(["a", "a"], ["a"])).toEqual([" a", "-a"]);
});

test("of very many lines the whole is old and new", () => {
  const many = Array.from({ length: 5000 }, (_, index) => String(index));
  expect(changedLines(many, ["0"])).toHaveLength(5001);
});

test("a setting that differs is told with its lines, others are not", () => {
  const before = { instructions: "Be brief.\nBe kind.", model: "opus", maxTurns: 3 };
  const after = { instructions: "Be brief.\nBe exact.", model: "opus", tools: ["Read"] };
  expect(differences(before, after)).toEqual([
    {
      name: "instructions",
      lines: [
        { sign: "same", text: "Be brief." },
        { sign: "removed", text: "Be kind." },
        { sign: "added", text: "Be exact." },
      ],
    },
    { name: "maxTurns", lines: [{ sign: "removed", text: "3" }] },
    { name: "tools", lines: [{ sign: "added", text: "Read" }] },
  ]);
});

test("values are the same whatever the order of their members", () => {
  expect(isSame({ a: [1, { b: 2 }], c: 3 }, { c: 3, a: [1, { b: 2 }] })).toBe(true);
  expect(isSame([1, 2], [2, 1])).toBe(false);
  expect(isSame({ a: undefined }, {})).toBe(true);
  expect(isSame([], {})).toBe(false);
  expect(isSame(null, {})).toBe(false);
});

test("a merge patch makes the one of the other, what is gone too", () => {
  const before = {
    name: "a",
    settings: { model: "opus", repository: { url: "u", ref: "r" } },
    labels: {},
  };
  const after = {
    name: "a",
    settings: { repository: { url: "v" }, tools: [] },
    labels: { x: "y" },
  };
  const patch = mergePatchOf(before, after);
  expect(patch).toEqual({
    settings: { model: null, repository: { url: "v", ref: null }, tools: [] },
    labels: { x: "y" },
  });
  expect(mergePatch(before, patch)).toEqual(after);
  expect(mergePatchOf(before, before)).toEqual({});
});
