import { differsTest, emulatorTest, googleTest, standInTest } from "./declared.ts";
import { jestCall, parseArguments } from "./run.ts";
import { EMULATORS, emulatorHost, remoteProject, SERVICES } from "./target.ts";

const HOSTS = Object.fromEntries(
  SERVICES.map((service) => [EMULATORS[service].variable, "127.0.0.1:1"]),
);

const call = (line: string, env: NodeJS.ProcessEnv = {}) =>
  jestCall(parseArguments(line.split(" ").filter(Boolean)), env);

standInTest.each([
  ["", {}, ["test/contract/"], ""],
  ["--service pubsub", {}, ["test/contract/pubsub/"], ""],
  ["--service=storage -t name", {}, ["test/contract/storage/", "-t", "name"], ""],
  ["test/contract/pubsub/push.test.ts", {}, ["test/contract/pubsub/push.test.ts"], ""],
  ["firestore/query.test.ts", {}, ["firestore/query.test.ts"], ""],
  ["--service pubsub -t a/b", {}, ["test/contract/pubsub/", "-t", "a/b"], ""],
  [
    "--emulators --service firestore query.test.ts --testTimeout=5",
    HOSTS,
    ["query.test.ts", "--testTimeout=5"],
    "emulators",
  ],
  [
    "--emulators",
    HOSTS,
    [...SERVICES.map((service) => `test/contract/${service}/`), "--testTimeout=120000"],
    "emulators",
  ],
  [
    "--emulators --service firestore",
    { FIRESTORE_EMULATOR_HOST: "h:1" },
    ["test/contract/firestore/", "--testTimeout=120000"],
    "emulators",
  ],
  [
    "--service pubsub",
    { REMOTE: "1", GOOGLE_CLOUD_PROJECT: "p" },
    ["test/contract/pubsub/", "--testTimeout=900000"],
    "",
  ],
])("`%s` becomes jest's arguments and its target", (...row) => {
  const [line, given, args, target] = row;
  expect(call(line, given)).toEqual({
    args,
    env: { ...given, CONTRACT_TARGET: target },
    missing: [],
  });
});

standInTest(
  "without --service the emulators that there are are tested, and the others named",
  () => {
    const env = { FIRESTORE_EMULATOR_HOST: "h:1", CLOUD_BUILD_EMULATOR_HOST: "h:2" };
    const { args, missing } = call("--emulators", env);
    expect(args).toEqual(["test/contract/firestore/", "--testTimeout=120000"]);
    expect(missing).toEqual([
      expect.stringMatching(/^pubsub is not tested: PUBSUB_EMULATOR_HOST is not set\. /),
      expect.stringMatching(/^storage is not tested: STORAGE_EMULATOR_HOST is not set\. /),
      expect.stringMatching(/^cloud-build is not tested: PUBSUB_EMULATOR_HOST is not set\. /),
    ]);
  },
);

standInTest.each([
  ["--emulators", {}, "FIRESTORE_EMULATOR_HOST is not set. It says where an emulator of firestore"],
  ["--emulators --service cloud-build", {}, "start the stand-in's services: node infra/launch.js"],
  [
    "--emulators --service cloud-build",
    { CLOUD_BUILD_EMULATOR_HOST: "h:1", PUBSUB_EMULATOR_HOST: "h:2" },
    "STORAGE_EMULATOR_HOST is not set",
  ],
  ["--emulators", { REMOTE: "1" }, "exclude each other"],
  ["", { REMOTE: "1" }, "GOOGLE_CLOUD_PROJECT is not set"],
  ["--service magic", {}, 'not "magic"'],
  ["--service", {}, "--service is one of firestore, pubsub, storage, cloud-build"],
])("`%s` is refused, with what to do", (line, env, message) => {
  expect(() => call(line, env)).toThrow(message);
});

standInTest("an emulator may be named with its scheme", () => {
  const env = { STORAGE_EMULATOR_HOST: "http://127.0.0.1:9199/" };
  expect(emulatorHost("storage", env)).toBe("127.0.0.1:9199");
  expect(remoteProject({ GOOGLE_CLOUD_PROJECT: "p" })).toBe("p");
});

standInTest("on the stand-in every declared test runs", () => {
  expect([standInTest, emulatorTest, googleTest, differsTest]).toEqual([test, test, test, test]);
});
