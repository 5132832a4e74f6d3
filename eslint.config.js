import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"

/** Folders of dagger/lib that call Dagger, from the bottom to the top: each may import those before it. */
const floors = ["engine", "gather", "run", "calls"]

/** The roof: what the SDK has to see. Nothing below imports it. */
const roof = "src"

/** The ground floor: imported by all, importing only each other. */
const ground = ["text", "async", "problems"]

const noDagger = {
  group: ["@dagger.io/*"],
  message: "The core is plain TypeScript: take facts as arguments, and call Dagger in dagger/lib/engine.",
}

/** Folders that a file must not import, whatever the number of dots before them. */
const noFolders = (names, message) => ({ regex: `^(\\.\\./)+(${names.join("|")})/`, message })

/** Rules of one folder: what it must not import. */
const imports = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { "no-restricted-imports": ["error", { patterns }] },
})

/** What every folder below the floors must not import; folders with rules of their own come on top. */
const core = [noDagger, noFolders([...floors, roof], "What calls Dagger is above: take facts as arguments.")]

/** The floors: nothing of those above. */
const floorRules = floors
  .map((name, index) => [name, [...floors.slice(index + 1), roof]])
  .map(([name, above]) =>
    imports(
      [`dagger/lib/${name}/**`],
      [noFolders(above, `${name}/ is below: imports point down (docs/maintainers.md).`)],
    ),
  )

export default defineConfig(
  { ignores: ["**/node_modules/", "dagger/sdk/", "engine/sdk/client/", "out/", "eslint.config.js"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: "tsconfig.json" } },
    rules: {
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ["dagger/lib/**"],
    ignores: floors.map((name) => `dagger/lib/${name}/**`),
    rules: { "no-restricted-imports": ["error", { patterns: core }], "no-console": ["error"] },
  },
  imports(
    ground.flatMap((name) => [`dagger/lib/${name}/**`, `dagger/lib/${name}.ts`]),
    [
      noDagger,
      {
        regex: `^(\\.\\./)+(?!${ground.join("|")})|^\\./(?!${ground.join("|")})[^/]+/`,
        message: "The ground floor imports nothing of the house.",
      },
    ],
  ),
  imports(
    ["dagger/lib/registry/**"],
    [
      ...core,
      noFolders(
        ["gpu", "plan", "promote", "report"],
        "The registry's client knows neither plans nor promotions.",
      ),
    ],
  ),
  imports(
    [
      "dagger/lib/plan/**",
      "dagger/lib/report/**",
      "dagger/lib/dockerfile/**",
      "dagger/lib/spec/**",
      "dagger/lib/wiki/**",
      "dagger/lib/manifest/**",
      "dagger/lib/sbom/**",
      "dagger/lib/vulnerability/**",
    ],
    [
      ...core,
      {
        group: ["node:fs", "node:fs/*", "node:child_process", "node:net", "node:http", "node:https"],
        message: "Decided from facts: what is read or asked is passed in.",
      },
    ],
  ),
  ...floorRules,
  {
    files: [...floors.map((name) => `dagger/lib/${name}/**`), "dagger/src/**"],
    // Parameters and results of these are read by the SDK at run time; type-only imports would hide them.
    rules: { "@typescript-eslint/consistent-type-imports": "off" },
  },
  // Programs that run before npm has installed anything: plain JavaScript, outside the TypeScript project.
  {
    files: ["**/*.mjs"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { project: false } },
  },
  { files: ["tests/**", "bench/**"], rules: { "max-lines-per-function": "off" } },
  {
    files: ["tests/**"],
    ignores: ["tests/support/fastCheck.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          name: "fast-check",
          message: "Take it from tests/support/fastCheck.ts, which sets seed and length.",
        },
      ],
    },
  },
)
