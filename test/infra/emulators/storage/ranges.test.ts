import { parseContentRange, parseRange } from "../../../../infra/emulators/storage/ranges.ts";

const RANGES: [string | undefined, [number, number] | undefined][] = [
  [undefined, undefined],
  ["bytes=0-0", [0, 0]],
  ["bytes=0-9", [0, 9]],
  ["bytes=0-99", [0, 9]],
  ["bytes=3-", [3, 9]],
  ["bytes=-4", [6, 9]],
  ["bytes=-99", [0, 9]],
  [" bytes= 2-3 ", [2, 3]],
  ["bytes=5-4", undefined],
  ["bytes=-", undefined],
  ["bytes=a-b", undefined],
  ["bytes=0-1,3-4", undefined],
  ["lines=0-1", undefined],
];

test.each(RANGES)("of 10 bytes, range %p selects %p", (header, expected) => {
  const span = expected && { start: expected[0], end: expected[1] };
  expect(parseRange(header, 10)).toEqual(span);
});

const UNSATISFIABLE: [string, number][] = [
  ["bytes=10-", 10],
  ["bytes=10-20", 10],
  ["bytes=-0", 10],
  ["bytes=0-", 0],
  ["bytes=-5", 0],
];

test.each(UNSATISFIABLE)("%p cannot be satisfied by %p bytes", (header, sizeBytes) => {
  expect(() => parseRange(header, sizeBytes)).toThrow(
    expect.objectContaining({
      refusal: "rangeNotSatisfiable",
      details: { headers: { "content-range": `bytes */${sizeBytes}` } },
    }),
  );
});

const CONTENT_RANGES: [string | undefined, object][] = [
  [undefined, { kind: "data", start: 0 }],
  ["bytes */*", { kind: "status" }],
  ["bytes */0", { kind: "status", totalBytes: 0 }],
  ["bytes */77", { kind: "status", totalBytes: 77 }],
  ["bytes 0-*/*", { kind: "data", start: 0 }],
  ["bytes 5-*/9", { kind: "data", start: 5, totalBytes: 9 }],
  ["bytes 0-8/*", { kind: "data", start: 0, end: 8 }],
  ["bytes 0-8/9", { kind: "data", start: 0, end: 8, totalBytes: 9 }],
  [" bytes 0-*/0 ", { kind: "data", start: 0, totalBytes: 0 }],
];

test.each(CONTENT_RANGES)("content-range %p is %p", (header, expected) => {
  expect(parseContentRange(header)).toEqual(expected);
});

const UNREADABLE = [
  "",
  "bytes",
  "bytes 0-9/9",
  "bytes 5-4/9",
  "bytes 10-*/9",
  "bytes -1-4/9",
  "bytes 0-1",
  "bytes *",
  "bytes 1e1-2/9",
  "items 0-1/2",
  "bytes 0-9999999999999999/*",
];

test.each(UNREADABLE)("content-range %p is refused", (header) => {
  expect(() => parseContentRange(header)).toThrow("Failed to parse Content-Range header");
});
