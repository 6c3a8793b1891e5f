import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionOf } from "../../../cli/config/connection.ts";
import { configFile, readConfig, writeConfig } from "../../../cli/config/file.ts";
import type { PlaceFlags } from "../../../cli/typed.ts";
import { lockStateDirectory } from "../../../infra/local/state/directory.ts";

/** A home of one's own, with a state directory of a server in it. */
function home() {
  const path = mkdtempSync(join(tmpdir(), "home-"));
  const env: Record<string, string> = { XDG_CONFIG_HOME: path };
  const state = join(path, "state");
  mkdirSync(state);
  writeFileSync(join(state, "key"), "ry_local\n");
  writeFileSync(join(state, "server.json"), '{"apiUrl":"http://127.0.0.1:1/v1"}');
  writeFileSync(join(path, "key"), " ry_file \n");
  const server = new DisposableStack();
  server.defer(lockStateDirectory(state).release);
  return {
    /** Until it is disposed of, a server has the state directory. */
    server,
    path,
    env,
    state,
    file: configFile(env),
    connect: (flags: PlaceFlags, more: Record<string, string> = {}) =>
      connectionOf(flags, { env: { ...env, ...more } }),
    [Symbol.dispose]() {
      server.dispose();
      rmSync(path, { recursive: true });
    },
  };
}

const profiles = {
  work: { url: "https://work.example/v1", key: "ry_work" },
  play: { url: "https://play.example/v1", key: "ry_play" },
};

test("flags count more than variables, variables more than the file, and the file more than a state directory", () => {
  using own = home();
  writeConfig(own.file, { current: "work", profiles });
  const all = { RUNYARD_URL: "http://env.example", RUNYARD_KEY: "ry_env" };
  expect(own.connect({}, all)).toMatchObject({
    ...{ url: "http://env.example/v1", urlFrom: "RUNYARD_URL" },
    ...{ key: "ry_env", keyFrom: "RUNYARD_KEY" },
  });
  expect(own.connect({ state: own.state }, all)).toMatchObject({
    ...{ url: "http://127.0.0.1:1/v1", urlFrom: `${own.state}/server.json` },
    ...{ key: "ry_local", keyFrom: `${own.state}/key`, directory: own.state },
  });
  const key = join(own.path, "key");
  expect(own.connect({ url: "https://flag.example/api/v1/", keyFile: key }, all)).toMatchObject({
    ...{ url: "https://flag.example/api/v1", urlFrom: "--url" },
    ...{ key: "ry_file", keyFrom: `--key-file ${key}` },
  });
  const from = `in ${own.file}`;
  expect(own.connect({})).toMatchObject({ key: "ry_work", keyFrom: `the profile work ${from}` });
  expect(own.connect({}, { RUNYARD_PROFILE: "play" })).toMatchObject({ key: "ry_play" });
  expect(own.connect({ profile: "play" }, { RUNYARD_PROFILE: "work" }).key).toBe("ry_play");
  expect(own.connect({ profile: "play" }, all).key).toBe("ry_play");
  expect(own.connect({}, { RUNYARD_KEY: "ry_env" })).toMatchObject({
    ...{ url: "https://work.example/v1", key: "ry_env", keyFrom: "RUNYARD_KEY" },
  });
});

test("the address that a killed server has left is nobody's, and its key goes there by no flag", () => {
  using own = home();
  const url = "http://127.0.0.1:1/v1";
  const directory = process.cwd();
  try {
    process.chdir(own.path);
    renameSync(own.state, join(own.path, ".runyard"));
    expect(own.connect({ url }).key).toBe("ry_local");
    own.server.dispose();
    expect(() => own.connect({})).toThrow(/No server runs on .*\.runyard\. Start one with/);
    expect(() => own.connect({ url })).toThrow(/There is no key for/);
  } finally {
    process.chdir(directory);
  }
});

test("a key goes to its own server alone, unless somebody says otherwise", () => {
  using own = home();
  writeConfig(own.file, { current: "work", profiles });
  expect(own.connect({ url: "https://play.example" }).key).toBe("ry_play");
  expect(() => own.connect({ url: "https://else.example" })).toThrow(
    /There is no key for https:\/\/else\.example\/v1 \(from --url\)\. Set RUNYARD_KEY/,
  );
  expect(() => own.connect({}, { RUNYARD_URL: "https://else.example" })).toThrow(/no key for/);
});

test.each<[PlaceFlags, Record<string, string>, RegExp]>([
  [{ url: "x" }, {}, /--url: x is no address; one looks like/],
  [{ url: "ftp://x" }, {}, /begins neither with http/],
  [{ url: "http://a:b@x" }, {}, /an address has no user, password/],
  [{}, { RUNYARD_URL: "x" }, /RUNYARD_URL: x is no address/],
  [{ url: "http://x", state: "y" }, {}, /--url and --state: say one of them/],
  [{ profile: "none" }, {}, /--profile: there is no profile none in .*\(there is: none\)/],
  [{ state: "/nowhere" }, {}, /No server runs on \/nowhere\. Start one with: npx runyard start/],
  [{ url: "http://x", keyFile: "/nowhere" }, {}, /--key-file \/nowhere cannot be read/],
  [{ url: "http://x" }, { RUNYARD_KEY: "a b" }, /What RUNYARD_KEY has is no key/],
])("%j with %j is refused with what is wrong", (flags, env, message) => {
  using own = home();
  expect(() => own.connect(flags, env)).toThrow(message);
});

test("the file of settings is its user's alone, and one that others can read is refused", () => {
  using own = home();
  writeConfig(own.file, { current: "work", profiles });
  expect(statSync(own.file).mode & 0o777).toBe(0o600);
  expect(statSync(join(own.path, "runyard")).mode & 0o777).toBe(0o700);
  expect(readConfig(own.file)).toEqual({ current: "work", profiles });
  chmodSync(own.file, 0o640);
  expect(() => own.connect({})).toThrow(`others can read it: chmod 600 ${own.file}`);
});

test.each([
  ["{", /is not JSON; mend it/],
  ["[]", /has no "profiles"/],
  ['{"profiles":{"a":{"url":1}}}', /has no "url" and "key" for the profile a/],
  ['{"profiles":{},"current":1}', /has a wrong "current"/],
  ['{"profiles":{},"current":"gone"}', /current: there is no profile gone/],
])("settings such as %j are refused with what to do", (text, message) => {
  using own = home();
  mkdirSync(join(own.path, "runyard"));
  writeFileSync(own.file, text, { mode: 0o600 });
  expect(() => own.connect({})).toThrow(message);
});

test("settings are looked for below XDG_CONFIG_HOME, else in ~/.config", () => {
  expect(configFile({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/runyard/config.json");
  expect(configFile({ HOME: "/h" })).toBe("/h/.config/runyard/config.json");
});
