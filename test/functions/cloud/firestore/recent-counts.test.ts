import { RecentCounts } from "../../../../functions/cloud/firestore/recent-counts.ts";
import { eventually } from "../../../support/eventually.ts";

test("nobody waits for a count, and it is made anew after ten seconds", async () => {
  let [waiting, made, at] = [3, 0, 0];
  const count = async () => {
    made += 1;
    return waiting;
  };
  const counts = new RecentCounts(count, () => new Date(at));
  expect(counts.about("line")).toBe(0);
  await eventually(() => expect(counts.about("line")).toBe(3));
  expect(made).toBe(1);
  waiting = 0;
  at += 10_001;
  expect(counts.about("line")).toBe(3);
  await eventually(() => expect(counts.about("line")).toBe(0));
  expect(made).toBe(2);
});

test("what cannot be counted is as it was", async () => {
  let [at, isAway] = [0, false];
  const count = () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(5));
  const counts = new RecentCounts(count, () => new Date(at));
  counts.about("line");
  await eventually(() => expect(counts.about("line")).toBe(5));
  isAway = true;
  at += 10_001;
  counts.about("line");
  await Promise.resolve();
  expect(counts.about("line")).toBe(5);
});
