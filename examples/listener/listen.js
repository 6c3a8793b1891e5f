import { Firestore } from "@google-cloud/firestore";

const [id = ""] = process.argv.slice(2);
if (!/^run_[0-9A-Za-z]+$/.test(id)) {
  console.error("Name a run by its id, such as run_2MApo7WXve5lCHoJCSaJKN");
  process.exit(1);
}

const firestore = new Firestore({ projectId: "runyard-local" });
const stop = firestore.doc(`runs/${id}`).onSnapshot(
  (snapshot) => {
    const run = snapshot.data();
    console.log(run?.status ?? `there is no run ${id}`, run?.progress?.text ?? run?.why ?? "");
    if (run?.done ?? true) stop();
  },
  (error) => console.error(`The listener broke off: ${error.message}`),
);
