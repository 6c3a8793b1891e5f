import { standInTest } from "../declared.ts";
import { randomName } from "../target.ts";
import { fakeClock } from "./fake-clock.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import {
  type Build,
  bash,
  buildOf,
  eventually,
  numberIn,
  PARENT,
  PROJECT_NUMBER,
  startWorld,
} from "./world.ts";

test("a build is found by name, with the project's number or its id", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0")] });
  expect((await world.get(build.name ?? "")).id).toBe(build.id);
  expect((await world.get(`${PARENT}/builds/${build.id}`)).id).toBe(build.id);
});

test("a regional build is not found by project and id alone; a global one is", async () => {
  await using world = await startWorld();
  const regional = await world.run({ steps: [bash("exit 0")] });
  const getting = world.client.getBuild({ projectId: PROJECT, id: regional.id ?? "" });
  await expect(getting).rejects.toMatchObject({ code: 5 });
  const [operation] = await world.client.createBuild({
    projectId: PROJECT,
    build: { steps: [bash("exit 0")] },
  });
  const build = buildOf(operation);
  expect(build.name).toBe(`projects/${numberIn(build)}/locations/global/builds/${build.id}`);
  const [found] = await world.client.getBuild({ projectId: PROJECT, id: build.id });
  expect(found.id).toBe(build.id);
  await world.finished(build);
});

test("the operation of a build can be awaited, and answers with the build", async () => {
  await using world = await startWorld();
  const [operation] = await world.client.createBuild({
    projectId: PROJECT,
    build: { steps: [bash("exit 0")] },
  });
  const { id } = buildOf(operation);
  expect(operation.name).toBe(`operations/build/${PROJECT}/${Buffer.from(id).toString("base64")}`);
  const [build] = await operation.promise();
  expect((build as Build).id).toBe(id);
});

test("the operation of a failed build ends with an error", async () => {
  await using world = await startWorld();
  const [operation] = await world.client.createBuild({
    projectId: PROJECT,
    build: { steps: [bash("exit 1")] },
  });
  await expect(operation.promise()).rejects.toThrow("Build step failure");
});

test("an unknown operation is NOT_FOUND", async () => {
  await using world = await startWorld();
  const name = `operations/build/${PROJECT}/${Buffer.from("none").toString("base64")}`;
  await expect(world.client.checkCreateBuildProgress(name)).rejects.toMatchObject({ code: 5 });
});

test("a retry is a new build from the original request", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("exit 1")],
    tags: ["b-$BUILD_ID"],
    substitutions: {},
  });
  const [operation] = await world.client.retryBuild({ name: build.name ?? "", projectId: PROJECT });
  const retried = buildOf(operation);
  expect(retried.id).not.toBe(build.id);
  const finished = await world.finished(retried);
  expect(finished).toMatchObject({ status: "FAILURE", tags: [`b-${retried.id}`] });
  expect(build.tags).toEqual([`b-${build.id}`]);
});

test("substitutions reach the fields that are templates", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      {
        name: "$_IMAGE",
        entrypoint: `\${_SHELL}`,
        args: [
          "-c",
          "exit 0",
          "$PROJECT_ID $PROJECT_NUMBER $LOCATION $BUILD_ID$$",
          "$lower $1 $(x)",
        ],
        env: ["COPY=$_IMAGE", "EMPTY=$COMMIT_SHA"],
        dir: "d-$_IMAGE",
      },
    ],
    tags: ["t-$_IMAGE", "$BRANCH_NAME", "t-$_IMAGE"],
    logsBucket: `gs://${BUCKET}/of-$PROJECT_ID`,
    substitutions: { _IMAGE: "bash", _SHELL: "sh" },
  });
  expect(build.status).toBe("SUCCESS");
  expect(build.steps?.[0]).toMatchObject({
    name: "bash",
    entrypoint: "sh",
    args: [
      "-c",
      "exit 0",
      `${PROJECT} ${numberIn(build)} us-central1 ${build.id}$`,
      "$lower $1 $(x)",
    ],
    env: ["COPY=bash", "EMPTY="],
    dir: "d-bash",
  });
  expect(build.tags).toEqual(["t-bash"]);
  expect(build.logsBucket).toBe(`gs://${BUCKET}/of-${PROJECT}`);
});

test("what is wrong with a build is INVALID_ARGUMENT with Google's text", async () => {
  await using world = await startWorld();
  const creating = world.create({ steps: [{ name: "bash", args: ["$HOME"] }] });
  await expect(creating).rejects.toMatchObject({
    code: 3,
    details:
      "generic::invalid_argument: invalid value for 'build.substitutions': key in the template \"HOME\" is not a valid built-in substitution",
  });
  await expect(world.create({})).rejects.toThrow("no build steps are specified");
  await expect(world.client.createBuild({ parent: PARENT, projectId: PROJECT })).rejects.toThrow(
    "no build field was provided",
  );
});

