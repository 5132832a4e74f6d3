export {
  connection,
  connect,
  Context,
  func,
  check,
  argument,
  object,
  field,
  enumType,
  entrypoint,
} from "./core.js"
export * from "./client.gen.js"
