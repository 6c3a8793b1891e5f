import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { emulatorTest, standInTest } from "../declared.ts";
import { fakeClock } from "./fake-clock.ts";
import { BUCKET, PROJECT } from "./surroundings.ts";
import { bash, eventually, output, startWorld } from "./world.ts";

standInTest(
  "a step sees the image's, the build's and its own variables, and nothing of the service's",
  async () => {
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
  },
);

standInTest("the step's folders are private and gone when the build is over", async () => {
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

test("dir is relative to the workspace, and made if need be", async () => {
  await using world = await startWorld();
  const script = 'basename "$PWD" > "$BUILDER_OUTPUT/output"';
  const build = await world.run({
    steps: [
      { ...bash(script), dir: "a/deep" },
      { ...bash(script), dir: "/workspace/other" },
    ],
  });
  expect([output(build, 0), output(build, 1)]).toEqual(["deep\n", "other\n"]);
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
  expect(output(build, 2)).toBe(`${PROJECT} mine\n`);
});

test("an entrypoint replaces the image's command", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [{ name: "bash", entrypoint: "sh", args: ["-c", "exit 9"] }],
  });
  expect(build.steps?.[0]?.exitCode).toBe(9);
});

standInTest("secrets reach the steps that name them, and no message or log", async () => {
  const versionName = `projects/${PROJECT}/secrets/key/versions/3`;
  await using world = await startWorld({ secrets: { [versionName]: "s3cr3t" } });
  const script = `echo -n "\${KEY:-none}" | md5sum | cut -c1-32 > "$BUILDER_OUTPUT/output"`;
  const build = await world.run({
    steps: [{ ...bash(script), secretEnv: ["KEY"] }, bash(script)],
    availableSecrets: {
      secretManager: [{ versionName: "projects/$PROJECT_ID/secrets/key/versions/3", env: "KEY" }],
    },
    logsBucket: `gs://${BUCKET}/logs`,
  });
  const md5 = (text: string) => `${createHash("md5").update(text).digest("hex")}\n`;
  expect([output(build, 0), output(build, 1)]).toEqual([md5("s3cr3t"), md5("none")]);
  expect(JSON.stringify(world.messages)).not.toContain("s3cr3t");
});

standInTest("a secret that is not there fails the build before any step", async () => {
  await using world = await startWorld();
  const versionName = `projects/${PROJECT}/secrets/none/versions/1`;
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
    artifacts: {
      objects: { location: `gs://${BUCKET}/of/$BUILD_ID`, paths: ["out/*.txt", "y.bin"] },
    },
  });
  const folder = `of/${build.id}`;
  const first = await world.objects.find(`${folder}/1.txt`);
  expect(first?.text).toBe("one");
  expect((await world.objects.find(`${folder}/2.txt`))?.text).toBe("two");
  expect(build.results).toMatchObject({
    artifactManifest: `gs://${BUCKET}/${folder}/artifacts-${build.id}.json`,
    numArtifacts: "3",
  });
  const found = await world.objects.find(`${folder}/artifacts-${build.id}.json`);
  const manifest = found?.text ?? "";
  const lines = manifest
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toEqual({
    location: `gs://${BUCKET}/${folder}/1.txt#${first?.generation}`,
    file_hash: [
      { file_hash: [{ type: 2, value: createHash("md5").update("one").digest("base64") }] },
    ],
  });
});

test("artifacts of a failed build are not uploaded", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("echo x > y; exit 1")],
    artifacts: { objects: { location: `gs://${BUCKET}/of`, paths: ["y"] } },
  });
  expect(build.failureInfo?.type).toBe("USER_BUILD_STEP");
  expect((await world.objects.names()).filter((name) => name.startsWith("of/"))).toEqual([]);
});

const nothingToUpload = async (script: string) => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash(script)],
    artifacts: { objects: { location: `gs://${BUCKET}/`, paths: ["y"] } },
  });
  expect(build.status).toBe("FAILURE");
  expect(build.statusDetail).toContain("No URLs matched: y");
};

test("a pattern that matches nothing fails the build", () => nothingToUpload("exit 0"));

standInTest("a link out of the workspace is no artifact", () =>
  nothingToUpload("ln -s /etc/passwd y"),
);

test("images cannot be pushed: none was built", async () => {
  await using world = await startWorld();
  const build = await world.run({ steps: [bash("exit 0")], images: ["gcr.io/p/app"] });
  expect(build.failureInfo?.type).toBe("PUSH_IMAGE_NOT_FOUND");
});

emulatorTest("the log of several steps names each line's step", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [
      bash("echo out; echo err >&2; printf unfinished"),
      { ...bash("echo named"), id: "an id" },
    ],
    logsBucket: `gs://${BUCKET}/folder`,
  });
  const log = (await world.objects.find(`folder/log-${build.id}.txt`))?.text ?? "";
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

standInTest(
  "the log of a single step stands without prefix, and is written while the build runs",
  async () => {
    const clock = fakeClock();
    await using world = await startWorld({ clock });
    const build = await world.create({
      steps: [bash("echo early; sleep 600")],
      logsBucket: `gs://${BUCKET}`,
    });
    await eventually(async () => {
      clock.advance(5_000);
      const log = await world.objects.find(`log-${build.id}.txt`);
      return log?.text.includes("\nearly\n") ?? false;
    });
    expect((await world.get(build.name)).status).toBe("WORKING");
  },
);

test("logging NONE writes no object", async () => {
  await using world = await startWorld();
  const build = await world.run({
    steps: [bash("echo x")],
    options: { logging: "NONE" },
    logsBucket: `gs://${BUCKET}`,
  });
  expect(build.status).toBe("SUCCESS");
  expect(await world.objects.names()).toEqual([]);
});

standInTest("a log that cannot be written is a LOGGING_FAILURE", async () => {
  await using world = await startWorld({
    writeObject: () => Promise.reject(new Error("no such bucket")),
  });
  const build = await world.run({ steps: [bash("exit 0")] });
  expect(build.status).toBe("FAILURE");
  expect(build.failureInfo?.type).toBe("LOGGING_FAILURE");
});
