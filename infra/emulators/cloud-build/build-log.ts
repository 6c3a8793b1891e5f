import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { asDiskFull, type DiskFull } from "../wire/disk.ts";
import type { Build } from "./build.ts";
import type { Engine } from "./engine.ts";

const FLUSH_EVERY_MS = 5_000;
const LONGEST_LINE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * A build's log: a file while the build runs, copied to Cloud Storage every few seconds and at the
 * end.
 */
export interface BuildLog {
  /** Adds one line of the service's own. */
  line(text: string): void;
  /** A sink for one output stream of a step, which puts `prefix` before each line. */
  stream(prefix: string): LogStream;
  /** Writes the object for the last time. @throws if that fails, which is a LOGGING_FAILURE. */
  close(): Promise<void>;
}

interface LogStream {
  write(chunk: Buffer): void;
  /** Writes out a last line that had no newline. */
  end(): void;
}

/** Opens the log of `build` in the file `path`, after what is there already. */
export function openBuildLog(engine: Engine, build: Build, path: string): BuildLog {
  const { clock } = engine.state;
  const file = openSync(path, "a", 0o600);
  let isChanged = true;
  let full: DiskFull | undefined;
  let upload: Promise<unknown> = Promise.resolve();
  let cancelFlush = scheduleFlush();

  /**
   * A step is not stopped because a line of it finds no room; the log then ends as one that failed.
   */
  function write(bytes: Buffer): void {
    try {
      writeSync(file, bytes);
    } catch (error) {
      full ??= asDiskFull(error, dirname(path));
      if (full === undefined) throw error;
    }
    isChanged = true;
  }

  function flush(): Promise<unknown> {
    if (!isChanged) return upload;
    isChanged = false;
    // One at a time, so that an older state never replaces a newer one.
    upload = upload.catch(() => {}).then(() => uploadLog(engine, build, path));
    upload.catch(() => {
      isChanged = true;
    });
    return upload;
  }

  function scheduleFlush(): () => void {
    return clock.setTimeout(() => {
      void flush().catch(() => {});
      cancelFlush = scheduleFlush();
    }, FLUSH_EVERY_MS);
  }

  return {
    line: (text) => write(Buffer.from(`${text}\n`)),
    stream: (prefix) => lineStream(prefix, write),
    async close() {
      cancelFlush();
      closeSync(file);
      await upload.catch(() => {});
      await flush();
      if (full !== undefined) throw full;
    },
  };
}

/**
 * Ends the log of a build whose worker was lost: adds `text` and writes the object.
 * Call only while nothing else has the log open.
 */
export async function closeLostLog(
  engine: Engine,
  build: Build,
  { path, text }: { path: string; text: string },
): Promise<void> {
  if (!existsSync(path)) return;
  const log = openBuildLog(engine, build, path);
  log.line(text);
  await log.close();
}

async function uploadLog(engine: Engine, build: Build, path: string): Promise<void> {
  const target = logObject(build);
  if (target === undefined) return;
  const content = readFileSync(path);
  await engine.surroundings.writeObject(target.bucket, target.name, content, "text/plain");
}

// Differs: there is no Cloud Logging here; a build that logs only there leaves no log.
const UNSTORED_LOGGING = ["NONE", "CLOUD_LOGGING_ONLY", "STACKDRIVER_ONLY"];

function logObject({
  id,
  logsBucket,
  options,
}: Build): { bucket: string; name: string } | undefined {
  if (logsBucket === undefined || UNSTORED_LOGGING.includes(options?.logging ?? ""))
    return undefined;
  const [bucket = "", ...folders] = logsBucket.replace(/^gs:\/\//, "").split("/");
  return { bucket, name: [...folders.filter((part) => part !== ""), `log-${id}.txt`].join("/") };
}

function lineStream(prefix: string, write: (bytes: Buffer) => void): LogStream {
  const head = Buffer.from(prefix === "" ? "" : `${prefix}: `);
  let rest = Buffer.alloc(0);
  const writeLine = (line: Buffer) => write(Buffer.concat([head, line, Buffer.from("\n")]));
  return {
    write(chunk) {
      let bytes = Buffer.concat([rest, chunk]);
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE)) {
        writeLine(bytes.subarray(0, end));
        bytes = bytes.subarray(end + 1);
      }
      if (bytes.length > LONGEST_LINE_BYTES) {
        writeLine(bytes);
        bytes = Buffer.alloc(0);
      }
      rest = Buffer.from(bytes);
    },
    end() {
      if (rest.length > 0) writeLine(rest);
      rest = Buffer.alloc(0);
    },
  };
}
