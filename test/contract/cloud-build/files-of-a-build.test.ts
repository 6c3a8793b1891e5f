import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { fakeClock } from "./fake-clock.ts";
import { archive, bash, eventually, startWorld } from "./world.ts";

const SOURCE = { storageSource: { bucket: "source", object: "input.tar.gz" } };

function output(
  build: { results?: { buildStepOutputs?: unknown[] | null } | null },
  index = 0,
): string {
  return Buffer.from((build.results?.buildStepOutputs?.[index] ?? "") as Uint8Array).toString();
}

test("the source archive is unpacked into the working directory", async () => {
  await using world = await startWorld();
  const source = await archive([
    { type: "content", target: "hello.txt", content: "hello" },
    { type: "content", target: "bin/run", content: "#!/bin/sh\necho ran", mode: 0o755 },
  ]);
  const { generation } = await world.objects.write("source", "input.tar.gz", source, "x");
  const script = 'cat hello.txt > "$BUILDER_OUTPUT/output"; ./bin/run >> "$BUILDER_OUTPUT/output"';
  const build = await world.run({ steps: [bash(script)], source: SOURCE });
  expect(build.status).toBe("SUCCESS");
  expect(output(build)).toBe("helloran\n");
  expect(build.sourceProvenance?.resolvedStorageSource).toMatchObject({
    bucket: "source",
    object: "input.tar.gz",
    generation,
  });
});

test.each([
  { title: "an object that is not there", source: SOURCE, content: undefined },
  {
    title: "another generation than wanted",
    source: { storageSource: { ...SOURCE.storageSource, generation: 1 } },
    content: "none",
  },
  { title: "an object that is no archive", source: SOURCE, content: "none" },
])("$title fails the build at fetching its source", async ({ source, content }) => {
  await using world = await startWorld();
  if (content) await world.objects.write("source", "input.tar.gz", Buffer.from(content), "x");
  const build = await world.run({ steps: [bash("exit 0")], source });
  expect(build.status).toBe("FAILURE");
  expect(build.failureInfo?.type).toBe("FETCH_SOURCE_FAILED");
  expect(build.steps?.[0]?.status).toBe("QUEUED");
});

test.each([
  { title: "an entry above it", entries: [file("../escaped.txt")] },
  { title: "an absolute entry", entries: [file("/tmp/escaped-from-cloud-build.txt")] },
  {
    title: "an entry behind a link",
    entries: [
      { header: { name: "out", type: "symlink", linkname: "../..", size: 0 } } as const,
      file("out/escaped.txt"),
    ],
  },
])("an archive cannot write outside of the workspace: $title", async ({ entries }) => {
  await using world = await startWorld();
  const content = gzipSync(await packTar(entries));
  await world.objects.write("source", "input.tar.gz", content, "application/gzip");
  const build = await world.create({ steps: [bash("exit 0")], source: SOURCE });
  await world.finished(build);
  const escaped = readdirSync(world.folder, { recursive: true }).filter((path) =>
    String(path).includes("escaped"),
  );
  expect(escaped).toEqual([]);
  expect(existsSync("/tmp/escaped-from-cloud-build.txt")).toBe(false);
});

function file(name: string) {
  return { header: { name, size: 1 }, body: "x" };
}

test("a step sees the image's, the build's and its own variables, and nothing of the service's", async () => {
  process.env["SECRET_OF_THE_SERVICE"] = "x";
  await using world = await startWorld();
  const build = await world.run({
    steps: [{ ...bash('env | cut -d= -f1 | sort > "$BUILDER_OUTPUT/output"'), env: ["OWN=a=b"] }],
    options: { env: ["GLOBAL=1"] },
  });
  const names = output(build).trim().split("\n");
  const ofBash = ["OLDPWD", "PWD", "SHLVL", "_"];
  expect(names.filter((name) => !ofBash.includes(name))).toEqual([
    "BUILDER_OUTPUT",
    "CLOUD_BUILD_STEP",
    "FROM_IMAGE",
    "GLOBAL",
    "HOME",
    "OWN",
    "PATH",
  ]);
});

test("the step's folders are private and gone when the build is over", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      bash(
        'stat -c %a . "$HOME" "$BUILDER_OUTPUT" > "$BUILDER_OUTPUT/output"; pwd >> "$BUILDER_OUTPUT/output"',
      ),
    ],
  });
  const [first, second, third, workspace = ""] = output(build).split("\n");
  expect([first, second, third]).toEqual(["700", "700", "700"]);
  await eventually(() => statSync(workspace, { throwIfNoEntry: false }) === undefined);
});

