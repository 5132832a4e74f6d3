"""R and the packages that the image promises."""

import subprocess

import pytest

PROMISED = [
    "IRkernel",
    "caret",
    "covr",
    "crosstalk",
    "devtools",
    "dplyr",
    "DT",
    "e1071",
    "forecast",
    "ggplot2",
    "git2r",
    "hexbin",
    "knitr",
    "markdown",
    "purrr",
    "randomForest",
    "readr",
    "rmarkdown",
    "RSQLite",
    "sf",
    "shiny",
    "stringr",
    "tibble",
    "tidyr",
    "tidyverse",
]


def r(code, **options):
    ended = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, timeout=120, check=False, **options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("package", PROMISED)
def test_package_is_loaded(package):
    r(f"suppressPackageStartupMessages(library({package}))")


@pytest.mark.smoke
def test_model_is_fitted():
    assert r("cat(round(coef(lm(mpg ~ wt, mtcars)), 2))") == "37.29 -5.34"


@pytest.mark.smoke
def test_table_is_summarised_with_dplyr():
    code = "suppressMessages(library(dplyr)); cat(mtcars |> group_by(cyl) |> summarise(n = n()) |> pull(n))"
    assert r(code) == "11 7 14"


@pytest.mark.parametrize("device", ["png", "svg", "pdf"])
def test_plot_is_drawn_without_a_display(device, tmp_path):
    r(
        f'library(ggplot2); {device}("plot"); print(ggplot(mtcars, aes(wt, mpg)) + geom_point()); dev.off()',
        cwd=tmp_path,
    )
    assert (tmp_path / "plot").stat().st_size > 1000


def test_document_is_knitted_to_html(tmp_path):
    (tmp_path / "report.Rmd").write_text("# Cars\n\nThere are `r nrow(mtcars)` cars.\n")
    r('rmarkdown::render("report.Rmd", "html_document", quiet = TRUE)', cwd=tmp_path)
    assert "There are 32 cars." in (tmp_path / "report.html").read_text(encoding="utf-8")
