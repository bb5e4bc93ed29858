// Runs a Node.js handler against Lambda's Runtime API. AWS's own client (`aws-lambda-ric`) is used
// instead where the zip, a layer or the interpreter has it.
import { existsSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const API = "/2018-06-01/runtime";
const TASK = process.env.LAMBDA_TASK_ROOT ?? "/var/task";
const MODULES = [path.join(TASK, "node_modules"), "/opt/nodejs/node_modules", "/node_modules"];
const RICS = ["aws-lambda-ric", "@serverless-stack/aws-lambda-ric"];
// From this release on a handler is a function of two arguments whose value is the answer.
const NO_CALLBACKS = 24;
const RELEASE = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? "")?.[1] ?? 0);
// Lambda's exit codes for what nobody caught.
const EXIT_REJECTION = 128;
const EXIT_EXCEPTION = 129;

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, url, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path: API + url, agent, headers };
    if (body !== undefined) headers["Content-Length"] = Buffer.byteLength(body);
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ response, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

function isError(value) {
  return value instanceof Error || (typeof value?.stack === "string" && typeof value.name === "string");
}

function describe(error) {
  try {
    if (isError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split("\n") ?? [] };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { errorType: "handled", errorMessage: "The error that was thrown cannot be told", trace: [] };
  }
}

function report(url, error) {
  const described = describe(error);
  const headers = { "Content-Type": "application/json" };
  // A header holds less than a name may; the body has it whole.
  if (/^[\x20-\x7e]+$/.test(described.errorType)) {
    headers["Lambda-Runtime-Function-Error-Type"] = described.errorType;
  }
  return call("POST", url, JSON.stringify(described), headers);
}

let requestId;

// Every line as Lambda's own console writes it: when, for which request, how grave.
function setConsole() {
  const levels = { log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE", fatal: "FATAL" };
  for (const [name, level] of Object.entries(levels)) {
    console[name] = (...values) => {
      const parts = [new Date().toISOString(), requestId ?? "undefined", level, format(...values)];
      process.stdout.write(`${parts.join("\t")}\n`);
    };
  }
}

// An error with what its maker gave it besides.
function tell(what, error) {
  const whole = (_name, value) => {
    if (!isError(value)) return value;
    const { name: errorType, message: errorMessage, code, stack } = value;
    return { errorType, errorMessage, code, ...value, stack: stack?.split("\n") };
  };
  let told;
  try {
    told = JSON.stringify(isError(error) ? error : new Error(describe(error).errorMessage), whole);
  } catch {
    told = JSON.stringify(describe(error));
  }
  console.error(`${what} \t${told}`);
}

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";

// Marks handlers that write their answer, and puts what HTTP says of an answer before it.
globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: "response" }),
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType(PRELUDE_TYPE);
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

// As Lambda looks for it: a file of that name, else an installed package.
function importModule(folder, name) {
  const file = path.resolve(TASK, folder, name);
  const found = ["", ".js", ".mjs", ".cjs"].map((ending) => file + ending).find(isFile);
  if (found) return import(pathToFileURL(found).href);
  const require = createRequire(import.meta.url);
  return require(require.resolve(name, { paths: [TASK, path.resolve(TASK, folder)] }));
}

const isFile = (file) => statSync(file, { throwIfNoEntry: false })?.isFile();

// `folder/module.function`, where the function may be a member of a member.
async function load(name) {
  if (name.includes("..")) {
    throw new Fault("Runtime.MalformedHandlerName", `'${name}' is not a valid handler name: it may not hold '..'`);
  }
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  const [module, ...members] = name.slice(folder.length).split(".");
  if (members.length === 0) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  let space;
  try {
    space = await importModule(folder, module);
  } catch (error) {
    hint(error);
    if (error instanceof SyntaxError) {
      const fault = new Fault("Runtime.UserCodeSyntaxError", String(error));
      fault.stack = error.stack;
      throw fault;
    }
    if (error?.code === "MODULE_NOT_FOUND") throw new Fault("Runtime.ImportModuleError", String(error));
    throw error;
  }
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const handler = find(space) ?? find(space?.default);
  if (!handler) {
    throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof handler !== "function") {
    throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  }
  if (RELEASE >= NO_CALLBACKS && handler.length >= 3 && !handler[STREAMING]) {
    throw new Fault(
      "Runtime.CallbackHandlerDeprecated",
      `${name} takes a callback, which no runtime from nodejs${NO_CALLBACKS}.x on gives: make it an async function`,
    );
  }
  return handler;
}

function hint(error) {
  const missing = /'(@aws-sdk\/[^']+|@smithy\/[^']+)'/.exec(error?.message ?? "")?.[1];
  if (missing) {
    process.stdout.write(
      `\`${missing}\` is part of Lambda's own runtime, but not of this Node.js: put it into the zip's` +
        " `node_modules`, or install it globally for the program that `function.node` names\n",
    );
  }
}

