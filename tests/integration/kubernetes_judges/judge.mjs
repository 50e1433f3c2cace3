// Judges Kubernetes objects by the API's own schemas: reads a JSON list of {where, object} from standard input and prints
// a line for each mistake. Values are judged by the schemas (kubernetes-models' validate), fields that don't exist by
// their types (tsc), which the schemas let pass. Run it where its packages are: build/kubernetes.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const home = process.argv[2];
const require = createRequire(`${home}/package.json`);
const ts = require("typescript");

const PACKAGES = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "cert-manager.io": "@kubernetes-models/cert-manager",
};

function moduleOf({ apiVersion, kind }) {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return `${PACKAGES[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
}

async function wrongValues({ where, object }) {
  let made;
  try {
    made = await import(pathToFileURL(`${home}/node_modules/${moduleOf(object)}.js`));
  } catch {
    return [`${where}: ${object.apiVersion} has no ${object.kind}`];
  }
  try {
    new made[object.kind](object).validate();
    return [];
  } catch (error) {
    return [`${where}: ${error.message.replaceAll("data/", "")}`];
  }
}

// The mistakes of objects whose kinds exist.
function unknownFields(inputs) {
  const file = `${home}/judged.ts`;
  const lines = inputs.flatMap(({ object }, i) => [
    `import type {I${object.kind} as T${i}} from "${moduleOf(object)}";`,
    `export const o${i}: T${i} = ${JSON.stringify(object)};`,
  ]);
  const options = { noEmit: true, strict: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [], typeRoots: [] };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(file, lines.join("\n"), ...more) : read.call(host, name, ...more);
  const exists = host.fileExists;
  host.fileExists = (name) => name === file || exists.call(host, name);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((found) => {
    const line = found.file?.fileName === file ? found.file.getLineAndCharacterOfPosition(found.start).line : -1;
    const where = line >= 0 ? inputs[line >> 1].where : found.file?.fileName ?? "types";
    return `${where}: ${ts.flattenDiagnosticMessageText(found.messageText, " ")}`;
  });
}

const inputs = JSON.parse(readFileSync(0, "utf8"));
const values = (await Promise.all(inputs.map(wrongValues)));
const known = inputs.filter((_, i) => !values[i].some((text) => / has no /.test(text)));
for (const text of [...values.flat(), ...unknownFields(known)]) console.log(text);
