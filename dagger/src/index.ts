/**
 * Builds, tests, publishes and promotes a tree of Docker images for a JupyterHub.
 *
 * The tree is described by spec.yml; every image has a folder below images/ with a Dockerfile and tests. Start with
 * "dagger call build-stack --source=." on a laptop: it builds and tests everything and publishes nothing.
 */
import { argument, Directory, func, object, Secret } from "@dagger.io/dagger"
import { buildStack } from "./run/buildStack.js"
import { linkedDirectory } from "./run/linkedDirectory.js"
import type { StackRequest } from "./run/request.js"
import { StackRun } from "./run/stackRun.js"

/** The images of a JupyterHub, from their source to production. */
// The SDK reads arguments of decorators as text: only literals work there.
@object()
export class JupyterStack {
  /**
   * Plans, builds, tests and, if asked, publishes the images; fails if one of them fails.
   *
   * Add "artifacts export --path=out" for reports and logs (which never fails for an image), or "summary".
   * @param source The checkout: spec.yml, images/ and .git.
   * @param only Images to build, with what they are built on; all where none is named.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param registry Registry and organisation instead of those of the spec, such as localhost:5000/me.
   * @param registryUsername Login to the registry.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param publish Push the images that pass, as <prefix>-<branch>.
   * @param publishEach Tag each image as soon as it passes, not all together at the end.
   * @param branch Branch of the run, where the checkout does not say it.
   * @param base What to compare with to see what changed; origin/main or main where not given.
   * @param previous Commit that the branch was at before the push, for runs on main.
   * @param pullRequestTitle Title of the pull request, looked at for "skip ci".
   * @param fullRebuild Build every image, whatever is published.
   * @param parallel Steps that run at once.
   * @param plan A plan document (plan.json of an earlier run) to repeat.
   */
  @func({ cache: "never" })
  async buildStack(
    @argument({ defaultPath: "/", ignore: ["**/node_modules", "**/__pycache__", "**/.venv", "out"] })
    source: Directory,
    only: string[] = [],
    set: string[] = [],
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    publish = false,
    publishEach = false,
    branch?: string,
    base?: string,
    previous?: string,
    pullRequestTitle?: string,
    fullRebuild = false,
    parallel = 2,
    plan?: string,
  ): Promise<StackRun> {
    const choices = {
      registry,
      registryUsername,
      registryPassword,
      branch,
      base,
      previous,
      pullRequestTitle,
      plan,
    }
    const request = { source, only, set, publish, publishEach, fullRebuild, parallel, ...given(choices) }
    return buildStack(request satisfies StackRequest)
  }

  /**
   * The stack as one Dockerfile with a .dockerignore, for "docker build --file=stack.Dockerfile --target=..." in the
   * checkout. The targets stand at the top of the file.
   * @param source The checkout: spec.yml and images/.
   * @param only Images to link, with what they are built on; all where none is named.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   */
  @func({ cache: "never" })
  async dockerfile(
    @argument({ defaultPath: "/", ignore: ["**/node_modules", "**/__pycache__", "**/.venv", "out"] })
    source: Directory,
    only: string[] = [],
    set: string[] = [],
  ): Promise<Directory> {
    return linkedDirectory(source, only, set)
  }
}

/** An object without the keys that were not given: the CLI leaves them undefined. */
function given<T extends object>(choices: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
