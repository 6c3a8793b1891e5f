import { createHash } from "node:crypto";
import { globSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { BuildFailure, type BuildRun } from "./build-run.ts";

/** MD5 in `google.devtools.cloudbuild.v1.Hash.HashType`. */
const MD5 = 2;

interface UploadedFile {
  url: string;
  generation: string;
  /** Base64. */
  md5: string;
}

/**
 * Uploads what a build whose steps all succeeded has to leave: its objects, and a manifest of them
 * (JSON lines, named `artifacts-BUILD_ID.json`) at the same place. Files keep their base names
 * only.
 *
 * @throws {BuildFailure} if a pattern matches nothing or an upload fails; PUSH_IMAGE_NOT_FOUND if
 * the build
 *   has images.
 */
export async function pushArtifacts(run: BuildRun): Promise<void> {
  const { images = [], artifacts } = run.build;
  if (images.length > 0) {
    // Differs: there is no Docker daemon here, so the steps can have built no image.
    const list = images.map((image) => JSON.stringify(image)).join(" ");
    throw new BuildFailure(
      `failed to find one or more images after execution of build steps: [${list}]`,
      { type: "PUSH_IMAGE_NOT_FOUND" },
    );
  }
  if (artifacts?.objects === undefined || artifacts.objects === null) return;
  const { location = "", paths = [] } = artifacts.objects;
  const folder = location.endsWith("/") ? location : `${location}/`;
  run.log.line(`Artifacts will be uploaded to ${folder} using gsutil cp`);
  try {
    await uploadAll(run, folder, paths);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildFailure(`failed to upload artifacts: ${reason}`, { cause: error });
  }
}

async function uploadAll(run: BuildRun, folder: string, paths: readonly string[]): Promise<void> {
  const files: UploadedFile[] = [];
  for (const pattern of paths) {
    for (const path of matches(run, pattern)) {
      run.log.line(`${relative(run.files.workspace, path)}: Uploading path....`);
      files.push(await upload(run, `${folder}${basename(path)}`, readFileSync(path)));
    }
  }
  const manifest = `${folder}artifacts-${run.build.id}.json`;
  await upload(run, manifest, Buffer.from(files.map(manifestLine).join("")));
  run.log.line(`Artifact manifest located at ${manifest}`);
  run.artifacts = { manifest, count: files.length };
}

/** The files in the workspace that `pattern` names; folders are left out, as by `gsutil cp`. */
function matches({ files }: BuildRun, pattern: string): string[] {
  const root = realpathSync(files.workspace);
  const inside = pattern.replace(/^\/workspace\//, "");
  const found = globSync(inside, { cwd: root })
    .map((path) => join(root, path))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false)
    // A link may point to a file of this machine that a container would not have.
    .filter((path) => realpathSync(path).startsWith(`${root}/`))
    .sort();
  if (found.length === 0) throw new Error(`CommandException: No URLs matched: ${pattern}`);
  return found;
}

async function upload(run: BuildRun, url: string, content: Buffer): Promise<UploadedFile> {
  const [, bucket = "", name = ""] = /^gs:\/\/([^/]+)\/(.*)$/.exec(url) ?? [];
  const contentType = name.endsWith(".json") ? "application/json" : "application/octet-stream";
  const { writeObject } = run.engine.surroundings;
  const { generation } = await writeObject(bucket, name, content, contentType);
  return { url, generation, md5: createHash("md5").update(content).digest("base64") };
}

/** An ArtifactResult as Google's worker writes it: snake case, hash types by number. */
function manifestLine({ url, generation, md5 }: UploadedFile): string {
  const fileHash = [{ file_hash: [{ type: MD5, value: md5 }] }];
  return `${JSON.stringify({ location: `${url}#${generation}`, file_hash: fileHash })}\n`;
}
