import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault, FaultAction } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../cloud-build/fake-clock.ts";
import { PROJECT } from "../cloud-build/surroundings.ts";
import { bash, connect, PARENT, startWorld } from "../cloud-build/world.ts";
import { codeOf, onceAt, startHost, temporaryDirectory } from "./world.ts";

const CREATE = "google.devtools.cloudbuild.v1.CloudBuild/CreateBuild";
const UNAVAILABLE = "UNAVAILABLE";
const BUILD = { steps: [bash("true")] };

describe("CreateBuild", () => {
  test.each([
    [{ type: "failBefore", status: UNAVAILABLE }, 14, 0],
    [{ type: "failAfter", status: UNAVAILABLE }, 14, 1],
    [{ type: "failBefore", status: "RESOURCE_EXHAUSTED" }, 8, 0],
    [{ type: "cut", at: "before" }, 14, 0],
    [{ type: "cut", at: "after" }, 14, 1],
    [{ type: "duplicate" }, "no error", 2],
  ] as [FaultAction, unknown, number][])(
    "%j reaches the caller as %p: nobody repeats it; there are %i builds",
    async (action, code, count) => {
      const faults = injectFaults(onceAt(CREATE, action));
      await using world = await startWorld({ faults });
      expect(await codeOf(world.create(BUILD))).toBe(code);
      const [builds] = await world.client.listBuilds({ parent: PARENT, projectId: PROJECT });
      expect(builds).toHaveLength(count);
      expect(faults.counts()).toEqual([{ method: CREATE, type: action.type, calls: 1, fired: 1 }]);
    },
  );

  test.each([
    ["before", 0],
    ["after", 1],
  ] as const)("that kills the service %s the build is stored leaves %i", async (at, count) => {
    using directory = temporaryDirectory();
    const faults = onceAt(CREATE, { type: "kill", at });
    await using host = await startHost("cloud-build", directory.path, { faults });
    const client = connect(host);
    const build = { steps: [{ name: "sh", args: ["-c", "true"] }] };
    expect(await codeOf(client.createBuild({ parent: PARENT, projectId: PROJECT, build }))).toBe(
      14,
    );
    expect(await host.ended).toBe("SIGKILL");
    await client.close();
    await using again = await startHost("cloud-build", directory.path, {});
    const other = connect(again);
    const [builds] = await other.listBuilds({ parent: PARENT, projectId: PROJECT });
    expect(builds).toHaveLength(count);
    await other.close();
  });
});

describe("a message about a build", () => {
  /** The statuses in the order in which they were published; `QUEUED` is the first. */
  async function published(action: FaultAction, count: number): Promise<unknown[]> {
    const faults = injectFaults(onceAt("cloud-builds", action));
    await using world = await startWorld({ faults });
    const { id } = await world.create(BUILD);
    await eventually(() => expect(world.statuses(id)).toHaveLength(count));
    faults.assertFired();
    return world.statuses(id);
  }

  test.each([
    [{ type: "drop" }, ["WORKING", "SUCCESS"]],
    [{ type: "duplicate" }, ["QUEUED", "QUEUED", "WORKING", "SUCCESS"]],
    [{ type: "reorder" }, ["WORKING", "QUEUED", "SUCCESS"]],
    [{ type: "failBefore", status: UNAVAILABLE }, ["QUEUED", "WORKING", "SUCCESS"]],
    [{ type: "failAfter", status: UNAVAILABLE }, ["QUEUED", "QUEUED", "WORKING", "SUCCESS"]],
  ] as [FaultAction, string[]][])("after %j: %j", async (action, statuses) => {
    expect(await published(action, statuses.length)).toEqual(statuses);
  });

  test("can be chosen by its status, and be late", async () => {
    const clock = fakeClock();
    const late: Fault = {
      method: "cloud-builds",
      when: { count: 1, matches: ({ attributes }) => attributes.status === "SUCCESS" },
      do: { type: "delay", ms: 3_600_000 },
    };
    const faults = injectFaults([late], { clock });
    await using world = await startWorld({ faults });
    const { id, name } = await world.create(BUILD);
    await eventually(async () => expect((await world.get(name)).status).toBe("SUCCESS"));
    await eventually(() => expect(faults.counts()).toMatchObject([{ fired: 1 }]));
    expect(world.statuses(id)).toEqual(["QUEUED", "WORKING"]);
    clock.advance(3_600_000);
    await eventually(() => expect(world.statuses(id)).toHaveLength(3));
  });

  test.each([
    ["before", 1],
    ["after", 2],
  ] as const)("that kills the service %s it is out comes %i times", async (at, count) => {
    using directory = temporaryDirectory();
    const faults = onceAt("cloud-builds", { type: "kill", at });
    await using host = await startHost("cloud-build", directory.path, { faults });
    const client = connect(host);
    const build = { steps: [{ name: "sh", args: ["-c", "true"] }] };
    await codeOf(client.createBuild({ parent: PARENT, projectId: PROJECT, build }));
    expect(await host.ended).toBe("SIGKILL");
    await client.close();
    await using _again = await startHost("cloud-build", directory.path, {});
    const statuses = () => readFileSync(join(directory.path, "published"), "utf8").split("\n");
    await eventually(() => expect(statuses()).toContain("SUCCESS"));
    expect(statuses().filter((status) => status === "QUEUED")).toHaveLength(count);
  });
});
