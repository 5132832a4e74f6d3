// What the official SDK learns about a module with the TypeScript compiler, as plain data: reading the sources takes
// seconds, so it is done once when the module is prepared, and each call only reads the result.
import { DaggerArgument } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/argument.js"
import { DaggerConstructor } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/constructor.js"
import {
  DaggerEnum,
  DaggerEnumValue,
} from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/enum.js"
import {
  DaggerEnumClass,
  DaggerEnumClassValue,
} from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/enumClass.js"
import { DaggerFunction } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/function.js"
import { DaggerInterface } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/interface.js"
import { DaggerInterfaceFunction } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/interfaceFunction.js"
import { DaggerModule } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/module.js"
import { DaggerObject } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/object.js"
import { DaggerProperty } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/property.js"
import { DaggerTypeObject } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/typeObject.js"
import { DaggerObjectTypeProperty } from "@dagger.io/dagger/dist/src/module/introspector/dagger_module/typeObjectProperty.js"

/** The classes a scan consists of. A table, because a bundler may change the names that classes know of themselves. */
const classes = {
  DaggerArgument,
  DaggerConstructor,
  DaggerEnum,
  DaggerEnumClass,
  DaggerEnumClassValue,
  DaggerEnumValue,
  DaggerFunction,
  DaggerInterface,
  DaggerInterfaceFunction,
  DaggerModule,
  DaggerObject,
  DaggerObjectTypeProperty,
  DaggerProperty,
  DaggerTypeObject,
}

/** What only the scan itself needs: the compiler's tree, and references that it has resolved by then. */
const compilerFields = new Set([
  ..."node __node ast symbol signature userModule references _typeRef _returnTypeRef".split(" "),
])

/** A scan as data for JSON.stringify; `thaw` is its inverse. */
export function freeze(value) {
  if (Array.isArray(value)) return value.map(freeze)
  if (value === null || typeof value !== "object") return value
  const name = Object.keys(classes).find((key) => value.constructor === classes[key])
  const fields = Object.entries(value)
    .filter(([key]) => name === undefined || !compilerFields.has(key))
    .map(([key, field]) => [key, freeze(field)])
  if (name === undefined) return Object.fromEntries(fields)
  return { $class: name, $at: value.getLocation?.(), fields: Object.fromEntries(fields) }
}

/** The scan that `freeze` made data of: objects of the same classes, so that the SDK's own code works on them. */
export function thaw(value) {
  if (Array.isArray(value)) return value.map(thaw)
  if (value === null || typeof value !== "object") return value
  if (value.$class === undefined) return thawFields(value)
  const object = Object.create(classes[value.$class].prototype)
  // Each has read its place from the compiler's tree.
  Object.defineProperty(object, "getLocation", { value: () => value.$at })
  return Object.assign(object, thawFields(value.fields))
}

const thawFields = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, thaw(field)]))