test("dir is relative to the workspace, made if need be, and cannot leave it", async () => {
  await using world = await startWorld();
  const script = 'basename "$PWD" > "$BUILDER_OUTPUT/output"';
  const build = await world.run({
    steps: [
      { ...bash(script), dir: "a/deep" },
      { ...bash(script), dir: "/workspace/other" },
    ],
  });
  expect([output(build, 0), output(build, 1)]).toEqual(["deep\n", "other\n"]);
  const outside = await world.run({ steps: [{ ...bash("exit 0"), dir: "../.." }] });
  expect(outside.status).toBe("FAILURE");
});

test("a script runs with its own interpreter or else with /bin/sh, and is not substituted", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      { name: "bash", script: `echo '$_MINE $HOME $$' > "$BUILDER_OUTPUT/output"` },
      {
        name: "bash",
        script: `#!/usr/bin/env bash\necho "\${BASH_VERSION:+bash}" > "$BUILDER_OUTPUT/output"`,
      },
      {
        name: "bash",
        script: 'echo "$PROJECT_ID $_MINE" > "$BUILDER_OUTPUT/output"',
        automapSubstitutions: true,
      },
    ],
    substitutions: { _MINE: "mine" },
  });
  expect(output(build, 0)).toBe("$_MINE $HOME $$\n");
  expect(output(build, 1)).toBe("bash\n");
  expect(output(build, 2)).toBe("some-project mine\n");
});

test("an entrypoint replaces the image's command", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [{ name: "bash", entrypoint: "sh", args: ["-c", "exit 9"] }],
  });
  expect(build.steps?.[0]?.exitCode).toBe(9);
});

test("secrets reach the steps that name them, and no message or log", async () => {
  const versionName = "projects/some-project/secrets/key/versions/3";
  await using world = await startWorld({ secrets: { [versionName]: "s3cr3t" } });
  const script = `echo -n "\${KEY:-none}" | md5sum | cut -c1-32 > "$BUILDER_OUTPUT/output"`;
  const build = await world.run({
    steps: [{ ...bash(script), secretEnv: ["KEY"] }, bash(script)],
    availableSecrets: {
      secretManager: [{ versionName: "projects/$PROJECT_ID/secrets/key/versions/3", env: "KEY" }],
    },
    logsBucket: "logs",
  });
  const md5 = (text: string) => `${createHash("md5").update(text).digest("hex")}\n`;
  expect([output(build, 0), output(build, 1)]).toEqual([md5("s3cr3t"), md5("none")]);
  expect(JSON.stringify(world.messages)).not.toContain("s3cr3t");
});

test("a secret that is not there fails the build before any step", async () => {
  await using world = await startWorld();
  const versionName = "projects/some-project/secrets/none/versions/1";
  const build = await world.run({
    steps: [{ ...bash("exit 0"), secretEnv: ["KEY"] }],
    availableSecrets: { secretManager: [{ versionName, env: "KEY" }] },
  });
  expect(build.status).toBe("FAILURE");
  expect(build.statusDetail).toContain(`failed to access secret version for secret ${versionName}`);
  expect(build.steps?.[0]?.status).toBe("QUEUED");
});

test("of a step's output the first 50 KB are kept, also when it fails", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash('head -c 60000 /dev/zero > "$BUILDER_OUTPUT/output"; exit 1')],
  });
  expect(build.status).toBe("FAILURE");
  expect(output(build)).toHaveLength(50 * 1024);
});

test("artifacts of a successful build are uploaded, with a manifest of JSON lines", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("mkdir out; echo -n one > out/1.txt; echo -n two > out/2.txt; echo -n x > y.bin")],
    artifacts: { objects: { location: "gs://bucket/of/$BUILD_ID", paths: ["out/*.txt", "y.bin"] } },
  });
  const folder = `bucket/of/${build.id}`;
  expect(world.objects.text(`${folder}/1.txt`)).toBe("one");
  expect(world.objects.text(`${folder}/2.txt`)).toBe("two");
  expect(build.results).toMatchObject({
    artifactManifest: `gs://${folder}/artifacts-${build.id}.json`,
    numArtifacts: "3",
  });
  const manifest = world.objects.text(`${folder}/artifacts-${build.id}.json`) ?? "";
  const lines = manifest
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { generation } = world.objects.contents.get(`${folder}/1.txt`) ?? {};
  expect(lines).toHaveLength(3);
  expect(lines[0]).toEqual({
    location: `gs://${folder}/1.txt#${generation}`,
    file_hash: [
      { file_hash: [{ type: 2, value: createHash("md5").update("one").digest("base64") }] },
    ],
  });
});

