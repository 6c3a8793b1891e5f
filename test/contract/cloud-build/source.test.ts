import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { standInTest } from "../declared.ts";
import { archive, bash, output, startWorld } from "./world.ts";

const SOURCE = { storageSource: { bucket: "source", object: "input.tar.gz" } };

standInTest("the source archive is unpacked into the working directory", async () => {
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

standInTest.each([
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
  await world.objects.write("source", "input.tar.gz", content, "application/gzip");
  const build = await world.create({ steps: [bash("exit 0")], source: SOURCE });
  await world.finished(build);
  const escaped = readdirSync(world.folder, { recursive: true })
    .map(String)
    .filter((path) => path.includes("escaped") && !path.includes(`${build.id}/workspace/`));
  expect(escaped).toEqual([]);
  expect(existsSync("/tmp/escaped-from-cloud-build.txt")).toBe(false);
});

function file(name: string) {
  return { header: { name, size: 1 }, body: "x" };
}

standInTest(
  "archives made by the system's tar are unpacked, with long names, modes and links",
  async () => {
    await using world = await startWorld();
    const folder = join(world.folder, "input");
    const long = "d".repeat(120);
    mkdirSync(join(folder, long), { recursive: true });
    writeFileSync(join(folder, long, "file.txt"), "deep");
    writeFileSync(join(folder, "run"), "#!/bin/sh\necho ran", { mode: 0o755 });
    symlinkSync("run", join(folder, "link"));
    for (const format of ["gnu", "pax"]) {
      const content = execFileSync("tar", ["-C", folder, "--format", format, "-cz", "."]);
      await world.objects.write("source", "input.tar.gz", content, "application/gzip");
      const build = await world.run({
        steps: [bash(`(cat ${long}/file.txt; ./link) > "$BUILDER_OUTPUT/output"`)],
        source: SOURCE,
      });
      expect([format, build.status, output(build)]).toEqual([format, "SUCCESS", "deepran\n"]);
    }
  },
);
