import { namesOf } from "../../../infra/deploy/names.ts";
import { POLICY_ROWS } from "../../../infra/doctor/cloud/policies.ts";
import { DEPLOYED, deployedPlan } from "../../support/deployment.ts";
import type { Body } from "../../support/google-resources.ts";
import { wrongAfter } from "./found.ts";

const plan = deployedPlan();
const names = namesOf(DEPLOYED);

interface Member {
  role: string;
  member: string;
}

test("each grant that is missing is named, with the command that gives it", async () => {
  const grants = plan.filter(({ type }) => POLICY_ROWS[type] !== undefined);
  expect(grants.length).toBeGreaterThan(30);
  for (const { type, args } of grants) {
    const { role, member } = args as unknown as Member;
    const wrong = await wrongAfter(({ bodies }) => {
      const cloud = { names } as Parameters<(typeof POLICY_ROWS)[string]["url"]>[1];
      const { bindings } = bodies.get(POLICY_ROWS[type]?.url(args, cloud) ?? "");
      const binding = bindings.find(
        (each: Body) => each.role === role && each.members.includes(member),
      );
      binding.members = binding.members.filter((each: string) => each !== member);
    });
    expect(wrong).toEqual([
      {
        check: "grants",
        state: "fault",
        found: expect.stringContaining(`${member} lacks ${role} on `),
        remedy: expect.stringMatching(
          new RegExp(`^gcloud .*add-iam-policy-binding .*--member ${member} --role ${role}`),
        ),
      },
    ]);
  }
});

test("a grant on more than the table's prefix is none, and one too many", async () => {
  const wrong = await wrongAfter((google) =>
    google.change(`${names.dataBucket}/iam?optionsRequestedPolicyVersion=3`, ({ bindings }) => {
      for (const binding of bindings) delete binding.condition;
    }),
  );
  const added = (prefix: string) =>
    expect.stringMatching(
      new RegExp(
        `^gcloud storage buckets add-iam-policy-binding gs://my-project-runyard-data .*--condition 'expression=resource\\.name\\.startsWith\\("projects/_/buckets/my-project-runyard-data/objects/${prefix}/"\\),title=objects'$`,
      ),
    );
  const removed = expect.stringMatching(/^gcloud storage buckets remove-iam-policy-binding /);
  expect(wrong.map(({ state, remedy }) => [state, remedy])).toEqual([
    ["fault", added("attempts")],
    ["fault", added("attempts")],
    ["fault", added("uploads")],
    ["fault", added("mirrors")],
    ["fault", added("events")],
    ["fault", added("events")],
    ["warning", removed],
    ["warning", removed],
    ["warning", removed],
    ["warning", removed],
    ["warning", removed],
    ["warning", removed],
  ]);
});

test.each([
  ["an account of ours", `serviceAccount:${names.emailOf("build")}`, 1],
  ["everybody", "allUsers", 1],
  ["somebody else, whom the stack leaves alone", "user:ann@example.com", 0],
])("a role of the project that %s has beside the table", async (_whose, member, count) => {
  const wrong = await wrongAfter((google) =>
    google.change("my-project:getIamPolicy", ({ bindings }) =>
      bindings.push({ role: "roles/editor", members: [member] }),
    ),
  );
  const one = {
    check: "grants",
    state: "warning",
    found: `${member} has roles/editor on projects my-project, which the table does not have`,
    remedy: `gcloud projects remove-iam-policy-binding my-project --member ${member} --role roles/editor --condition None`,
  };
  expect(wrong).toEqual(count === 0 ? [] : [one]);
});
