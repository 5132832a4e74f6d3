# Packages that users install go into their home, also from a notebook, where R cannot ask whether to make the folder.
local({
  own <- path.expand(Sys.getenv("R_LIBS_USER"))
  if (dir.exists(own) || dir.create(own, recursive = TRUE, showWarnings = FALSE)) .libPaths(c(own, .libPaths()))
})
