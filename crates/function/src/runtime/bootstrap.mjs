// Runs a Node.js handler against Lambda's Runtime API. AWS's own client (`aws-lambda-ric`) is used
// instead where the zip has it.
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const API = "/2018-06-01/runtime";
const TASK = process.env.LAMBDA_TASK_ROOT ?? "/var/task";
const RICS = ["aws-lambda-ric", "@serverless-stack/aws-lambda-ric"];
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

function describe(error) {
  if (error instanceof Error || (error && typeof error.stack === "string")) {
    const trace = String(error.stack).split("\n");
    return { errorType: error.name, errorMessage: error.message, trace };
  }
  const message = typeof error === "object" ? JSON.stringify(error) : String(error);
  return { errorType: typeof error, errorMessage: message, trace: [] };
}

function report(url, error) {
  const described = describe(error);
  const headers = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Function-Error-Type": described.errorType,
  };
  return call("POST", url, JSON.stringify(described), headers);
}

let requestId;

// Every line as Lambda's own console writes it: when, for which request, how grave.
function setConsole() {
  const levels = { log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE" };
  for (const [name, level] of Object.entries(levels)) {
    console[name] = (...values) => {
      const parts = [new Date().toISOString(), requestId ?? "undefined", level, format(...values)];
      process.stdout.write(`${parts.join("\t")}\n`);
    };
  }
}

function tell(what, error) {
  const { errorType, errorMessage, trace } = describe(error);
  console.error(`${what} \t${JSON.stringify({ errorType, errorMessage, stack: trace })}`);
}

globalThis.awslambda = {
  streamifyResponse() {
    throw new Fault("Runtime.StreamingNotOffered", "Functions that stream their answers are not offered by this server");
  },
};

function moduleFile(name) {
  for (const ending of ["", ".js", ".mjs", ".cjs"]) {
    const file = path.resolve(TASK, name + ending);
    if (existsSync(file) && (ending || path.extname(file))) return file;
  }
  throw new Fault("Runtime.ImportModuleError", `Error: Cannot find module '${name}'`);
}

// `folder/module.function`, where the function may be a member of a member.
async function load(name) {
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  const [module, ...members] = name.slice(folder.length).split(".");
  if (!module || members.length === 0 || name.includes("..")) {
    throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  }
  const file = moduleFile(folder + module);
  let space;
  try {
    space = await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new Fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
      fault.stack = error.stack;
      throw fault;
    }
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
      hint(error);
      throw new Fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const handler = find(space) ?? find(space.default);
  if (handler === undefined) {
    throw new Fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof handler !== "function") {
    throw new Fault("Runtime.HandlerNotFound", `${name} is not a function`);
  }
  return handler;
}

function hint(error) {
  const missing = /'(@aws-sdk\/[^']+|@smithy\/[^']+)'/.exec(error.message)?.[1];
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
    callbackWaitsForEmptyEventLoop: true,
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
    const value = await run(handler, JSON.parse(body), context);
    answer = JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch (error) {
    tell("Invoke Error", error);
    await report(`/invocation/${requestId}/error`, error);
    return;
  }
  const headers = { "Content-Type": "application/json" };
  const { response: taken, body: said } = await call("POST", `/invocation/${requestId}/response`, answer, headers);
  if (taken.statusCode >= 400 && taken.statusCode !== 413) {
    console.error(`The answer was not taken: ${taken.statusCode} ${said}`);
  }
}

function giveUp(what, kind, code) {
  return async (error) => {
    const fault = kind ? new Fault(kind, String(error?.stack ? `${error.name}: ${error.message}` : error)) : error;
    if (kind && error?.stack) fault.stack = error.stack;
    tell(what, fault);
    try {
      await report(requestId ? `/invocation/${requestId}/error` : "/init/error", fault);
    } finally {
      process.exit(code);
    }
  };
}

async function main() {
  const name = process.env._HANDLER;
  for (const ric of RICS) {
    const client = path.join(TASK, "node_modules", ric, "bin", "index.mjs");
    if (existsSync(client)) {
      process.argv = [process.argv[0], client, name];
      return import(pathToFileURL(client).href);
    }
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
