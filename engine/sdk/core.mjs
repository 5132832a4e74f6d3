// The SDK as a module sees it at run time, bundled into one file without the TypeScript compiler: all of
// @dagger.io/dagger, and what the generated entry file calls.
import { dag } from "@dagger.io/dagger/dist/src/api/client.gen.js"
import { ExecError } from "@dagger.io/dagger/dist/src/common/errors/ExecError.js"
import { GraphQLRequestError } from "@dagger.io/dagger/dist/src/common/errors/GraphQLRequestError.js"
import { connection } from "@dagger.io/dagger/dist/src/connect.js"
import { invoke } from "@dagger.io/dagger/dist/src/module/entrypoint/invoke.js"
import { Register } from "@dagger.io/dagger/dist/src/module/entrypoint/register.js"
import { Executor } from "@dagger.io/dagger/dist/src/module/executor.js"
import * as telemetry from "@dagger.io/dagger/dist/src/telemetry/telemetry.js"
import { thaw } from "./scan.mjs"

export * from "@dagger.io/dagger/dist/src/index.js"

/** One request for all that the official entry point asks for one by one. */
const currentCall = `{ currentFunctionCall { name parentName parent inputArgs { name value } } }`

/**
 * Answers the function call that this process was started for.
 * @param handle takes {name, parentName, parent, args}, with values as the engine sends them, and returns the result;
 * without a parent's name it is the module's types that are asked for
 */
export async function serve(handle) {
  await connection(async () => {
    const { currentFunctionCall: call } = await dag.getGQLClient().request(currentCall)
    const args = Object.fromEntries(call.inputArgs.map(({ name, value }) => [name, JSON.parse(value)]))
    try {
      const result = await handle({ ...call, parent: JSON.parse(call.parent) ?? {}, args })
      await dag.currentFunctionCall().returnValue(JSON.stringify(result ?? null))
    } catch (error) {
      await dag.currentFunctionCall().returnError(errorForEngine(error))
      // The process ends here: what is done at the end of the connection must be done before.
      await telemetry.close()
      process.exit(1)
    }
  })
}

/**
 * Answers a call of a module, as the entry point of the official SDK does, but with a scan made beforehand.
 * @param load imports the module's files and returns their exports; not called when only types are asked for
 * @param scan what `freeze` made of the module's scan
 */
export async function answer(load, scan) {
  const module = thaw(scan)
  await serve(async ({ name, parentName, parent, args }) => {
    if (parentName === "") return new Register(module).run()
    const executor = new Executor(await load(), module)
    return invoke(executor, module, { parentName, fnName: name, parentArgs: parent, fnArgs: args })
  })
}

/** An error as the engine passes it on: with the exit code and output of a failed exec, say. */
function errorForEngine(error) {
  if (!(error instanceof Error)) return dag.error(JSON.stringify(error) ?? String(error))
  const extensions =
    error instanceof ExecError || error instanceof GraphQLRequestError ? error.extensions : {}
  return Object.entries(extensions ?? {})
    .filter(([, value]) => value !== "" && value !== undefined && value !== null)
    .reduce((sent, [key, value]) => sent.withValue(key, JSON.stringify(value)), dag.error(error.message))
}
