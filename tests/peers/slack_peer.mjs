// Runs the Slack service of the npm package `emulate` on a loopback port until it is told to end.
// Arguments: the package's folder, the port, the seed as JSON.
import { pathToFileURL } from "node:url";

const [folder, port, seed] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(`${folder}/dist/api.js`).href);
await createEmulator({ service: "slack", port: Number(port), baseUrl: "https://meridian.slack.example", seed: JSON.parse(seed) });
console.log("listening");
