import { Budget } from "../../../../functions/api/callers/budget.ts";
import { startApiServer } from "../../../support/api-server.ts";

const NOWHERE = "/v1/runs/run_0000000000000000000000";
const CREATE = { json: { prompt: "echo" } };

async function refusal(response: Response) {
  return (await response.json()) as { status: number; code: string; detail: string };
}

describe("requests of an owner", () => {
  test("over the quota are refused until the minute is over, whichever key they have", async () => {
    await using server = await startApiServer({ env: { RUNYARD_REQUESTS_PER_MINUTE: "3" } });
    const [one, two] = [await server.newKey(), await server.newKey()];
    // At the start of a minute, so that none of the following is in the next one.
    server.advance(60 - ((Date.now() / 1000) % 60));
    const left: (string | null)[] = [];
    for (const bearer of [one, two, one]) {
      const response = await server.call(NOWHERE, { bearer });
      expect(response.status).toBe(404);
      expect(response.headers.get("ratelimit-policy")).toBe('"requests";q=3;w=60');
      left.push(/r=(\d+)/.exec(response.headers.get("ratelimit") ?? "")?.[1] ?? null);
    }
    expect(left).toEqual(["2", "1", "0"]);
    const refused = await server.call("/v1/runs", { bearer: two, ...CREATE });
    const [, seconds] =
      /^"requests";r=0;t=(\d+)$/.exec(refused.headers.get("ratelimit") ?? "") ?? [];
    expect(Number(seconds)).toBeGreaterThan(40);
    expect(refused.headers.get("retry-after")).toBe(seconds);
    expect(await refusal(refused)).toMatchObject({ status: 429, code: "rate_limited" });
    const other = await server.newKey({ owner: "another" });
    expect((await server.call(NOWHERE, { bearer: other })).status).toBe(404);
    server.advance(Number(seconds));
    expect((await server.call("/v1/runs", { bearer: two, ...CREATE })).status).toBe(202);
  }, 180_000);

  test("are not counted where nobody is asked for a key", async () => {
    await using server = await startApiServer({ env: { RUNYARD_REQUESTS_PER_MINUTE: "1" } });
    for (let i = 0; i < 3; i += 1) {
      const response = await server.call("/v1/health");
      expect([response.status, response.headers.get("ratelimit")]).toEqual([200, null]);
    }
  }, 180_000);
});

describe("requests without a valid key", () => {
  const env = { RUNYARD_FAILURES_PER_MINUTE: "3", RUNYARD_FORWARDED_HOPS: "1" };
  /** What the proxy in front of us appends stands last. */
  const from = (address: string) => ({ headers: { "x-forwarded-for": `6.6.6.6, ${address}` } });

  test("end what an address may try, but for keys that are known to be valid", async () => {
    await using server = await startApiServer({ env });
    const [known, fresh] = [await server.newKey(), await server.newKey()];
    server.advance(60 - ((Date.now() / 1000) % 60));
    expect((await server.call(NOWHERE, { bearer: known, ...from("1.2.3.4") })).status).toBe(404);
    for (const bearer of ["ry_a", "ry_b", "ry_c"]) {
      const response = await server.call(NOWHERE, { bearer, ...from("1.2.3.4") });
      expect(response.status).toBe(401);
      expect(response.headers.get("ratelimit-policy")).toBe('"failures";q=3;w=60');
    }
    const refused = await server.call(NOWHERE, { bearer: fresh, ...from("1.2.3.4") });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(40);
    expect(refused.headers.get("ratelimit")).toMatch(/^"failures";r=0;t=\d+$/);
    expect(await refusal(refused)).toMatchObject({ status: 429, code: "rate_limited" });
    expect((await server.call(NOWHERE, { bearer: known, ...from("1.2.3.4") })).status).toBe(404);
    expect((await server.call(NOWHERE, { bearer: fresh, ...from("1.2.3.5") })).status).toBe(404);
    server.advance(60);
    expect((await server.call(NOWHERE, { bearer: "ry_d", ...from("1.2.3.4") })).status).toBe(401);
  }, 180_000);

  test("count for a whole network of IPv6, and for nobody whom the caller names", async () => {
    await using server = await startApiServer({ env });
    server.advance(60 - ((Date.now() / 1000) % 60));
    const statuses: number[] = [];
    for (const address of ["2001:db8:0:1::1", "2001:DB8::1:5:0:0:1", "2001:db8:0:1:ffff::2"]) {
      statuses.push((await server.call(NOWHERE, { bearer: "ry_a", ...from(address) })).status);
    }
    const same = await server.call(NOWHERE, { bearer: "ry_a", ...from("2001:db8:0:1::9") });
    const other = await server.call(NOWHERE, { bearer: "ry_a", ...from("2001:db8:0:2::1") });
    const named = await server.call(NOWHERE, { bearer: "ry_a", ...from("6.6.6.6") });
    expect([...statuses, same.status, other.status, named.status]).toEqual([
      401, 401, 401, 429, 401, 401,
    ]);
  }, 180_000);
});

test("however many spend, they take no more room than ten thousand", () => {
  const budget = new Budget({ name: "x", quota: 5, now: () => new Date(0) });
  for (let i = 0; i < 10_000; i += 1) budget.spend(`spender-${i}`);
  expect(budget.balanceOf("spender-0").remaining).toBe(4);
  for (let i = 0; i < 5; i += 1) budget.spend(`late-${i}`);
  // Those who come too late have one budget together.
  expect(budget.balanceOf("later").remaining).toBe(0);
  expect(budget.balanceOf("spender-0").remaining).toBe(4);
});