test("artifacts of a failed build are not uploaded", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("echo x > y; exit 1")],
    artifacts: { objects: { location: "gs://bucket/", paths: ["y"] } },
  });
  expect(build.failureInfo?.type).toBe("USER_BUILD_STEP");
  expect([...world.objects.contents.keys()].filter((key) => key.startsWith("bucket/"))).toEqual([]);
});

test.each([
  { title: "a pattern that matches nothing", script: "exit 0" },
  { title: "a link out of the workspace", script: "ln -s /etc/passwd y" },
])("$title fails the build", async ({ script }) => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash(script)],
    artifacts: { objects: { location: "gs://bucket/", paths: ["y"] } },
  });
  expect(build.status).toBe("FAILURE");
  expect(build.statusDetail).toContain("No URLs matched: y");
});

test("images cannot be pushed: none was built", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0")], images: ["gcr.io/p/app"] });
  expect(build.failureInfo?.type).toBe("PUSH_IMAGE_NOT_FOUND");
});

test("the log of several steps names each line's step", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      bash("echo out; echo err >&2; printf unfinished"),
      { ...bash("echo named"), id: "an id" },
    ],
    logsBucket: "gs://logs/folder",
  });
  const log = world.objects.text(`logs/folder/log-${build.id}.txt`) ?? "";
  expect(log.split("\n").sort()).toEqual(
    [
      `starting build "${build.id}"`,
      "",
      "FETCHSOURCE",
      "BUILD",
      "Starting Step #0",
      "Step #0: out",
      "Step #0: err",
      "Step #0: unfinished",
      "Finished Step #0",
      'Starting Step #1 - "an id"',
      'Step #1 - "an id": named',
      'Finished Step #1 - "an id"',
      "PUSH",
      "DONE",
      "",
    ].sort(),
  );
});

test("the log of a single step stands without prefix, and is written while the build runs", async () => {
  const clock = fakeClock();
  await using world = await startWorld({ clock });
  const build = await world.create({ steps: [bash("echo early; sleep 600")], logsBucket: "logs" });
  const name = `logs/log-${build.id}.txt`;
  await eventually(() => {
    clock.advance(5_000);
    return world.objects.text(name)?.includes("\nearly\n") ?? false;
  });
  expect((await world.get(build.name)).status).toBe("WORKING");
});

test.each(["NONE", "CLOUD_LOGGING_ONLY"] as const)(
  "logging %s writes no object",
  async (logging) => {
    await using world = await startWorld();
    const build = await world.run({ steps: [bash("echo x")], options: { logging } });
    expect(build.status).toBe("SUCCESS");
    expect(world.objects.contents.size).toBe(0);
  },
);

test("a log that cannot be written is a LOGGING_FAILURE", async () => {
  await using world = await startWorld({
    writeObject: () => Promise.reject(new Error("no such bucket")),
  });
  const build = await world.run({ steps: [bash("exit 0")] });
  expect(build.status).toBe("FAILURE");
  expect(build.failureInfo?.type).toBe("LOGGING_FAILURE");
});

test("archives made by the system's tar are unpacked, with long names, modes and links", async () => {
  await using world = await startWorld();
  const folder = join(world.folder, "input");
  const long = "d".repeat(120);
  mkdirSync(join(folder, long), { recursive: true });
  writeFileSync(join(folder, long, "file.txt"), "deep");
  writeFileSync(join(folder, "run"), "#!/bin/sh\necho ran", { mode: 0o755 });
  symlinkSync("run", join(folder, "link"));
  for (const format of ["gnu", "pax", "ustar"]) {
    const content = execFileSync("tar", ["-C", folder, "--format", format, "-cz", "."]);
    await world.objects.write("source", "input.tar.gz", content, "application/gzip");
    const build = await world.run({
      steps: [bash(`(cat ${long}/file.txt; ./link) > "$BUILDER_OUTPUT/output"`)],
      source: SOURCE,
    });
    expect([format, build.status, output(build)]).toEqual([format, "SUCCESS", "deepran\n"]);
  }
});
