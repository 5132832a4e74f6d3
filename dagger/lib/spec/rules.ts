import * as args from "./argumentsFile.js"
import * as paths from "./imagePaths.js"
import * as further from "./furtherTagRules.js"
import * as image from "./imageRules.js"
import * as platform from "./platformRules.js"
import * as setting from "./settingRules.js"
import * as trust from "./trustRules.js"
import * as tree from "./treeRules.js"
import * as vulnerability from "./vulnerabilityRules.js"
import type { Rule } from "./facts.js"

/** Every check across fields, in the order of a reader's questions. */
export const rules: readonly Rule[] = [
  image.imagesHaveFoldersOfTheirOwn,
  paths.pathsOfImagesStayInside,
  paths.directoriesHoldImages,
  paths.imagesHaveDockerfiles,
  paths.contextsAreFolders,
  args.argumentsFilesAreRead,
  image.imageNamesAreRepositories,
  image.imagesHaveRepositoriesOfTheirOwn,
  image.registryKeepsImagesApart,
  image.tagPrefixesLeaveOtherTags,
  image.infoCommandsAreDefined,
  tree.parentsAreImages,
  tree.copiedImagesAreNamedOnce,
  tree.imagesMakeNoCycle,
  tree.rootsAreTheImagesWithoutParent,
  platform.platformIsSaidOnce,
  platform.platformsAreNamedOnce,
  platform.platformsAreThoseOfTheParent,
  platform.platformsAreThoseOfCopiedImages,
  setting.tagPrefixFitsTheScheme,
  further.furtherTagsAreTags,
  further.furtherTagsAreOfPublishedImages,
  further.furtherTagsAreOfTheirImage,
  setting.mainBranchIsABranch,
  setting.hubVersionIsAVersion,
  setting.gpuImageIsInTheTree,
  setting.gpuLaunchUsesTheImage,
  setting.wikiIsAUrlWithoutSecrets,
  vulnerability.scannerHasADigest,
  vulnerability.exceptionsNamePackages,
  vulnerability.vexFilesAreInTheSource,
  trust.trustedSignersAreWhole,
  trust.trustedRootIsThere,
]
