import { type Build, toTimestamp } from "../../../../infra/emulators/cloud-build/build.ts";
import { parseFilter } from "../../../../infra/emulators/cloud-build/filter.ts";

const BUILD: Build = {
  id: "b1",
  name: "n",
  projectId: "p",
  status: "WORKING",
  steps: [],
  createTime: toTimestamp(Date.parse("2026-01-01T12:00:00.500Z")),
  startTime: toTimestamp(Date.parse("2026-01-01T12:00:01Z")),
  timeout: { seconds: "3600" },
  queueTtl: { seconds: "3600" },
  tags: ["one", 'quo"ted'],
  images: ["gcr.io/p/i"],
  source: { storageSource: { bucket: "b", object: "o.tar.gz" } },
};

test.each([
  ["", true],
  ["  ", true],
  ['status="WORKING"', true],
  ['status = "QUEUED"', false],
  ['status!="QUEUED"', true],
  ['build_id="b1"', true],
  ['trigger_id="t"', false],
  ['tags="one"', true],
  ['tags="two"', false],
  ['tags!="one"', false],
  ['tags!="two"', true],
  ['tags="quo\\"ted"', true],
  ['images="gcr.io/p/i"', true],
  ['source.storage_source.bucket="b"', true],
  ['source.storage_source.object="x"', false],
  ['create_time>"2026-01-01T12:00:00Z"', true],
  ['create_time>"2026-01-01T12:00:00.5Z"', false],
  ['create_time>="2026-01-01T12:00:00.5Z"', true],
  ['create_time="2026-01-01T13:00:00.5+01:00"', true],
  ['create_time<"2026-01-02T00:00:00+00:00"', true],
  ['create_time<="2026-01-01T00:00:00Z"', false],
  ['create_time!="2026-01-01T00:00:00Z"', true],
  ['start_time>"2026-01-01T12:00:00Z"', true],
  ['finish_time>"2000-01-01T00:00:00Z"', false],
  ['status="WORKING" AND tags="one"', true],
  ['status="WORKING" AND tags="two"', false],
  ['status="QUEUED" OR tags="one"', true],
  ['status="QUEUED" OR tags="two"', false],
  ['tags="two" AND tags="one" OR tags="one"', false],
  ['(tags="two" AND tags="one") OR tags="one"', true],
  ['(status="QUEUED" OR status="WORKING") AND build_id="b1"', true],
])("filter %s takes the build: %s", (filter, expected) => {
  expect(parseFilter(filter)(BUILD)).toBe(expected);
});

test.each([
  ["tags=one", 'the value of "tags" must be in double quotes'],
  ['tag="one"', 'unknown field "tag"'],
  ['constructor="one"', 'unknown field "constructor"'],
  ['tags>"one"', 'operator ">" does not apply to "tags"'],
  ['status="DONE"', '"DONE" is not a status'],
  ['create_time>"yesterday"', '"yesterday" is not an RFC 3339 time'],
  ['tags="one" tags="two"', 'unexpected "tags"'],
  ['tags="one" AND', "expected a field name"],
  ['AND tags="one"', 'expected an operator after "AND"'],
  ['(tags="one"', "missing )"],
  ['tags="one"#', 'cannot read "#"'],
  ['tags="one', 'cannot read ""one"'],
  ["tags", 'expected an operator after "tags"'],
])("filter %s is refused: %s", (filter, reason) => {
  expect(() => parseFilter(filter)).toThrow(`invalid list filter: ${filter}: ${reason}`);
});
