import { differsTest } from "../declared.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import { type Build, bash, PARENT, startWorld } from "./world.ts";

differsTest(
  "Differs: how many builds Google puts on a page: here 50, and 1000 at most",
  async () => {
    await using world = await startWorld({ concurrentBuilds: 0 });
    const build = { steps: [bash("exit 0")] };
    for (let hundred = 0; hundred < 10; hundred += 1) {
      await Promise.all(Array.from({ length: 100 }, () => world.create(build)));
    }
    await world.create(build);
    const countOf = async (pageSize: number) => {
      const request = { parent: PARENT, projectId: PROJECT, pageSize };
      const [builds] = await world.client.listBuilds(request, { autoPaginate: false });
      return builds.length;
    };
    expect([await countOf(0), await countOf(60), await countOf(2000)]).toEqual([50, 60, 1000]);
  },
);

differsTest.each([
  [
    "args beside a script",
    { script: "exit 0", args: ["x"] },
    "script: script cannot be specified together with args or entrypoint",
  ],
  [
    "an entrypoint beside a script",
    { script: "exit 0", entrypoint: "sh" },
    "script: script cannot be specified together with args or entrypoint",
  ],
  [
    "the exit code 256",
    { allowExitCodes: [256] },
    "allow_exit_codes: exit code 256 must be between 0 and 255",
  ],
])("Differs: the texts about scripts and exit codes are ours: %s", async (_, step, text) => {
  await using world = await startWorld();
  const creating = world.create({ steps: [{ name: "bash", ...step }] });
  const [field, reason] = text.split(": ");
  await expect(creating).rejects.toMatchObject({
    code: 3,
    details: `generic::invalid_argument: invalid value for 'build.steps[0].${field}': ${reason}`,
  });
});

const repository = { repoName: "r", branchName: "main" };
differsTest.each<[string, Build]>([
  ["options.pool", { options: { pool: { name: "p" } } }],
  ["options.workerPool", { options: { workerPool: "p" } }],
  ["options.volumes", { options: { volumes: [{ name: "v", path: "/v" }] } }],
  ["steps[0].volumes", { steps: [{ name: "bash", volumes: [{ name: "v", path: "/v" }] }] }],
  ["secrets", { secrets: [{ kmsKeyName: "k" }] }],
  ["availableSecrets.inline", { availableSecrets: { inline: [{ kmsKeyName: "k" }] } }],
  ["options.dynamicSubstitutions", { options: { dynamicSubstitutions: true } }],
  ["source.repoSource", { source: { repoSource: repository } }],
  ["source.gitSource", { source: { gitSource: { url: "u" } } }],
  ["source.connectedRepository", { source: { connectedRepository: { repository: "r" } } }],
  ["artifacts.mavenArtifacts", { artifacts: { mavenArtifacts: [{ path: "p" }] } }],
  ["artifacts.pythonPackages", { artifacts: { pythonPackages: [{ repository: "r" }] } }],
  ["artifacts.npmPackages", { artifacts: { npmPackages: [{ repository: "r" }] } }],
])("Differs: parts of a build are refused by the field's name: %s", async (field, build) => {
  await using world = await startWorld();
  await expect(world.create({ steps: [bash("exit 0")], ...build })).rejects.toMatchObject({
    code: 12,
    details: `the stand-in does not implement build.${field}`,
  });
});

differsTest("Differs: Google unpacks .zip archives too: here they are UNIMPLEMENTED", async () => {
  await using world = await startWorld();
  const source = { storageSource: { bucket: BUCKET, object: "input.zip" } };
  await expect(world.create({ steps: [bash("exit 0")], source })).rejects.toMatchObject({
    code: 12,
    details: "the stand-in does not implement .zip sources",
  });
});

differsTest(
  "Differs: Google says nowhere which of AND and OR binds tighter here: OR does",
  async () => {
    await using world = await startWorld();
    const succeeded = await world.run({ steps: [bash("exit 0")], tags: ["a"] });
    await world.run({ steps: [bash("exit 1")], tags: ["b"] });
    for (const filter of [
      'status="SUCCESS" AND tags="a" OR tags="b"',
      'tags="b" OR tags="a" AND status="SUCCESS"',
    ]) {
      const request = { parent: PARENT, projectId: PROJECT, filter };
      const [builds] = await world.client.listBuilds(request);
      expect(builds.map(({ id }) => id)).toEqual([succeeded.id]);
    }
  },
);

differsTest("Differs: the texts about list filters are ours: they quote the filter", async () => {
  await using world = await startWorld();
  const filter = "tags=job-1";
  const listing = world.client.listBuilds({ parent: PARENT, projectId: PROJECT, filter });
  await expect(listing).rejects.toMatchObject({
    code: 3,
    details: expect.stringMatching(/^invalid list filter: tags=job-1: ./),
  });
});
