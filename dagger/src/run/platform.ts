/** The engine builds for what it runs on. */
export const platform = "linux/amd64"
