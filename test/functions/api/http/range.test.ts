import { spanOf } from "../../../../functions/api/http/range.ts";

test.each<[string | undefined, number, ReturnType<typeof spanOf>]>([
  [undefined, 10, undefined],
  ["bytes=0-", 10, { start: 0, end: 9 }],
  ["bytes=2-5", 10, { start: 2, end: 5 }],
  ["Bytes=2-5", 10, { start: 2, end: 5 }],
  ["bytes=9-9", 10, { start: 9, end: 9 }],
  ["bytes=2-99999999999999999999", 10, { start: 2, end: 9 }],
  ["bytes=-3", 10, { start: 7, end: 9 }],
  ["bytes=-99", 10, { start: 0, end: 9 }],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=99999999999999999999-", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=-1", 0, "unsatisfiable"],
  ["bytes=5-2", 10, undefined],
  ["bytes=0-1,3-4", 10, undefined],
  ["bytes=-", 10, undefined],
  ["bytes=", 10, undefined],
  ["bytes=a-b", 10, undefined],
  ["bytes=1.5-2", 10, undefined],
  ["lines=0-1", 10, undefined],
  ["", 10, undefined],
])("%s of %i bytes", (header, sizeBytes, span) => {
  expect(spanOf(header, sizeBytes)).toEqual(span);
});
