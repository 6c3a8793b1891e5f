import { execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { standInTest } from "../declared.ts";
import { BUCKET } from "./surroundings.ts";
import { archive, bash, output, startWorld } from "./world.ts";

const SOURCE = { storageSource: { bucket: BUCKET, object: "input.tar.gz" } };

test("the source archive is unpacked into the working directory", async () => {
  await using world = await startWorld();
  const source = await archive([
    { type: "content", target: "hello.txt", content: "hello" },
    { type: "content", target: "bin/run", content: "#!/bin/sh\necho ran", mode: 0o755 },
  ]);
  const { generation } = await world.objects.write("input.tar.gz", source);
  const script = 'cat hello.txt > "$BUILDER_OUTPUT/output"; ./bin/run >> "$BUILDER_OUTPUT/output"';
  const build = await world.run({ steps: [bash(script)], source: SOURCE });
  expect(build.status).toBe("SUCCESS");
  expect(output(build)).toBe("helloran\n");
  expect(build.sourceProvenance?.resolvedStorageSource).toMatchObject({
    bucket: BUCKET,
    object: "input.tar.gz",
    generation,
  });
});

test("an object that is no archive fails the build at fetching its source", async () => {
  await using world = await startWorld();
  await world.objects.write("input.tar.gz", Buffer.from("none"));
  const build = await world.run({ steps: [bash("exit 0")], source: SOURCE });
  expect(build.status).toBe("FAILURE");
  expect(build.failureInfo?.type).toBe("FETCH_SOURCE_FAILED");
  expect(build.steps?.[0]?.status).toBe("QUEUED");
});

standInTest.each([
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
  await world.objects.write("input.tar.gz", content);
  const build = await world.create({ steps: [bash("exit 0")], source: SOURCE });
  await world.finished(build);
  // What the build leaves is being removed meanwhile: a glob passes over a folder that went.
  const found = globSync("**/*escaped*", { cwd: world.folder });
  const escaped = found.filter((path) => !path.includes(`${build.id}/workspace/`));
  expect(escaped).toEqual([]);
  expect(existsSync("/tmp/escaped-from-cloud-build.txt")).toBe(false);
});

function file(name: string) {
  return { header: { name, size: 1 }, body: "x" };
}

test("archives made by the system's tar are unpacked, with long names, modes and links", async () => {
  await using world = await startWorld();
  const folder = mkdtempSync(join(tmpdir(), "cloud-build-input-"));
  const long = "d".repeat(120);
  mkdirSync(join(folder, long), { recursive: true });
  writeFileSync(join(folder, long, "file.txt"), "deep");
  writeFileSync(join(folder, "run"), "#!/bin/sh\necho ran", { mode: 0o755 });
  symlinkSync("run", join(folder, "link"));
  for (const format of ["gnu", "pax"]) {
    const content = execFileSync("tar", ["-C", folder, "--format", format, "-cz", "."]);
    await world.objects.write("input.tar.gz", content);
    const build = await world.run({
      steps: [bash(`(cat ${long}/file.txt; ./link) > "$BUILDER_OUTPUT/output"`)],
      source: SOURCE,
    });
    expect([format, build.status, output(build)]).toEqual([format, "SUCCESS", "deepran\n"]);
  }
  rmSync(folder, { recursive: true });
});
