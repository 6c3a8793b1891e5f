import { bytesOf, type GivenFile, type PlacedFile } from "../documents/files.ts";
import { UPLOAD_DAYS, type Uploaded } from "../documents/upload.ts";
import type { Fault } from "../errors.ts";
import { isRefusedByGit } from "../git-names.ts";
import { sha256 } from "../hash.ts";
import { RUN_LIMITS } from "../limits.ts";
import { utf8Length } from "../text.ts";

/** The uploads that a request names, by their ids. */
type Uploads = ReadonlyMap<string, Uploaded>;

/** The files of a request as they are stored; call only if {@link fileFaults} finds nothing. */
export const placedFiles = (
  given: readonly GivenFile[],
  uploads: Uploads = new Map(),
): PlacedFile[] => given.map((file) => placed(file, uploads.get(file.upload ?? "")));

function placed(
  { path, content, base64 = "", executable = false }: GivenFile,
  upload: Uploaded | undefined,
): PlacedFile {
  if (upload !== undefined) {
    const { object, sizeBytes, sha256: digest } = upload;
    return { path, sizeBytes, sha256: digest, executable, content: object, encoding: "object" };
  }
  const stored =
    content === undefined
      ? { content: base64, encoding: "base64" as const }
      : { content, encoding: "utf8" as const };
  const file = { path, sizeBytes: 0, sha256: "", executable, ...stored };
  const bytes = bytesOf(file) ?? Buffer.alloc(0);
  return { ...file, sizeBytes: bytes.length, sha256: sha256(bytes) };
}

/** What is wrong with the files of a request that a schema cannot say. */
export function fileFaults(given: readonly GivenFile[], uploads: Uploads = new Map()): Fault[] {
  const faults = given.flatMap((file, index) => {
    const others = given.slice(0, index).map(({ path }) => path);
    return [...faultsOf(file, others), ...uploadFault(file, uploads)].map(
      ({ pointer, detail }) => ({
        pointer: `/files/${index}${pointer}`,
        detail,
      }),
    );
  });
  if (faults.length > 0) return faults;
  const files = Object.groupBy(placedFiles(given, uploads), ({ encoding }) =>
    encoding === "object" ? "uploaded" : "inline",
  );
  return [
    ...sizeFault(files.inline, { most: RUN_LIMITS.filesBytes, remedy: "; upload the larger ones" }),
    ...sizeFault(files.uploaded, { most: RUN_LIMITS.uploadBytes, remedy: "" }),
  ];
}

function sizeFault(
  files: readonly PlacedFile[] = [],
  { most, remedy }: { most: number; remedy: string },
): Fault[] {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes <= most) return [];
  const detail = `have ${bytes} bytes together; at most ${most} are accepted${remedy}`;
  return [{ pointer: "/files", detail }];
}

function uploadFault({ upload }: GivenFile, uploads: Uploads): Fault[] {
  if (upload === undefined || uploads.has(upload)) return [];
  return [{ pointer: "/upload", detail: noUpload(upload) }];
}

/** In words that go on after its name. */
export const noUpload = (id: string): string =>
  `names ${id}, and there is no such upload: nothing was sent to its address, or that was more than ${UPLOAD_DAYS} days ago`;

function faultsOf(file: GivenFile, others: readonly string[]): Fault[] {
  const { path, content, base64, upload } = file;
  const detail = pathFault(path) ?? clash(path, others);
  if (detail !== undefined) return [{ pointer: "/path", detail }];
  const contents = [content, base64, upload].filter((one) => one !== undefined);
  if (contents.length !== 1) {
    return [{ pointer: "", detail: "needs content, base64 or upload, one of them" }];
  }
  if (base64 !== undefined && !isBase64(base64)) {
    return [{ pointer: "/base64", detail: "is not base64 (RFC 4648, with its padding)" }];
  }
  return [];
}

/** @returns what is wrong with a path below the workspace, in words that go on after its name */
export function pathFault(path: string): string | undefined {
  if (path.normalize("NFC") !== path) return "must be in Unicode's form NFC";
  if (utf8Length(path) > RUN_LIMITS.filePathBytes) {
    return `must have at most ${RUN_LIMITS.filePathBytes} bytes`;
  }
  if (/[\p{Cc}\\]/u.test(path)) return "must have no control characters and no backslashes";
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) {
    return 'must lie below the workspace: relative, without "." and ".." or empty names in it';
  }
  if (names.some((name) => utf8Length(name) > NAME_BYTES)) {
    return `must have names of at most ${NAME_BYTES} bytes`;
  }
  if (isRefusedByGit(Buffer.from(path).toString("latin1"), false)) {
    return "has a name that git keeps for itself (.git)";
  }
  return undefined;
}

/** The longest name that Linux has for a file. */
const NAME_BYTES = 255;

/** A path can be one file, or a folder of others. */
function clash(path: string, others: readonly string[]): string | undefined {
  if (others.includes(path)) return "is the path of another file";
  const other = others.find((one) => one.startsWith(`${path}/`) || path.startsWith(`${one}/`));
  return other && `cannot be there together with ${other}: one of them would be a folder`;
}

const isBase64 = (text: string): boolean =>
  /^[A-Za-z0-9+/]*={0,2}$/.test(text) && Buffer.from(text, "base64").toString("base64") === text;