function contextOf(headers) {
  const { env } = process;
  const json = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    ...(RELEASE < NO_CALLBACKS && { callbackWaitsForEmptyEventLoop: true }),
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json("lambda-runtime-client-context"),
    identity: json("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// Ends once, with an error or an answer, however the handler says it.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let said = false;
    let answer;
    // Nothing is left that could still end it.
    const idle = () => resolve(answer);
    process.once("beforeExit", idle);
    const end = (settle, value) => {
      process.removeListener("beforeExit", idle);
      settle(value);
    };
    const callback = (error, value) => {
      if (said) return;
      said = true;
      if (error !== undefined && error !== null) return end(reject, error);
      answer = value;
      if (!context.callbackWaitsForEmptyEventLoop) end(resolve, value);
    };
    // The older names wait for nothing.
    const done = (error, value) => {
      context.callbackWaitsForEmptyEventLoop = false;
      callback(error, value);
    };
    context.done = done;
    context.fail = (error) => done(error ?? new Error("failed"));
    context.succeed = (value) => done(null, value);
    let result;
    try {
      result = handler(event, context, callback);
    } catch (error) {
      return end(reject, error);
    }
    if (typeof result?.then === "function") {
      result.then(
        (value) => end(resolve, value),
        (error) => end(reject, error),
      );
    }
  });
}

// All that a handler wrote, as one answer.
async function collect(handler, event, context) {
  const chunks = [];
  let type = "application/octet-stream";
  const stream = new Writable({
    write(chunk, _encoding, next) {
      chunks.push(chunk);
      next();
    },
  });
  stream.setContentType = (given) => (type = given);
  const ended = finished(stream);
  // Awaited below; until then nobody looks whether it failed.
  ended.catch(() => {});
  await handler(event, stream, context);
  if (!stream.writableEnded && !stream.destroyed) throw new Error("Response stream is not finished.");
  await ended;
  return { type, body: Buffer.concat(chunks) };
}

async function answerOf(handler, event, context) {
  if (handler[STREAMING]) return collect(handler, event, context);
  const value = await (RELEASE < NO_CALLBACKS ? run(handler, event, context) : handler(event, context));
  try {
    return { type: "application/json", body: JSON.stringify(value === undefined ? null : value) ?? "null" };
  } catch {
    throw new Fault("Runtime.JSONStringifyError", "Unable to stringify response body");
  }
}

async function serve(handler) {
  requestId = undefined;
  const { response, body } = await call("GET", "/invocation/next");
  // The server is about to end this process.
  if (response.statusCode !== 200) process.exit(0);
  const context = contextOf(response.headers);
  requestId = context.awsRequestId;
  process.env._X_AMZN_TRACE_ID = response.headers["lambda-runtime-trace-id"] ?? "";
  let answer;
  try {
    answer = await answerOf(handler, JSON.parse(body), context);
  } catch (error) {
    tell("Invoke Error", error);
    await report(`/invocation/${requestId}/error`, error);
    return;
  }
  const headers = { "Content-Type": answer.type };
  const { response: taken, body: said } = await call("POST", `/invocation/${requestId}/response`, answer.body, headers);
  if (taken.statusCode >= 400 && taken.statusCode !== 413) {
    console.error(`The answer was not taken: ${taken.statusCode} ${said}`);
  }
}

function giveUp(what, kind, code) {
  return async (error) => {
    let fault = error;
    if (kind) {
      fault = new Fault(kind, isError(error) ? `${error.name}: ${error.message}` : describe(error).errorMessage);
      fault.reason = error;
      fault.stack = error?.stack ?? fault.stack;
    }
    tell(what, fault);
    try {
      await report(requestId ? `/invocation/${requestId}/error` : "/init/error", fault);
    } finally {
      process.exit(code);
    }
  };
}

// AWS's own client, by the program that its package names.
function ownClient() {
  for (const folder of MODULES.flatMap((modules) => RICS.map((ric) => path.join(modules, ric)))) {
    const about = path.join(folder, "package.json");
    if (!existsSync(about)) continue;
    const { bin } = JSON.parse(readFileSync(about, "utf8"));
    const program = typeof bin === "string" ? bin : Object.values(bin ?? {})[0];
    if (program) return path.join(folder, program);
  }
}

async function main() {
  const name = process.env._HANDLER;
  const client = ownClient();
  if (client) {
    process.argv = [process.argv[0], client, name];
    return import(pathToFileURL(client).href);
  }
  setConsole();
  process.on("unhandledRejection", giveUp("Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", EXIT_REJECTION));
  process.on("uncaughtException", giveUp("Uncaught Exception", undefined, EXIT_EXCEPTION));
  let handler;
  try {
    handler = await load(name);
  } catch (error) {
    tell("Uncaught Exception", error);
    await report("/init/error", error);
    process.exit(1);
  }
  for (;;) await serve(handler);
}

main().catch(giveUp("Uncaught Exception", undefined, EXIT_EXCEPTION));