standInTest("a refused build publishes nothing", async () => {
  await using world = await startWorld();
  await expect(world.create({})).rejects.toThrow("no build steps are specified");
  expect(world.messages).toEqual([]);
});

standInTest("methods that are not implemented say so by name", async () => {
  await using world = await startWorld();
  await expect(world.client.listBuildTriggers({ projectId: PROJECT })).rejects.toMatchObject({
    code: 12,
  });
});

standInTest("creates and gets over the quota are refused until a minute has passed", async () => {
  const clock = fakeClock();
  await using world = await startWorld({ clock, createsPerMinute: 2, getsPerMinute: 3 });
  const first = await world.create({ steps: [bash("exit 0")] });
  await world.create({ steps: [bash("exit 0")] });
  const creating = () => world.create({ steps: [bash("exit 0")] });
  await expect(creating()).rejects.toMatchObject({
    code: 8,
    details: `Quota exceeded for quota metric 'Create requests' and limit 'Create requests per minute' of service 'cloudbuild.googleapis.com' for consumer 'project_number:${PROJECT_NUMBER}'.`,
  });
  for (let count = 0; count < 3; count++) await world.get(first.name);
  await expect(world.get(first.name)).rejects.toMatchObject({ code: 8 });
  clock.advance(60_000);
  await creating();
  await world.get(first.name);
});

test("lists show one region's builds, newest first, page by page", async () => {
  await using world = await startWorld();
  const created: string[] = [];
  const mark = randomName("listed");
  const listed = { steps: [bash("exit 0")], tags: [mark] };
  for (let count = 0; count < 5; count++) created.unshift((await world.create(listed)).id);
  await world.create(listed, `projects/${PROJECT}/locations/europe-west1`);
  const list = async (pageToken?: string) => {
    const request = {
      parent: PARENT,
      projectId: PROJECT,
      filter: `tags="${mark}"`,
      pageSize: 2,
      ...(pageToken && { pageToken }),
    };
    const [builds, , reply] = await world.client.listBuilds(request, { autoPaginate: false });
    return { ids: builds.map(({ id }) => id), next: reply?.nextPageToken ?? "" };
  };
  const first = await list();
  const second = await list(first.next);
  const third = await list(second.next);
  expect([first.ids, second.ids, third.ids]).toEqual([
    created.slice(0, 2),
    created.slice(2, 4),
    created.slice(4),
  ]);
  expect(third.next).toBe("");
  const all: unknown[] = [];
  const request = { parent: PARENT, projectId: PROJECT, filter: `tags="${mark}"` };
  for await (const { id } of world.client.listBuildsAsync(request)) all.push(id);
  expect(all).toEqual(created);
  await expect(list("nonsense")).rejects.toMatchObject({ code: 3 });
});

test("lists are filtered on the server", async () => {
  await using world = await startWorld();
  const mark = randomName("job");
  const tagged = await world.run({ steps: [bash("exit 0")], tags: [`${mark}-1`, mark] });
  const failed = await world.run({ steps: [bash("exit 1")], tags: [`${mark}-2`, mark] });
  const list = async (filter: string) => {
    const [builds] = await world.client.listBuilds({ parent: PARENT, projectId: PROJECT, filter });
    return builds.map(({ id }) => id);
  };
  expect(await list(`tags="${mark}-1"`)).toEqual([tagged.id]);
  expect(await list(`tags="${mark}-1" OR build_id="${failed.id}"`)).toEqual([failed.id, tagged.id]);
  const marked = `create_time>"2020-01-01T00:00:00+00:00" AND tags="${mark}"`;
  expect(await list(`${marked} AND status="SUCCESS"`)).toEqual([tagged.id]);
  expect(await list(`${marked} AND status="FAILURE"`)).toEqual([failed.id]);
  expect(await list(`build_id="${failed.id}"`)).toEqual([failed.id]);
  await expect(list("tags=job-1")).rejects.toMatchObject({ code: 3 });
});

test("output fields in a request are ignored", async () => {
  await using world = await startWorld();
  const build = await world.create({
    id: "mine",
    status: "SUCCESS",
    statusDetail: "mine",
    steps: [{ ...bash("exit 0"), status: "FAILURE", exitCode: 7 }],
  });
  expect(build.id).not.toBe("mine");
  await eventually(() => world.statuses(build.id).includes("QUEUED"));
  const queued = world.messages.find(
    ({ attributes }) => attributes["buildId"] === build.id && attributes["status"] === "QUEUED",
  );
  expect(queued?.build).toMatchObject({ status: "QUEUED", id: build.id });
  expect(queued?.build).not.toHaveProperty("statusDetail");
  expect(queued?.build.steps[0]).not.toHaveProperty("exitCode");
  await world.finished(build);
});
