import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"

/** Where the Dagger SDK may be imported: the entry class and what executes; the rest is plain TypeScript. */
const usesDagger = ["dagger/src/index.ts", "dagger/src/run/**"]

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
    files: ["dagger/src/**"],
    ignores: usesDagger,
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["@dagger.io/*"],
              message:
                "The core is plain TypeScript: take facts as arguments, and call Dagger in dagger/src/run.",
            },
          ],
        },
      ],
      "no-console": ["error"],
    },
  },
  {
    files: ["dagger/src/run/**", "dagger/src/index.ts"],
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
